package proc

import (
	errno "syscall"
	"testing"
	"time"

	"yolk/locks"
)

// runAsTest makes the test's goroutine t's until the test ends.
func (t *Task) runAsTest(tb testing.TB) {
	c := locks.Current()
	old := c.Task
	t.begin()
	tb.Cleanup(func() {
		t.Sched.Exit()
		c.Task = old
		c.SetInterruptCheck(nil)
		if t.state != stateDead {
			t.end(0)
		}
		WaitDone(t)
	})
}

func TestQueueOrder(t *testing.T) {
	task, _ := signalTask(t)
	task.SetMask(^Sigset(0))
	for _, s := range []struct{ sig, value int }{{SIGUSR1, 1}, {40, 1}, {SIGRTMIN, 1}, {40, 2}, {SIGUSR1, 2}, {SIGRTMIN, 2}, {SIGHUP, 1}} {
		info := UserInfo(s.sig, SIQueue, s.value, 0)
		task.Send(&info)
	}
	want := []struct{ sig, value int }{{SIGHUP, 1}, {SIGUSR1, 1}, {SIGRTMIN, 1}, {SIGRTMIN, 2}, {40, 1}, {40, 2}}
	for _, w := range want {
		var info SigInfo
		sig, e := task.SigWait(^Sigset(0), 0, &info)
		if e != 0 || sig != w.sig || info.Data[0] != byte(w.value) {
			t.Errorf("got signal %d value %d (%v), want %d value %d", sig, info.Data[0], e, w.sig, w.value)
		}
	}
	var info SigInfo
	if _, e := task.SigWait(^Sigset(0), 0, &info); e != errno.EAGAIN {
		t.Errorf("empty queue: %v", e)
	}
	if n := task.Group.nsignals.Load(); n != 0 {
		t.Errorf("%d elements counted in an empty queue", n)
	}
}

func TestQueueLimit(t *testing.T) {
	task, _ := signalTask(t)
	task.SetMask(^Sigset(0))
	task.Group.Limits.Set(RlimitSigpending, Rlimit{2, 2}, true)
	info := UserInfo(40, SIQueue, 1, 0)
	for i, want := range []errno.Errno{0, 0, errno.EAGAIN} {
		if e := task.Send(&info); e != want {
			t.Errorf("send %d: %v, want %v", i, e, want)
		}
	}
	plain := UserInfo(SIGUSR1, SIUser, 1, 0)
	if e := task.Send(&plain); e != 0 || !task.Pending().Has(SIGUSR1) {
		t.Errorf("a standard signal over the limit: %v, pending %#x", e, task.Pending())
	}
}

func TestDefaultActions(t *testing.T) {
	for _, c := range []struct {
		sig   int
		alive bool
	}{
		{SIGCHLD, true}, {SIGURG, true}, {SIGWINCH, true}, {SIGCONT, true},
		{SIGTERM, false}, {SIGKILL, false}, {SIGUSR1, false}, {SIGALRM, false}, {40, false}, {SIGSEGV, false},
	} {
		task, _ := signalTask(t)
		info := KernelInfo(c.sig)
		task.Send(&info)
		if alive := task.work.Load() == 0 || task.deliver(); alive != c.alive {
			t.Errorf("signal %d: alive %v", c.sig, alive)
		}
		if !c.alive && task.Group.exitCode != int32(c.sig) {
			t.Errorf("signal %d: status %d", c.sig, task.Group.exitCode)
		}
	}
}

func TestForceOvercomesIgnoreAndBlock(t *testing.T) {
	for _, block := range []bool{false, true} {
		task, _ := signalTask(t)
		if block {
			task.catch(t, SIGSEGV, 0, 0)
			task.SetMask(SigMask(SIGSEGV))
		} else {
			task.SigAction(SIGSEGV, &SigAction{Handler: sigIgn})
		}
		info := FaultInfo(SIGSEGV, SegvMapErr, 0)
		task.Force(&info)
		if task.deliver() || task.Group.exitCode != SIGSEGV {
			t.Errorf("blocked %v: alive, or status %d", block, task.Group.exitCode)
		}
	}
}

func TestSigActionRules(t *testing.T) {
	task, _ := signalTask(t)
	for _, c := range []struct {
		sig  int
		want errno.Errno
	}{{0, errno.EINVAL}, {65, errno.EINVAL}, {-1, errno.EINVAL}, {SIGKILL, errno.EINVAL}, {SIGSTOP, errno.EINVAL}, {64, 0}} {
		if _, e := task.SigAction(c.sig, &SigAction{Handler: testHandler}); e != c.want {
			t.Errorf("sigaction %d: %v, want %v", c.sig, e, c.want)
		}
	}
	// What waits is forgotten when it becomes ignored.
	task.SetMask(SigMask(SIGUSR1))
	info := KernelInfo(SIGUSR1)
	task.Send(&info)
	task.SigAction(SIGUSR1, &SigAction{Handler: sigIgn})
	if task.Pending() != 0 {
		t.Errorf("pending %#x after SIG_IGN", task.Pending())
	}
	// SA_RESETHAND.
	task.catch(t, SIGUSR2, SAResetHand, 0)
	info = KernelInfo(SIGUSR2)
	task.Send(&info)
	task.deliver()
	if a, _ := task.SigAction(SIGUSR2, nil); a.Handler != sigDfl {
		t.Errorf("handler %#x after SA_RESETHAND", a.Handler)
	}
}

func TestRestart(t *testing.T) {
	const call, rip = 7, 0x400123
	for _, c := range []struct {
		result       errno.Errno
		handler      bool
		restart      bool
		rax, endCall uint64 // RAX seen by the program, and whether it calls again
	}{
		{ERESTARTSYS, false, false, call, 1},
		{ERESTARTSYS, true, false, errorResult(errno.EINTR), 0},
		{ERESTARTSYS, true, true, call, 1},
		{ERESTARTNOINTR, true, false, call, 1},
		{ERESTARTNOHAND, false, false, call, 1},
		{ERESTARTNOHAND, true, true, errorResult(errno.EINTR), 0},
		{ERESTARTRESTARTBLOCK, false, false, nrRestartSyscall, 1},
		{ERESTARTRESTARTBLOCK, true, true, errorResult(errno.EINTR), 0},
		{errno.EINTR, true, true, errorResult(errno.EINTR), 0},
	} {
		task := &Task{call: call}
		task.Ctx.RAX, task.Ctx.RIP = errorResult(c.result), rip
		var act *SigAction
		if c.handler {
			act = &SigAction{Handler: testHandler}
			if c.restart {
				act.Flags = SARestart
			}
		}
		task.finishCall(act)
		if task.Ctx.RAX != c.rax || task.Ctx.RIP != rip-2*c.endCall {
			t.Errorf("%+v: RAX %#x RIP %#x", c, task.Ctx.RAX, task.Ctx.RIP)
		}
	}
}

func TestStopAndContinue(t *testing.T) {
	parent, _ := signalTask(t)
	child := newProcess(t, parent.Group)
	child.Group.Kill(SIGSTOP)
	again := child.runAs(func() { child.deliver() })
	var w WaitReport
	if e := parent.Wait(&WaitRequest{Options: WStopped}, &w); e != 0 || w.Code != CLDStopped || w.Status != SIGSTOP<<8|0x7f {
		t.Errorf("wait for the stop: %v %+v", e, w)
	}
	child.Group.Kill(SIGCONT)
	<-again
	if e := parent.Wait(&WaitRequest{Options: WContinued}, &w); e != 0 || w.Code != CLDContinued || w.Status != 0xffff {
		t.Errorf("wait for the continuation: %v %+v", e, w)
	}
	if e := parent.Wait(&WaitRequest{Options: WStopped | WContinued | WNoHang}, &w); e != 0 || w.PID != 0 {
		t.Errorf("reported twice: %v %+v", e, w)
	}
	child.end(0)
	parent.Wait(&WaitRequest{Options: WExited}, &w)
}

func TestSuspendedSleepEnds(t *testing.T) {
	task, _ := signalTask(t)
	task.catch(t, SIGUSR1, 0, 0)
	time.AfterFunc(10*time.Millisecond, func() { task.Group.Kill(SIGUSR1) })
	if e := task.Pause(); e != ERESTARTNOHAND {
		t.Errorf("pause: %v", e)
	}
	task.deliver()
	if task.Ctx.RIP != testHandler {
		t.Error("no handler after pause")
	}
}
