package proc

import (
	errno "syscall"
	"testing"
)

// tracees makes a tracer and a traced child, each played by the test.
func tracees(t *testing.T) (tracer, child *Task) {
	t.Helper()
	tracer, _ = signalTask(t)
	child = newProcess(t, tracer.Group)
	child.Group.creator = tracer
	if e := child.TraceMe(); e != 0 {
		t.Fatalf("TraceMe: %v", e)
	}
	return tracer, child
}

// stopAt lets the child stop with a signal, as it would on its way to ring 3,
// and waits until the tracer may ask.
func stopAt(t *testing.T, tracer, child *Task, sig int) <-chan struct{} {
	t.Helper()
	done := child.runAs(func() { child.traceSignal(child.trace.Load(), sig, &SigInfo{Signo: int32(sig)}) })
	var w WaitReport
	r := &WaitRequest{For: WaitPID, ID: child.TID, Options: WExited}
	if e := tracer.Wait(r, &w); e != 0 || w.Code != CLDTrapped || int(w.Value) != sig || w.Status != int32(sig)<<8|0x7f {
		t.Fatalf("wait: %v %+v", e, w)
	}
	return done
}

func TestTraceStops(t *testing.T) {
	tracer, child := tracees(t)
	if e := child.TraceMe(); e != errno.EPERM {
		t.Errorf("a second tracer: %v", e)
	}
	if e := tracer.Resume(child.TID, TraceCont, 0); e != errno.ESRCH {
		t.Errorf("request while it runs: %v", e)
	}
	done := stopAt(t, tracer, child, SIGUSR1)
	for _, c := range []struct {
		name string
		got  errno.Errno
		want errno.Errno
	}{
		{"no such signal", tracer.Resume(child.TID, TraceCont, NSIG+1), errno.EIO},
		{"not seized", tracer.Interrupt(child.TID), errno.EIO},
		{"not seized", tracer.Listen(child.TID), errno.EIO},
		{"options", tracer.SetTraceOptions(child.TID, 1<<40), errno.EINVAL},
		{"another's tracee", child.Resume(child.TID, TraceCont, 0), errno.ESRCH},
		{"memory", tracer.AccessMemory(child.TID, 0x1000, make([]byte, 8), true), errno.EIO},
		{"options", tracer.SetTraceOptions(child.TID, TraceSysGood), 0},
		{"resume", tracer.Resume(child.TID, TraceStep, 0), 0},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
	<-done
	if step, _ := child.stepOn(); !step || child.Ctx.RFLAGS&flagTF == 0 {
		t.Error("no trap flag")
	}
	done = stopAt(t, tracer, child, SIGUSR2)
	if e := tracer.Detach(child.TID, 0); e != 0 {
		t.Errorf("detach: %v", e)
	}
	<-done
	if step, _ := child.stepOn(); step || len(tracer.tracees) != 0 || child.tracer != nil {
		t.Error("still traced")
	}
	child.end(0)
}

// TestTraceKill: SIGKILL ends a stop, but not under a request.
func TestTraceKill(t *testing.T) {
	tracer, child := tracees(t)
	done := stopAt(t, tracer, child, SIGUSR1)
	e := tracer.WithTracee(child.TID, func(o *Task) errno.Errno {
		o.Group.Kill(SIGKILL)
		select {
		case <-done:
			t.Error("the tracee left its stop under a request")
		default:
		}
		return 0
	})
	if e != 0 {
		t.Fatal(e)
	}
	<-done
	child.end(0)
	var w WaitReport
	if e := tracer.Wait(&WaitRequest{Options: WExited}, &w); e != 0 || w.Status != SIGKILL {
		t.Errorf("wait: %v %+v", e, w)
	}
}

// TestTracerFirst: a process that another than its parent traces is reported to
// that one first, and to its parent all the same.
func TestTracerFirst(t *testing.T) {
	parent, _ := signalTask(t)
	child, tracer := newProcess(t, parent.Group), newProcess(t, parent.Group)
	if e := tracer.Attach(child.TID, true, TraceExitKill); e != 0 {
		t.Fatal(e)
	}
	if e := parent.Attach(child.TID, true, 0); e != errno.EPERM {
		t.Errorf("a second tracer: %v", e)
	}
	if e := child.Attach(child.TID, true, 0); e != errno.EPERM {
		t.Errorf("oneself: %v", e)
	}
	child.end(3 << 8)
	var w WaitReport
	r := &WaitRequest{For: WaitPID, ID: child.PID, Options: WExited | WNoHang}
	if e := parent.Wait(r, &w); e != 0 || w.PID != 0 {
		t.Errorf("the parent first: %v %+v", e, w)
	}
	for _, who := range []*Task{tracer, parent} {
		if e := who.Wait(r, &w); e != 0 || w.PID != child.PID || w.Value != 3 {
			t.Errorf("wait: %v %+v", e, w)
		}
	}
	if FindTask(child.TID) != nil {
		t.Error("not reaped")
	}
	// EXITKILL when the tracer ends.
	child = newProcess(t, parent.Group)
	if e := tracer.Attach(child.TID, true, TraceExitKill); e != 0 {
		t.Fatal(e)
	}
	tracer.end(0)
	if !child.Group.killed || child.trace.Load() != nil {
		t.Error("the tracee outlives its tracer")
	}
	child.end(0)
	for range 2 {
		parent.Wait(&WaitRequest{Options: WExited}, &w)
	}
}

func TestTracedThread(t *testing.T) {
	parent, _ := signalTask(t)
	child := newProcess(t, parent.Group)
	thread := newThread(t, child)
	tid := thread.TID
	if e := parent.Attach(tid, true, 0); e != 0 {
		t.Fatal(e)
	}
	thread.end(7 << 8)
	var w WaitReport
	r := &WaitRequest{For: WaitPID, ID: tid, Options: WExited | WNoHang}
	if e := parent.Wait(r, &w); e != 0 || w.PID != tid || w.Value != 7 {
		t.Errorf("wait: %v %+v", e, w)
	}
	if e := parent.Wait(r, &w); e != errno.ECHILD {
		t.Errorf("twice: %v", e)
	}
	child.end(0)
	parent.Wait(&WaitRequest{Options: WExited}, &w)
}

func TestTraceRegs(t *testing.T) {
	_, child := tracees(t)
	child.Ctx.RIP, child.Ctx.RFLAGS = 0x400000, initialFlags
	good := child.TraceRegs()
	for _, c := range []struct {
		name string
		set  func(r *UserRegs)
		want errno.Errno
	}{
		{"kernel RIP", func(r *UserRegs) { r.RIP = 0xffffffff80200000 }, 0},
		{"RIP not canonical", func(r *UserRegs) { r.RIP = 1 << 47 }, 0},
		{"the last page", func(r *UserRegs) { r.RIP = 0x7ffffffff000 }, 0},
		{"kernel CS", func(r *UserRegs) { r.CS = 0x10 }, errno.EIO},
		{"no SS", func(r *UserRegs) { r.SS = 0 }, errno.EIO},
		{"kernel FS", func(r *UserRegs) { r.FSBase = 1 << 63 }, errno.EIO},
		{"kernel GS", func(r *UserRegs) { r.GSBase = 0x7ffffffff000 }, errno.EIO},
		{"DS of ring 0", func(r *UserRegs) { r.DS = 0x10 }, errno.EIO},
		{"DS of ring 3", func(r *UserRegs) { r.DS = 0x2b }, 0},
		{"any RSP", func(r *UserRegs) { r.RSP = 1 << 63 }, 0},
		{"all flags", func(r *UserRegs) { r.RFLAGS = ^uint64(0) }, 0},
		{"no call", func(r *UserRegs) { r.OrigRAX = 0xffffffff }, 0},
	} {
		r := good
		c.set(&r)
		if e := child.SetTraceRegs(&r); e != c.want {
			t.Errorf("%s: %v, want %v", c.name, e, c.want)
		}
	}
	if f := child.Ctx.RFLAGS; f&^restorableFlags != initialFlags {
		t.Errorf("RFLAGS %#x", f)
	}
	for _, c := range []struct {
		off  uintptr
		v    uint64
		want errno.Errno
	}{
		{16 * 8, 0x401000, 0}, {16 * 8, 1 << 62, 0}, {3, 0, errno.EIO}, {UserSize, 0, errno.EIO}, {224, 0, errno.EIO},
		{userDebug, 0x400000, 0}, {userDebug, 1 << 63, errno.EINVAL}, {userDebug + 4*8, 0, errno.EIO}, {userDebug + 7*8, 1, 0},
	} {
		if e := child.PokeUser(c.off, c.v); e != c.want {
			t.Errorf("poke %d = %#x: %v, want %v", c.off, c.v, e, c.want)
		}
		if got, e := child.PeekUser(c.off); c.want == 0 && (e != 0 || got != c.v) {
			t.Errorf("peek %d: %#x %v, want %#x", c.off, got, e, c.v)
		}
	}
	child.end(0)
}

func TestTraceFPU(t *testing.T) {
	_, child := tracees(t)
	var area [XStateSize]byte
	child.TraceFPU(&area)
	for _, c := range []struct {
		name string
		at   int
		b    byte
		size int
		want errno.Errno
	}{
		{"as it was", 0, area[0], XStateSize, 0},
		{"legacy part", 160, 0x55, LegacyFPUSize, 0},
		{"MXCSR", mxcsrOffset + 3, 1, LegacyFPUSize, errno.EINVAL},
		{"unknown parts", headerOffset, 0xff, XStateSize, errno.EINVAL},
		{"compacted", headerOffset + 15, 0x80, XStateSize, errno.EINVAL},
		{"reserved", headerOffset + 63, 1, XStateSize, errno.EINVAL},
	} {
		b := area
		b[c.at] = c.b
		if e := child.SetTraceFPU(b[:c.size]); e != c.want {
			t.Errorf("%s: %v, want %v", c.name, e, c.want)
		}
	}
	if child.Ctx.FPU[160] != 0x55 {
		t.Error("XMM0 was not set")
	}
	child.end(0)
}
