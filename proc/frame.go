package proc

import (
	"encoding/binary"
	"unsafe"

	"yolk/arch"
	"yolk/mm"
)

// The frame that a signal handler finds on its stack, exactly as Linux lays it
// out (arch/x86/include/asm/sigframe.h, uapi/asm/sigcontext.h): the FPU image
// above, aligned to 64, then below it the rt_sigframe, whose address plus 8 is a
// multiple of 16 as after a call instruction.

type userStack struct {
	SP    uint64
	Flags int32
	_     int32
	Size  uint64
}

type sigContext struct {
	R8, R9, R10, R11, R12, R13, R14, R15        uint64
	RDI, RSI, RBP, RBX, RDX, RAX, RCX, RSP, RIP uint64
	RFLAGS                                      uint64
	CS, GS, FS, SS                              uint16
	Err, TrapNo, OldMask, CR2                   uint64
	FPState                                     uint64
	_                                           [8]uint64
}

type userContext struct {
	Flags, Link uint64
	Stack       userStack
	Regs        sigContext
	Mask        Sigset
}

type rtSigFrame struct {
	Restorer uint64
	UC       userContext
	Info     SigInfo
}

const (
	ucFPXState        = 1
	ucSigContextSS    = 2
	ucStrictRestoreSS = 4

	sigFrameSize = unsafe.Sizeof(rtSigFrame{})
	redZone      = 128 // bytes below RSP that belong to the interrupted function

	userCS, userSS = 0x33, 0x2b

	flagTF, flagDF, flagRF = 1 << 8, 1 << 10, 1 << 16
	// restorableFlags are the bits of RFLAGS that sigreturn takes from the frame.
	restorableFlags = 0x50dd5 // AC RF OF DF TF SF ZF AF PF CF
)

// sigFrame is the frame being built or taken apart. Each task has one, made
// when it first needs it, so that signals cost no allocation.
type sigFrame struct {
	sig rtSigFrame
	fpu fpuFrame
}

func (f *rtSigFrame) bytes() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(f)), sigFrameSize)
}

// frameInfo is where nextSignal leaves the siginfo.
func (t *Task) frameInfo() *SigInfo {
	if t.frame == nil {
		t.frame = new(sigFrame)
	}
	return &t.frame.sig.Info
}

// pushFrame writes the frame for the handler of act and points the registers at
// the handler. False when the stack cannot take it. mask is what sigreturn is to
// restore. Source: Linux's x64_setup_rt_frame.
func (t *Task) pushFrame(act *SigAction, mask Sigset) bool {
	if act.Flags&SARestorer == 0 {
		return false // on x86-64 the program must say how to return
	}
	c := &t.Ctx
	f := t.frame
	frameAddr, fpAddr, ok := t.placeFrame(act)
	if !ok {
		return false
	}
	c.SaveFPU()
	f.fpu.save(c.FPU)
	f.sig.Restorer = act.Restorer
	f.sig.UC = userContext{
		Flags: ucFPXState | ucSigContextSS | ucStrictRestoreSS,
		Stack: t.altStack.user(c.RSP),
		Regs:  t.sigContext(fpAddr, mask),
		Mask:  mask,
	}
	if mm.CopyToUser(t.MM, fpAddr, f.fpu[:]) != 0 || mm.CopyToUser(t.MM, frameAddr, f.sig.bytes()) != 0 {
		return false
	}
	c.RDI = uint64(f.sig.Info.Signo)
	c.RAX = 0
	c.RSI = uint64(frameAddr + unsafe.Offsetof(rtSigFrame{}.Info))
	c.RDX = uint64(frameAddr + unsafe.Offsetof(rtSigFrame{}.UC))
	c.RIP = act.Handler
	c.RSP = uint64(frameAddr)
	c.RFLAGS &^= flagDF | flagRF | flagTF
	c.FullRestore = 1
	resetFPU(c.FPU)
	if t.altStack.disarm {
		t.altStack = altStack{}
	}
	return true
}

// placeFrame chooses the addresses of frame and FPU image.
func (t *Task) placeFrame(act *SigAction) (frame, fpu uintptr, ok bool) {
	sp := uintptr(t.Ctx.RSP) - redZone
	a := &t.altStack
	onAlt := a.contains(t.Ctx.RSP) && !a.disarm
	if act.Flags&SAOnStack != 0 && a.size != 0 && !onAlt {
		sp = a.sp + a.size
		onAlt = true
	}
	fpu = (sp - fpuFrameSize) &^ 63
	frame = (fpu-sigFrameSize)&^15 - 8
	// A handler that overflows its alternate stack must not run on into what is
	// below.
	if onAlt && !a.contains(uint64(frame)) {
		return 0, 0, false
	}
	return frame, fpu, frame < fpu && fpu < arch.TaskSize
}

// sigContext is the registers as the frame shows them.
func (t *Task) sigContext(fpAddr uintptr, mask Sigset) sigContext {
	c := &t.Ctx
	return sigContext{
		R8: c.R8, R9: c.R9, R10: c.R10, R11: c.R11, R12: c.R12, R13: c.R13, R14: c.R14, R15: c.R15,
		RDI: c.RDI, RSI: c.RSI, RBP: c.RBP, RBX: c.RBX, RDX: c.RDX, RAX: c.RAX, RCX: c.RCX,
		RSP: c.RSP, RIP: c.RIP, RFLAGS: c.RFLAGS,
		CS: userCS, SS: userSS,
		Err: t.fault.code, TrapNo: t.fault.vector, CR2: t.fault.addr,
		OldMask: uint64(mask),
		FPState: uint64(fpAddr),
	}
}

// enterable reports whether IRET would take the selectors of the frame. What RPL
// they have does not matter, as on Linux.
func (u *userContext) enterable() bool {
	r := &u.Regs
	return r.CS|3 == userCS && (r.SS|3 == userSS || u.Flags&ucStrictRestoreSS == 0)
}

// SigReturn is the rt_sigreturn call: it puts back what pushFrame saved, as the
// handler left it, and lets nothing through that ring 3 may not set. The result
// is the RAX of the interrupted program. A bad frame means SIGSEGV.
func (t *Task) SigReturn() uint64 {
	t.call = noCall
	t.restart = nil
	t.frameInfo()
	f := t.frame
	addr := uintptr(t.Ctx.RSP) - 8 // the handler's RET has taken the restorer off
	if mm.CopyFromUser(t.MM, f.sig.bytes(), addr) != 0 || !f.sig.UC.enterable() || !t.restoreFPU(&f.sig.UC.Regs) {
		t.frameFault(0)
		return t.Ctx.RAX
	}
	t.SetMask(f.sig.UC.Mask)
	r, c := &f.sig.UC.Regs, &t.Ctx
	c.R8, c.R9, c.R10, c.R11, c.R12, c.R13, c.R14, c.R15 = r.R8, r.R9, r.R10, r.R11, r.R12, r.R13, r.R14, r.R15
	c.RDI, c.RSI, c.RBP, c.RBX, c.RDX, c.RCX = r.RDI, r.RSI, r.RBP, r.RBX, r.RDX, r.RCX
	c.RSP, c.RIP, c.RAX = r.RSP, r.RIP, r.RAX
	c.RFLAGS = c.RFLAGS&^restorableFlags | r.RFLAGS&restorableFlags
	c.FullRestore = 1
	t.altStack.restore(&f.sig.UC.Stack)
	return c.RAX
}

// The FPU part of the frame: an XSAVE image of x87, SSE and AVX state, 832
// bytes, and a second magic number behind it. In the reserved end of the legacy
// area software finds how large the image is.
const (
	xsaveSize    = 832
	fpuFrameSize = xsaveSize + 4
	legacySize   = 512
	swOffset     = 464
	headerOffset = 512
	mxcsrOffset  = 24
	mxcsrKnown   = 0xffff

	magic1 = 0x46505853
	magic2 = 0x46505845

	stateX87SSE = 3 // bits of XSTATE_BV
	stateAll    = 7 // with AVX
)

type fpuFrame [fpuFrameSize]byte

// initialFPU is the state of a new program, and of each handler's start.
var initialFPU = arch.NewFPUState()

// save copies the program's state and adds what Linux adds.
func (f *fpuFrame) save(s *arch.FPUState) {
	le := binary.LittleEndian
	copy(f[:], s[:xsaveSize])
	clear(f[swOffset:legacySize])
	le.PutUint32(f[swOffset:], magic1)
	le.PutUint32(f[swOffset+4:], fpuFrameSize)
	le.PutUint64(f[swOffset+8:], stateAll)
	le.PutUint32(f[swOffset+16:], xsaveSize)
	// The legacy state is always there, and restorers without XSAVE read it.
	le.PutUint64(f[headerOffset:], le.Uint64(f[headerOffset:])&stateAll|stateX87SSE)
	le.PutUint64(f[headerOffset+8:], 0)
	le.PutUint32(f[xsaveSize:], magic2)
}

func resetFPU(s *arch.FPUState) { copy(s[:xsaveSize], initialFPU[:xsaveSize]) }

// restoreFPU loads the image that the frame names. False when it cannot be read, or
// no processor would load it.
func (t *Task) restoreFPU(r *sigContext) bool {
	t.Ctx.SaveFPU()
	s := t.Ctx.FPU
	if r.FPState == 0 {
		resetFPU(s)
		return true
	}
	f := &t.frame.fpu
	if mm.CopyFromUser(t.MM, f[:legacySize], uintptr(r.FPState)) != 0 {
		return false
	}
	size := legacySize
	if f.extended() {
		if mm.CopyFromUser(t.MM, f[legacySize:], uintptr(r.FPState)+legacySize) != 0 {
			return false
		}
		if binary.LittleEndian.Uint32(f[xsaveSize:]) == magic2 {
			size = xsaveSize
		}
	}
	return f.load(s, size)
}

// extended reports whether the legacy area claims a full image behind it.
func (f *fpuFrame) extended() bool {
	le := binary.LittleEndian
	return le.Uint32(f[swOffset:]) == magic1 && le.Uint32(f[swOffset+4:]) == fpuFrameSize && le.Uint32(f[swOffset+16:]) == xsaveSize
}

// load makes size bytes of the frame the program's state. XRSTOR in the kernel
// faults on reserved bits (SDM vol. 1, 13.8.1), so none may pass: it returns false,
// which is what comes of them on Linux. The header is our own but for the bits that
// say which parts are there.
func (f *fpuFrame) load(s *arch.FPUState, size int) bool {
	le := binary.LittleEndian
	present := uint64(stateX87SSE)
	if le.Uint32(f[mxcsrOffset:])&^mxcsrKnown != 0 {
		return false
	}
	if size == legacySize {
		resetFPU(s)
	} else {
		present = le.Uint64(f[headerOffset:])
		if present&^stateAll != 0 || le.Uint64(f[headerOffset+8:])|le.Uint64(f[headerOffset+16:]) != 0 {
			return false
		}
	}
	others := le.Uint64(s[headerOffset:]) &^ stateAll
	copy(s[:size], f[:size])
	clear(s[swOffset:legacySize])
	clear(s[headerOffset : headerOffset+64])
	le.PutUint64(s[headerOffset:], others|present)
	return true
}
