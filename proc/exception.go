package proc

import (
	"encoding/binary"

	"yolk/arch"
	"yolk/mm"
)

// Exceptions in ring 3 become signals, but for page faults that mm can resolve.

// faultInfo is the last exception of a task, as the signal frame shows it.
type faultInfo struct{ vector, code, addr uint64 }

// Exception vectors (SDM vol. 3A, table 6-1).
const (
	vecDE = 0
	vecDB = 1
	vecBP = 3
	vecOF = 4
	vecBR = 5
	vecUD = 6
	vecNP = 11
	vecSS = 12
	vecGP = 13
	vecPF = 14
	vecMF = 16
	vecAC = 17
	vecXM = 19

	pfPresent = 1 << 0
	pfWrite   = 1 << 1
	pfUser    = 1 << 2
	pfFetch   = 1 << 4
)

// exception answers the exception that ended the task's stay in ring 3.
func (t *Task) exception() {
	c := &t.Ctx
	if c.Vector == vecPF && t.pageFault() {
		return
	}
	t.fault.vector, t.fault.code = c.Vector, c.ErrorCode
	var info SigInfo
	switch c.Vector {
	case vecPF:
		return // pageFault has sent the signal
	case vecDE:
		info = FaultInfo(SIGFPE, FPEIntDiv, c.RIP)
	case vecDB:
		info = FaultInfo(SIGTRAP, t.debugTrap(c.FaultAddr), c.RIP)
	case vecBP:
		info = KernelInfo(SIGTRAP)
	case vecUD:
		info = FaultInfo(SIGILL, ILLIllOpn, c.RIP)
	case vecNP, vecSS:
		info = KernelInfo(SIGBUS)
	case vecAC:
		info = FaultInfo(SIGBUS, BusAdrAln, 0)
	case vecMF, vecXM:
		c.SaveFPU()
		info = FaultInfo(SIGFPE, fpuCode(c.FPU, c.Vector), c.RIP)
	default: // #GP, #OF, #BR and what else ring 3 can cause
		info = KernelInfo(SIGSEGV)
	}
	t.Force(&info)
}

// pageFault has mm resolve the fault; false when it cannot, and then the signal
// is sent.
func (t *Task) pageFault() bool {
	addr, code := t.Ctx.FaultAddr, t.Ctx.ErrorCode
	access := mm.AccessRead
	switch {
	case code&pfFetch != 0:
		access = mm.AccessExec
	case code&pfWrite != 0:
		access = mm.AccessWrite
	}
	r := mm.FaultMapErr
	switch {
	case code&pfUser == 0:
		// The CPU's own access on behalf of ring 3, which SMAP forbade: QEMU's
		// IRET does that. The page may be there; the access will never succeed.
		r = mm.FaultAccErr
	case addr < arch.TaskSize:
		r = mm.HandleFault(t.MM, uintptr(addr), access)
	default:
		// The signal frame must not tell which pages the kernel has.
		code |= pfPresent
	}
	if !r.Failed() {
		t.countFault(r)
		return true
	}
	t.fault = faultInfo{vecPF, code, addr}
	t.sendFault(r, addr)
	return false
}

func (t *Task) countFault(r mm.FaultResult) {
	if r == mm.FaultMajor {
		t.majFault.Add(1)
	} else {
		t.minFault.Add(1)
	}
}

// sendFault sends the signal for a fault at addr that failed.
func (t *Task) sendFault(r mm.FaultResult, addr uint64) {
	var info SigInfo
	switch r {
	case mm.FaultAccErr:
		info = FaultInfo(SIGSEGV, SegvAccErr, addr)
	case mm.FaultBus:
		info = FaultInfo(SIGBUS, BusAdrErr, addr)
	case mm.FaultOOM:
		t.ForceKill(SIGKILL)
		return
	default:
		info = FaultInfo(SIGSEGV, SegvMapErr, addr)
	}
	t.Force(&info)
}

// fpuCode is si_code for an x87 or SSE exception: the first cause that is
// flagged and not masked. Source: Linux's fpu__exception_code.
func fpuCode(s *arch.FPUState, vector uint64) int32 {
	var cause uint32
	if vector == vecMF {
		control, status := binary.LittleEndian.Uint16(s[0:]), binary.LittleEndian.Uint16(s[2:])
		cause = uint32(status &^ control)
	} else {
		mxcsr := binary.LittleEndian.Uint32(s[mxcsrOffset:])
		cause = mxcsr &^ (mxcsr >> 7)
	}
	switch {
	case cause&0x01 != 0:
		return FPEFltInv
	case cause&0x04 != 0:
		return FPEFltDiv
	case cause&0x08 != 0:
		return FPEFltOvf
	case cause&0x12 != 0:
		return FPEFltUnd
	case cause&0x20 != 0:
		return FPEFltRes
	}
	return 0
}
