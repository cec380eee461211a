package syscall

import (
	"encoding/binary"
	errno "syscall"
	"unsafe"

	"yolk/mm"
	"yolk/proc"
)

func init() { Register(errno.SYS_PTRACE, "ptrace", sysPtrace) }

// Requests of ptrace.
const (
	ptraceTraceMe    = 0
	ptracePeekText   = 1
	ptracePeekData   = 2
	ptracePeekUser   = 3
	ptracePokeText   = 4
	ptracePokeData   = 5
	ptracePokeUser   = 6
	ptraceCont       = 7
	ptraceKill       = 8
	ptraceSingleStep = 9
	ptraceGetRegs    = 12
	ptraceSetRegs    = 13
	ptraceGetFPRegs  = 14
	ptraceSetFPRegs  = 15
	ptraceAttach     = 16
	ptraceDetach     = 17
	ptraceSyscall    = 24
	ptraceArchPrctl  = 30
	ptraceOldOptions = 21
	ptraceSetOptions = 0x4200
	ptraceEventMsg   = 0x4201
	ptraceGetSigInfo = 0x4202
	ptraceSetSigInfo = 0x4203
	ptraceGetRegSet  = 0x4204
	ptraceSetRegSet  = 0x4205
	ptraceSeize      = 0x4206
	ptraceInterrupt  = 0x4207
	ptraceListen     = 0x4208
)

// sysPtrace: see ptrace(2). ESRCH: not a tracee of the caller, or not stopped;
// EPERM, EIO, EFAULT, EINVAL. It returns what the raw call does: PEEK stores the
// word where the fourth argument points.
func sysPtrace(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	request, tid, addr, data := a[0], int(int32(a[1])), a[2], a[3]
	switch request {
	case ptraceTraceMe:
		return 0, t.TraceMe()
	case ptraceAttach:
		return 0, t.Attach(tid, false, 0)
	case ptraceSeize:
		if addr != 0 {
			return 0, errno.EIO
		}
		return 0, t.Attach(tid, true, uint64(data))
	case ptraceDetach:
		return 0, t.Detach(tid, data)
	case ptraceCont:
		return 0, t.Resume(tid, proc.TraceCont, data)
	case ptraceSyscall:
		return 0, t.Resume(tid, proc.TraceSyscall, data)
	case ptraceSingleStep:
		return 0, t.Resume(tid, proc.TraceStep, data)
	case ptraceKill:
		return 0, t.KillTracee(tid)
	case ptraceInterrupt:
		return 0, t.Interrupt(tid)
	case ptraceListen:
		return 0, t.Listen(tid)
	case ptraceSetOptions, ptraceOldOptions:
		return 0, t.SetTraceOptions(tid, uint64(data))
	case ptracePeekText, ptracePeekData, ptracePokeText, ptracePokeData:
		return 0, ptraceMemory(t, tid, addr, data, request >= ptracePokeText)
	}
	return 0, ptraceState(t, request, tid, addr, data)
}

// ptraceMemory moves a word of the tracee's memory. EIO, EFAULT, ESRCH.
func ptraceMemory(t *proc.Task, tid int, addr, data uintptr, poke bool) errno.Errno {
	word := t.Scratch[:8]
	if poke {
		binary.LittleEndian.PutUint64(word, uint64(data))
		return t.AccessMemory(tid, addr, word, true)
	}
	if e := t.AccessMemory(tid, addr, word, false); e != 0 {
		return e
	}
	return mm.CopyToUser(t.MM, data, word)
}

// ptraceState are the requests about a stopped tracee's registers and stop.
func ptraceState(t *proc.Task, request uintptr, tid int, addr, data uintptr) errno.Errno {
	switch request {
	case ptracePeekUser, ptraceEventMsg:
		var word uint64
		e := t.WithTracee(tid, func(o *proc.Task) (e errno.Errno) {
			if request == ptraceEventMsg {
				word = o.TraceMessage()
				return 0
			}
			word, e = o.PeekUser(addr)
			return e
		})
		if e != 0 {
			return e
		}
		return putStruct(t, data, &word)
	case ptracePokeUser:
		return t.WithTracee(tid, func(o *proc.Task) errno.Errno { return o.PokeUser(addr, uint64(data)) })
	case ptraceGetRegs, ptraceSetRegs, ptraceGetFPRegs, ptraceSetFPRegs:
		set := request == ptraceSetRegs || request == ptraceSetFPRegs
		s := regSets[ntPRStatus]
		if request >= ptraceGetFPRegs {
			s = regSets[ntPRFPReg]
		}
		return s.move(t, tid, data, s.size, set)
	case ptraceGetRegSet, ptraceSetRegSet:
		return ptraceRegSet(t, tid, addr, data, request == ptraceSetRegSet)
	case ptraceGetSigInfo, ptraceSetSigInfo:
		return ptraceSigInfo(t, tid, data, request == ptraceSetSigInfo)
	case ptraceArchPrctl:
		return ptracePrctl(t, tid, addr, data)
	}
	// Who may not ask at all hears of that first.
	if e := t.WithTracee(tid, func(*proc.Task) errno.Errno { return 0 }); e != 0 {
		return e
	}
	return errno.EIO
}

func ptraceSigInfo(t *proc.Task, tid int, data uintptr, set bool) errno.Errno {
	var info proc.SigInfo
	if set {
		if e := getStruct(t, &info, data); e != 0 {
			return e
		}
		return t.WithTracee(tid, func(o *proc.Task) errno.Errno { return o.SetTraceInfo(&info) })
	}
	e := t.WithTracee(tid, func(o *proc.Task) errno.Errno { return o.TraceInfo(&info) })
	if e != 0 {
		return e
	}
	return putStruct(t, data, &info)
}

// ptracePrctl is arch_prctl for a tracee: addr is the value, or where it goes;
// data the code. As sysArchPrctl; ESRCH.
func ptracePrctl(t *proc.Task, tid int, addr, data uintptr) errno.Errno {
	var r proc.UserRegs
	e := t.WithTracee(tid, func(o *proc.Task) errno.Errno {
		r = o.TraceRegs()
		switch data {
		case archSetFS:
			r.FSBase = uint64(addr)
		case archSetGS:
			r.GSBase = uint64(addr)
		default:
			return 0
		}
		if o.SetTraceRegs(&r) != 0 {
			return errno.EPERM
		}
		return 0
	})
	switch {
	case e != 0 || data == archSetFS || data == archSetGS:
		return e
	case data == archGetFS:
		return putStruct(t, addr, &r.FSBase)
	case data == archGetGS:
		return putStruct(t, addr, &r.GSBase)
	}
	return errno.EINVAL
}

// Kinds of register sets: the notes of a core file.
const (
	ntPRStatus = 1
	ntPRFPReg  = 2
	ntXState   = 0x202
)

// regSet is a set of registers as PTRACE_GETREGSET moves it.
type regSet struct {
	size, unit uintptr
	get        func(o *proc.Task, b *regBuf)
	set        func(o *proc.Task, b *regBuf, n uintptr) errno.Errno
	whole      bool // set takes nothing less than all
}

// regBuf holds any register set.
type regBuf [proc.XStateSize]byte

var regSets = map[uintptr]*regSet{
	ntPRStatus: {size: proc.UserRegsSize, unit: 8, get: getRegs, set: setRegs},
	ntPRFPReg:  {size: proc.LegacyFPUSize, unit: 8, get: getFPU, set: setFPU, whole: true},
	ntXState:   {size: proc.XStateSize, unit: 8, get: getFPU, set: setFPU, whole: true},
}

func (b *regBuf) regs() *proc.UserRegs { return (*proc.UserRegs)(unsafe.Pointer(b)) }

func getRegs(o *proc.Task, b *regBuf) { *b.regs() = o.TraceRegs() }

func setRegs(o *proc.Task, b *regBuf, n uintptr) errno.Errno {
	r := o.TraceRegs()
	copy(structBytes(&r), b[:n])
	return o.SetTraceRegs(&r)
}

func getFPU(o *proc.Task, b *regBuf) { o.TraceFPU((*[proc.XStateSize]byte)(b)) }

func setFPU(o *proc.Task, b *regBuf, n uintptr) errno.Errno { return o.SetTraceFPU(b[:n]) }

// move copies n bytes between the set of a tracee and the caller's memory. ESRCH,
// EFAULT, and what the registers do not take: EIO, EINVAL.
func (s *regSet) move(t *proc.Task, tid int, data, n uintptr, set bool) errno.Errno {
	b := new(regBuf)
	if !set {
		e := t.WithTracee(tid, func(o *proc.Task) errno.Errno { s.get(o, b); return 0 })
		if e != 0 {
			return e
		}
		return mm.CopyToUser(t.MM, data, b[:n])
	}
	if s.whole && n != s.size {
		return errno.EFAULT
	}
	if e := mm.CopyFromUser(t.MM, b[:n], data); e != 0 {
		return e
	}
	return t.WithTracee(tid, func(o *proc.Task) errno.Errno { return s.set(o, b, n) })
}

// ptraceRegSet: kind says which registers, data points to an iovec, whose length
// becomes what was moved. EINVAL: unknown set, odd length; ESRCH, EFAULT.
func ptraceRegSet(t *proc.Task, tid int, kind, data uintptr, set bool) errno.Errno {
	var iov struct{ Base, Len uint64 }
	if e := getStruct(t, &iov, data); e != 0 {
		return e
	}
	s := regSets[kind]
	if s == nil || uintptr(iov.Len)%s.unit != 0 {
		return errno.EINVAL
	}
	n := min(uintptr(iov.Len), s.size)
	if e := s.move(t, tid, uintptr(iov.Base), n, set); e != 0 {
		return e
	}
	iov.Len = uint64(n)
	return putStruct(t, data, &iov)
}
