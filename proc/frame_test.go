package proc

import (
	"encoding/binary"
	errno "syscall"
	"testing"
	"unsafe"

	"yolk/arch"
	"yolk/mm"
)

// TestFrameLayout holds the structures against the numbers of Linux's headers.
func TestFrameLayout(t *testing.T) {
	var f rtSigFrame
	for _, c := range []struct {
		name      string
		got, want uintptr
	}{
		{"sizeof(struct rt_sigframe)", unsafe.Sizeof(f), 440},
		{"rt_sigframe.uc", unsafe.Offsetof(f.UC), 8},
		{"rt_sigframe.info", unsafe.Offsetof(f.Info), 312},
		{"sizeof(struct ucontext)", unsafe.Sizeof(f.UC), 304},
		{"uc_stack", unsafe.Offsetof(f.UC.Stack), 16},
		{"uc_mcontext", unsafe.Offsetof(f.UC.Regs), 40},
		{"uc_sigmask", unsafe.Offsetof(f.UC.Mask), 296},
		{"sizeof(struct sigcontext)", unsafe.Sizeof(f.UC.Regs), 256},
		{"sc.rdi", unsafe.Offsetof(f.UC.Regs.RDI), 64},
		{"sc.rip", unsafe.Offsetof(f.UC.Regs.RIP), 128},
		{"sc.cs", unsafe.Offsetof(f.UC.Regs.CS), 144},
		{"sc.ss", unsafe.Offsetof(f.UC.Regs.SS), 150},
		{"sc.cr2", unsafe.Offsetof(f.UC.Regs.CR2), 176},
		{"sc.fpstate", unsafe.Offsetof(f.UC.Regs.FPState), 184},
		{"sizeof(siginfo_t)", unsafe.Sizeof(f.Info), 128},
		{"si_code", unsafe.Offsetof(f.Info.Code), 8},
		{"si_addr", unsafe.Offsetof(f.Info.Data), 16},
		{"sizeof(stack_t)", unsafe.Sizeof(userStack{}), 24},
		{"sizeof(struct sigaction)", unsafe.Sizeof(SigAction{}), 32},
	} {
		if c.got != c.want {
			t.Errorf("%s is %d, want %d", c.name, c.got, c.want)
		}
	}
}

const testHandler, testRestorer = 0x401000, 0x402000

// signalTask is a process with a stack, in the middle of a program.
func signalTask(t *testing.T) (*Task, uintptr) {
	task := newProcess(t, initGroup)
	top := task.mapAnon(t, 4, errno.MAP_PRIVATE) + 4*arch.PageSize
	task.Ctx.RSP, task.Ctx.RIP, task.Ctx.RAX = uint64(top)-1024, 0x400123, 42
	task.Ctx.RBX, task.Ctx.R15, task.Ctx.RFLAGS = 7, 15, 0x246|flagDF
	task.runAsTest(t)
	return task, top
}

// catch installs a handler.
func (t *Task) catch(tb testing.TB, sig int, flags uint64, mask Sigset) {
	tb.Helper()
	if _, e := t.SigAction(sig, &SigAction{Handler: testHandler, Flags: flags | SARestorer, Restorer: testRestorer, Mask: mask}); e != 0 {
		tb.Fatal(e)
	}
}

func TestSignalFrameRoundTrip(t *testing.T) {
	task, _ := signalTask(t)
	for i := range xsaveSize {
		if i < mxcsrOffset || i >= mxcsrOffset+8 {
			task.Ctx.FPU[i] = byte(i)
		}
	}
	clear(task.Ctx.FPU[swOffset:legacySize])
	clear(task.Ctx.FPU[headerOffset : headerOffset+64])
	task.Ctx.FPU[headerOffset] = stateAll
	before, fpu := task.Ctx, *task.Ctx.FPU

	task.catch(t, SIGUSR1, SASigInfo, SigMask(SIGUSR2))
	info := UserInfo(SIGUSR1, SIUser, 77, 5)
	task.Send(&info)
	if !task.deliver() {
		t.Fatal("the task is to die")
	}
	c := &task.Ctx
	frame := uintptr(c.RSP)
	if c.RIP != testHandler || c.RDI != SIGUSR1 || frame%16 != 8 || uint64(frame) > before.RSP-redZone || c.RFLAGS&flagDF != 0 {
		t.Fatalf("handler's registers: %+v", c)
	}
	if task.Mask() != SigMask(SIGUSR1, SIGUSR2) {
		t.Errorf("mask in the handler is %#x", task.Mask())
	}
	var got rtSigFrame
	if e := mm.CopyFromUser(task.MM, got.bytes(), frame); e != 0 {
		t.Fatal(e)
	}
	if got.Restorer != testRestorer || got.UC.Regs.RIP != before.RIP || got.UC.Regs.RSP != before.RSP || got.Info != info || got.UC.Mask != 0 {
		t.Errorf("frame: %+v", got)
	}
	if c.RSI != uint64(frame)+312 || c.RDX != uint64(frame)+8 {
		t.Errorf("siginfo at %#x, ucontext at %#x, frame at %#x", c.RSI, c.RDX, frame)
	}
	var image fpuFrame
	if got.UC.Regs.FPState%64 != 0 || mm.CopyFromUser(task.MM, image[:], uintptr(got.UC.Regs.FPState)) != 0 || !image.extended() {
		t.Errorf("FPU image at %#x", got.UC.Regs.FPState)
	}

	// The handler's RET takes the restorer off the stack, and that calls sigreturn.
	c.RSP += 8
	c.RAX, c.RBX, c.RIP = 15, 0, testRestorer
	c.RAX = task.SigReturn()
	before.FullRestore = 1
	if task.Ctx != before {
		t.Errorf("after sigreturn\n%+v, want\n%+v", task.Ctx, before)
	}
	if *task.Ctx.FPU != fpu {
		t.Error("FPU state has changed")
	}
	if task.Mask() != 0 {
		t.Errorf("mask after sigreturn is %#x", task.Mask())
	}
}

// TestSigReturnSanitises has a handler put nonsense into its frame.
func TestSigReturnSanitises(t *testing.T) {
	le := binary.LittleEndian
	for _, c := range []struct {
		name   string
		change func(f *rtSigFrame, fpu *fpuFrame)
		dies   bool
		check  func(c *arch.UserContext) bool
	}{
		{"flags", func(f *rtSigFrame, _ *fpuFrame) { f.UC.Regs.RFLAGS = ^uint64(0) &^ flagTF }, false,
			func(c *arch.UserContext) bool { return c.RFLAGS&^restorableFlags == 0x202 && c.RFLAGS&(3<<12) == 0 }},
		{"kernel CS", func(f *rtSigFrame, _ *fpuFrame) { f.UC.Regs.CS = 0x10 }, true, nil},
		{"no CS", func(f *rtSigFrame, _ *fpuFrame) { f.UC.Regs.CS = 0 }, true, nil},
		{"kernel SS", func(f *rtSigFrame, _ *fpuFrame) { f.UC.Regs.SS = 0x18 }, true, nil},
		{"no SS, from before it was in frames", func(f *rtSigFrame, _ *fpuFrame) { f.UC.Regs.SS, f.UC.Flags = 0, ucFPXState }, false,
			func(c *arch.UserContext) bool { return true }},
		{"MXCSR", func(_ *rtSigFrame, p *fpuFrame) { p[mxcsrOffset+2] = 1 }, true, nil},
		{"unknown state", func(_ *rtSigFrame, p *fpuFrame) { p[headerOffset+7] = 0x40 }, true, nil},
		{"compacted", func(_ *rtSigFrame, p *fpuFrame) { p[headerOffset+15] = 0x80 }, true, nil},
		{"reserved bytes", func(_ *rtSigFrame, p *fpuFrame) { p[headerOffset+16] = 1 }, true, nil},
		{"ignored bytes", func(_ *rtSigFrame, p *fpuFrame) { p[headerOffset+24] = 1 }, false,
			func(c *arch.UserContext) bool { return c.FPU[headerOffset+24] == 0 }},
		{"no FPU image", func(f *rtSigFrame, _ *fpuFrame) { f.UC.Regs.FPState = 0 }, false,
			func(c *arch.UserContext) bool { return *c.FPU == *initialFPU }},
		{"FPU image nowhere", func(f *rtSigFrame, _ *fpuFrame) { f.UC.Regs.FPState = 0x1000 }, true, nil},
		{"FPU image in the kernel", func(f *rtSigFrame, _ *fpuFrame) { f.UC.Regs.FPState = 0xffff800000000000 }, true, nil},
		{"legacy image", func(_ *rtSigFrame, p *fpuFrame) { clear(p[swOffset:legacySize]) }, false,
			func(c *arch.UserContext) bool { return le.Uint64(c.FPU[headerOffset:]) == stateX87SSE }},
	} {
		t.Run(c.name, func(t *testing.T) {
			task, _ := signalTask(t)
			task.catch(t, SIGUSR1, SASigInfo, 0)
			info := UserInfo(SIGUSR1, SIUser, 1, 0)
			task.Send(&info)
			task.deliver()
			addr := uintptr(task.Ctx.RSP)
			var f rtSigFrame
			var p fpuFrame
			mm.CopyFromUser(task.MM, f.bytes(), addr)
			fpAddr := uintptr(f.UC.Regs.FPState)
			mm.CopyFromUser(task.MM, p[:], fpAddr)
			c.change(&f, &p)
			mm.CopyToUser(task.MM, fpAddr, p[:])
			mm.CopyToUser(task.MM, addr, f.bytes())
			task.Ctx.RFLAGS = 0x202
			task.Ctx.RSP += 8
			task.SigReturn()
			if alive := task.deliver(); alive == c.dies {
				t.Fatalf("alive after sigreturn: %v", alive)
			}
			if c.dies && task.Group.exitCode != SIGSEGV {
				t.Errorf("died of %d", task.Group.exitCode)
			}
			if !c.dies && !c.check(&task.Ctx) {
				t.Errorf("registers %+v\nheader %x", task.Ctx, task.Ctx.FPU[headerOffset:headerOffset+64])
			}
		})
	}
}

func TestAltStack(t *testing.T) {
	task, _ := signalTask(t)
	base := task.mapAnon(t, 4, errno.MAP_PRIVATE)
	for _, c := range []struct {
		set  AltStack
		want errno.Errno
	}{
		{AltStack{SP: uint64(base), Size: 100}, errno.ENOMEM},
		{AltStack{SP: uint64(base), Size: 8192, Flags: 8}, errno.EINVAL},
		{AltStack{SP: uint64(base), Size: 8192}, 0},
	} {
		if _, e := task.SetAltStack(&c.set); e != c.want {
			t.Errorf("sigaltstack %+v: %v, want %v", c.set, e, c.want)
		}
	}
	task.catch(t, SIGUSR1, SAOnStack, 0)
	task.catch(t, SIGUSR2, SAOnStack, 0)
	send := func(sig int) {
		info := KernelInfo(sig)
		task.Send(&info)
		if !task.deliver() {
			t.Fatal("died")
		}
	}
	send(SIGUSR1)
	first := uintptr(task.Ctx.RSP)
	if first < base || first >= base+8192 {
		t.Fatalf("handler at %#x is not on the stack at %#x", first, base)
	}
	send(SIGUSR2) // nested: goes on below, not at the top again
	if second := uintptr(task.Ctx.RSP); second >= first || second < base {
		t.Errorf("second handler at %#x, first at %#x", second, first)
	}
	if _, e := task.SetAltStack(&AltStack{Flags: SSDisable}); e != errno.EPERM {
		t.Errorf("sigaltstack on the stack: %v, want EPERM", e)
	}
	// No room for a third frame: the overflow kills.
	task.Ctx.RSP = uint64(base) + 600
	task.SetMask(0)
	info := KernelInfo(SIGUSR1)
	task.Send(&info)
	if task.deliver() || task.Group.exitCode != SIGSEGV {
		t.Errorf("overflow of the alternate stack: status %d", task.Group.exitCode)
	}
}

func TestFrameWithoutStack(t *testing.T) {
	task, _ := signalTask(t)
	task.Ctx.RSP = 0x10
	task.catch(t, SIGSEGV, 0, 0)
	info := FaultInfo(SIGSEGV, SegvMapErr, 0x1234)
	task.Force(&info)
	if task.deliver() || task.Group.exitCode != SIGSEGV {
		t.Errorf("SIGSEGV without a stack: status %d", task.Group.exitCode)
	}
}
