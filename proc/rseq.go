package proc

import (
	"encoding/binary"
	errno "syscall"

	"yolk/arch"
	"yolk/mm"
)

// Restartable sequences, rseq(2): a thread has an area in which it finds the CPU that
// it runs on, and where it says that it is in a critical section, one that works on
// data of that CPU and ends with a single store. Whenever others may have run there in
// between, the section starts over at its abort handler.

// rseqState is a task's registration. Only its own goroutine uses it.
type rseqState struct {
	addr    uintptr // of struct rseq; 0: none
	sig     uint32  // must stand before an abort handler
	left    bool    // the program has been away from its CPU: a section it is in is void
	current int32   // the CPU written in the area, -1 for none
}

// The layout of struct rseq and struct rseq_cs, in bytes.
const (
	rseqSize   = 32
	rseqCSOff  = 8
	rseqCSSize = 32
)

// SetRseq is rseq(2) without flags. EINVAL: size or alignment, or another area is
// registered; EFAULT: not a program's address; EBUSY: it is registered; EPERM: with
// another signature.
func (t *Task) SetRseq(addr uintptr, size uint32, sig uint32) errno.Errno {
	r := &t.rseq
	switch {
	case r.addr != 0 && (r.addr != addr || size != rseqSize):
		return errno.EINVAL
	case r.addr != 0 && r.sig != sig:
		return errno.EPERM
	case r.addr != 0:
		return errno.EBUSY
	case addr%rseqSize != 0 || size != rseqSize:
		return errno.EINVAL
	case addr == 0 || addr > arch.TaskSize-rseqSize:
		return errno.EFAULT
	}
	*r = rseqState{addr: addr, sig: sig, current: -1}
	return 0
}

// ClearRseq is rseq(2) with RSEQ_FLAG_UNREGISTER. EINVAL: not what is registered;
// EPERM: with another signature; EFAULT.
func (t *Task) ClearRseq(addr uintptr, size uint32, sig uint32) errno.Errno {
	r := &t.rseq
	switch {
	case r.addr == 0 || r.addr != addr || size != rseqSize:
		return errno.EINVAL
	case r.sig != sig:
		return errno.EPERM
	}
	if e := t.writeRseqCPU(0, -1); e != 0 {
		return e
	}
	t.dropRseq()
	return 0
}

// dropRseq forgets the registration: exec, and threads that share memory.
func (t *Task) dropRseq() {
	t.rseq = rseqState{}
	t.Ctx.Stale = 0
}

// writeRseqCPU writes cpu_id_start and cpu_id. EFAULT. May sleep.
func (t *Task) writeRseqCPU(start, cpu int32) errno.Errno {
	b := t.Scratch[:8]
	binary.LittleEndian.PutUint32(b, uint32(start))
	binary.LittleEndian.PutUint32(b[4:], uint32(cpu))
	return mm.CopyToUser(t.MM, t.rseq.addr, b)
}

// rseqReady makes the area, which there is, right for a return to ring 3, and reports
// whether it was: if not, the task may have slept, and a signal may be waiting. That it is still on
// the CPU which the area names is for EnterUser to see.
func (t *Task) rseqReady() bool {
	r := &t.rseq
	cpu := int32(arch.CPU())
	if !r.left && r.current == cpu {
		return true
	}
	if !t.rseqAbort() {
		return false
	}
	if r.current != cpu {
		if t.writeRseqCPU(cpu, cpu) != 0 {
			t.rseqFault()
			return false
		}
		r.current = cpu
		t.Ctx.Stale = ^(1 << cpu)
	}
	return false
}

// rseqFault is an area that cannot be read or written, or does not hold what it must:
// SIGSEGV, as on Linux.
func (t *Task) rseqFault() {
	info := KernelInfo(SIGSEGV)
	t.Force(&info)
	// The handler, if there is one, is not to fault on its way as well.
	t.rseq.left, t.rseq.current = false, int32(arch.CPU())
	t.Ctx.Stale = 0
}

// rseqAbort sends a program that was in a critical section to its abort handler.
// False: it could not, and there is a signal. May sleep. Source: Linux's
// rseq_ip_fixup.
func (t *Task) rseqAbort() bool {
	r := &t.rseq
	r.left = false
	b := t.Scratch[:rseqCSSize]
	if mm.CopyFromUser(t.MM, b[:8], r.addr+rseqCSOff) != 0 {
		t.rseqFault()
		return false
	}
	section := uintptr(binary.LittleEndian.Uint64(b))
	if section == 0 {
		return true
	}
	if section >= arch.TaskSize || mm.CopyFromUser(t.MM, b, section) != 0 {
		t.rseqFault()
		return false
	}
	version, flags := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	start, length, abort := binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
	inside := t.Ctx.RIP-start < length
	switch {
	case version != 0 || flags != 0 || start >= arch.TaskSize || start+length >= arch.TaskSize || start+length < start,
		abort >= arch.TaskSize || abort < 4 || abort-start < length:
		t.rseqFault()
		return false
	}
	if inside {
		if mm.CopyFromUser(t.MM, b[:4], uintptr(abort)-4) != 0 || binary.LittleEndian.Uint32(b) != r.sig {
			t.rseqFault()
			return false
		}
	}
	// Left, one way or the other.
	clear(b[:8])
	if mm.CopyToUser(t.MM, r.addr+rseqCSOff, b[:8]) != 0 {
		t.rseqFault()
		return false
	}
	if inside {
		t.Ctx.RIP = abort
		t.Ctx.FullRestore = 1
	}
	return true
}
