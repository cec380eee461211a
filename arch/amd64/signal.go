package amd64

// Signals of the Go runtime in ring 0: goroutine preemption (SIGURG) and faults
// that become panics. The frame is the one of Linux on x86-64, for
// runtime.sigtramp reads it; FPU state follows it.

const (
	sigQUIT = 3
	sigILL  = 4
	sigTRAP = 5
	sigFPE  = 8
	sigSEGV = 11

	sigSaveStack = 1
)

// kernelSigaction is what rt_sigaction passes.
type kernelSigaction struct {
	handler, flags uint64
	restorer, mask uint64
}

var sigactions [65]kernelSigaction

// ucontext is struct ucontext of the kernel ABI (asm/ucontext.h, asm/sigcontext.h).
type ucontext struct {
	flags, link                      uint64
	stackSP, stackFlags, stackSize   uint64
	r8, r9, r10, r11, r12, r13, r14  uint64
	r15, rdi, rsi, rbp, rbx, rdx     uint64
	rax, rcx, rsp, rip, eflags, segs uint64
	err, trapno, oldmask, cr2        uint64
	fpstate                          uint64
	_                                [8]uint64
	mask                             uint64
}

type siginfo struct {
	signo, errno, code, _ int32
	addr                  uint64
	_                     [104]byte
}

type sigframe struct {
	restorer uint64
	uc       ucontext
	info     siginfo
	fpuSaved uint64
	fpu      [FPUSize]byte
}

const frameSize = 8 + 304 + 128 + 8 + FPUSize

func sigaction(sig uint64, act, old uintptr) uint64 {
	if sig == 0 || sig > 64 {
		return errEINVAL
	}
	a := &sigactions[sig]
	if old != 0 {
		*(*kernelSigaction)(ptr(old)) = *a
	}
	if act != 0 {
		*a = *(*kernelSigaction)(ptr(act))
	}
	return 0
}

func (t *kthread) sigprocmask(how uint64, set, old uintptr) uint64 {
	if old != 0 {
		*(*uint64)(ptr(old)) = t.sigMask
	}
	if set != 0 {
		v := *(*uint64)(ptr(set))
		switch how {
		case 0:
			t.sigMask |= v
		case 1:
			t.sigMask &^= v
		case 2:
			t.sigMask = v
		default:
			return errEINVAL
		}
	}
	return 0
}

func (t *kthread) sigaltstack(set, old uintptr) uint64 {
	if old != 0 {
		store64(old, uint64(t.altSP))
		store32(old+8, t.altFlags)
		store64(old+16, uint64(t.altSize))
	}
	if set != 0 {
		t.altSP, t.altFlags, t.altSize = uintptr(load64(set)), load32(set+8), uintptr(load64(set+16))
	}
	return 0
}

func store64(a uintptr, v uint64) { *(*uint64)(ptr(a)) = v }

// deliver builds the frame of one pending signal; the thread resumes in its
// handler.
func (t *kthread) deliver() {
	todo := t.sigPending &^ t.sigMask
	for sig := uint32(1); sig <= 64; sig++ {
		if todo>>(sig-1)&1 != 0 {
			t.sigPending &^= 1 << (sig - 1)
			t.frame(sig, siginfo{signo: int32(sig), code: -6}, 0, 0, 0) // SI_TKILL
			return
		}
	}
}

// raise delivers a synchronous fault at once. With no handler, or a stack the
// handler could not have, the kernel dies with an oops.
func (t *kthread) raise(sig uint32, vector, code, addr uint64) {
	if sigactions[sig].handler < 2 || t.sigMask>>(sig-1)&1 != 0 {
		unlockFloor()
		oops("fault in the kernel", vector, code, t.rip, t.rsp)
	}
	t.frame(sig, siginfo{signo: int32(sig), code: 1, addr: addr}, vector, code, addr)
}

func (t *kthread) frame(sig uint32, info siginfo, vector, code, addr uint64) {
	a := &sigactions[sig]
	if a.handler < 2 {
		return
	}
	sp := uintptr(t.rsp) - 128
	if t.altFlags&2 == 0 && a.flags&0x08000000 != 0 && !(sp >= t.altSP && sp < t.altSP+t.altSize) {
		sp = t.altSP + t.altSize
	}
	sp = (sp-frameSize)&^15 - 8
	if !present(sp, frameSize) {
		unlockFloor()
		oops("no memory for a signal frame", vector, code, t.rip, t.rsp)
	}
	f := (*sigframe)(ptr(sp))
	f.restorer = a.restorer
	f.uc = ucontext{
		stackSP: uint64(t.altSP), stackFlags: uint64(t.altFlags), stackSize: uint64(t.altSize),
		r8: t.r8, r9: t.r9, r10: t.r10, r11: t.r11, r12: t.r12, r13: t.r13, r14: t.r14, r15: t.r15,
		rdi: t.rdi, rsi: t.rsi, rbp: t.rbp, rbx: t.rbx, rdx: t.rdx, rax: t.rax, rcx: t.rcx,
		rsp: t.rsp, rip: t.rip, eflags: t.rflags, segs: selKernelCS,
		err: code, trapno: vector, cr2: addr, mask: t.sigMask,
	}
	f.info = info
	f.fpuSaved = t.fpuSaved
	if t.fpuSaved != 0 {
		f.fpu = *(*[FPUSize]byte)(ptr(t.fpu))
	}
	t.fpuSaved = 0
	t.sigMask |= a.mask
	if a.flags&0x40000000 == 0 { // SA_NODEFER
		t.sigMask |= 1 << (sig - 1)
	}
	t.rsp = uint64(sp)
	t.rip = a.handler
	t.rflags = 0x202
	t.rdi = uint64(sig)
	t.rsi = uint64(sp) + 8 + 304
	t.rdx = uint64(sp) + 8
	t.rax = 0
}

// sigreturn restores what frame saved; the handler may have changed it.
func (t *kthread) sigreturn() uint64 {
	f := (*sigframe)(ptr(uintptr(t.rsp) - 8))
	u := &f.uc
	t.r8, t.r9, t.r10, t.r11, t.r12, t.r13, t.r14, t.r15 = u.r8, u.r9, u.r10, u.r11, u.r12, u.r13, u.r14, u.r15
	t.rdi, t.rsi, t.rbp, t.rbx, t.rdx, t.rcx = u.rdi, u.rsi, u.rbp, u.rbx, u.rdx, u.rcx
	t.rsp, t.rip, t.rflags, t.sigMask = u.rsp, u.rip, u.eflags, u.mask
	if f.fpuSaved != 0 {
		*(*[FPUSize]byte)(ptr(t.fpu)) = f.fpu
		t.fpuSaved = 1
	}
	return u.rax
}
