package proc

import (
	"encoding/binary"
	errno "syscall"
	"unsafe"

	"yolk/arch"
)

// The registers of a tracee, in the layouts that tracers know. Every value that
// comes from a tracer is checked here: with what remains ring 3 can be entered.

// UserRegs is struct user_regs_struct.
type UserRegs struct {
	R15, R14, R13, R12, RBP, RBX, R11, R10, R9, R8 uint64
	RAX, RCX, RDX, RSI, RDI, OrigRAX               uint64
	RIP, CS, RFLAGS, RSP, SS                       uint64
	FSBase, GSBase                                 uint64
	DS, ES, FS, GS                                 uint64
}

// Sizes and places in struct user, for PTRACE_PEEKUSER.
const (
	UserRegsSize = unsafe.Sizeof(UserRegs{})
	UserSize     = 928
	userDebug    = 848
	userDebugEnd = userDebug + 8*8

	// LegacyFPUSize is user_fpregs_struct, XStateSize what NT_X86_XSTATE holds.
	LegacyFPUSize = legacySize
	XStateSize    = xsaveSize
)

// TraceRegs returns the registers of o, a stopped tracee.
func (o *Task) TraceRegs() UserRegs {
	c := &o.Ctx
	c.SaveFPU()
	return UserRegs{
		R15: c.R15, R14: c.R14, R13: c.R13, R12: c.R12, RBP: c.RBP, RBX: c.RBX, R11: c.R11, R10: c.R10, R9: c.R9, R8: c.R8,
		RAX: c.RAX, RCX: c.RCX, RDX: c.RDX, RSI: c.RSI, RDI: c.RDI, OrigRAX: o.call,
		RIP: c.RIP, CS: userCS, RFLAGS: c.RFLAGS, RSP: c.RSP, SS: userSS,
		FSBase: c.FSBase, GSBase: c.GSBase,
	}
}

// check refuses what would fault on the way to ring 3. EIO.
func (r *UserRegs) check() errno.Errno {
	badSelector := func(v uint64) bool { return v != 0 && v&3 != 3 }
	switch {
	case r.CS != userCS, r.SS != userSS,
		r.FSBase >= arch.TaskSize, r.GSBase >= arch.TaskSize,
		badSelector(r.DS), badSelector(r.ES), badSelector(r.FS), badSelector(r.GS):
		return errno.EIO
	}
	return 0
}

// SetTraceRegs changes the registers of o, a stopped tracee. Of the flags only
// those change that a program may change itself. EIO: a value that no program can have.
func (o *Task) SetTraceRegs(r *UserRegs) errno.Errno {
	if e := r.check(); e != 0 {
		return e
	}
	c := &o.Ctx
	c.SaveFPU()
	c.R15, c.R14, c.R13, c.R12, c.RBP, c.RBX, c.R11, c.R10, c.R9, c.R8 = r.R15, r.R14, r.R13, r.R12, r.RBP, r.RBX, r.R11, r.R10, r.R9, r.R8
	c.RAX, c.RCX, c.RDX, c.RSI, c.RDI, c.RIP, c.RSP = r.RAX, r.RCX, r.RDX, r.RSI, r.RDI, r.RIP, r.RSP
	c.RFLAGS = c.RFLAGS&^restorableFlags | r.RFLAGS&restorableFlags
	c.FSBase, c.GSBase = r.FSBase, r.GSBase
	o.call = r.OrigRAX
	if int32(r.OrigRAX) < 0 {
		o.call = noCall
	}
	c.FullRestore = 1
	return 0
}

// words views the registers as PTRACE_PEEKUSER counts them.
func (r *UserRegs) words() *[UserRegsSize / 8]uint64 {
	return (*[UserRegsSize / 8]uint64)(unsafe.Pointer(r))
}

// PeekUser reads a word of o's struct user. EIO: no such place. o is a stopped
// tracee.
func (o *Task) PeekUser(off uintptr) (uint64, errno.Errno) {
	switch {
	case off%8 != 0 || off >= UserSize:
		return 0, errno.EIO
	case off < UserRegsSize:
		r := o.TraceRegs()
		return r.words()[off/8], 0
	case off >= userDebug && off < userDebugEnd:
		return o.trace.Load().peekDebug(int(off-userDebug) / 8), 0
	}
	return 0, 0
}

// PokeUser writes a word of o's struct user. EIO: no such place, or a value that
// no program can have; EINVAL: a breakpoint that cannot be.
func (o *Task) PokeUser(off uintptr, v uint64) errno.Errno {
	switch {
	case off%8 != 0 || off >= UserSize:
		return errno.EIO
	case off < UserRegsSize:
		r := o.TraceRegs()
		r.words()[off/8] = v
		return o.SetTraceRegs(&r)
	case off >= userDebug && off < userDebugEnd:
		return o.trace.Load().pokeDebug(int(off-userDebug)/8, v)
	}
	return errno.EIO
}

// TraceFPU copies the FPU state of o, a stopped tracee, in XSAVE's layout.
func (o *Task) TraceFPU(b *[XStateSize]byte) {
	le := binary.LittleEndian
	o.Ctx.SaveFPU()
	copy(b[:], o.Ctx.FPU[:])
	clear(b[swOffset:legacySize])
	le.PutUint64(b[swOffset:], stateAll)
	le.PutUint64(b[headerOffset:], le.Uint64(b[headerOffset:])&stateAll|stateX87SSE)
	clear(b[headerOffset+8 : headerOffset+64])
}

// SetTraceFPU loads o's FPU state from b: the first 512 bytes alone, or all.
// EINVAL: reserved bits, on which the kernel's own XRSTOR would fault. o is a
// stopped tracee.
func (o *Task) SetTraceFPU(b []byte) errno.Errno {
	le := binary.LittleEndian
	o.Ctx.SaveFPU()
	s := o.Ctx.FPU
	if le.Uint32(b[mxcsrOffset:])&^mxcsrKnown != 0 {
		return errno.EINVAL
	}
	present := le.Uint64(s[headerOffset:]) | stateX87SSE
	if len(b) >= XStateSize {
		present = le.Uint64(b[headerOffset:])
		for _, v := range b[headerOffset+8 : headerOffset+64] {
			if v != 0 {
				return errno.EINVAL
			}
		}
		if present&^stateAll != 0 {
			return errno.EINVAL
		}
		copy(s[headerOffset+64:], b[headerOffset+64:XStateSize])
		le.PutUint64(s[headerOffset:], present)
	}
	copy(s[:swOffset], b[:swOffset])
	le.PutUint64(s[headerOffset:], present)
	return 0
}
