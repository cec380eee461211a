package syscall

import (
	"math"
	errno "syscall"
	"time"

	"yolk/locks"
	"yolk/proc"
)

func init() {
	Register(errno.SYS_FUTEX, "futex", sysFutex)
	Register(errno.SYS_SET_ROBUST_LIST, "set_robust_list", sysSetRobustList)
	Register(errno.SYS_GET_ROBUST_LIST, "get_robust_list", sysGetRobustList)
	Register(sysRseqNr, "rseq", sysRseq)
}

// Commands of futex.
const (
	futexWait, futexWake, futexRequeue = 0, 1, 3
	futexCmpRequeue, futexWakeOp       = 4, 5
	futexWaitBitset, futexWakeBitset   = 9, 10
	futexPrivate, futexClockRealtime   = 128, 256
	futexCommand                       = ^(futexPrivate | futexClockRealtime)
	futexAnyBit                        = math.MaxUint32
)

// sysFutex: ENOSYS: commands with priority inheritance, or a clock where none is
// looked at; EINVAL, EFAULT, EAGAIN, ETIMEDOUT, EINTR as futex(2).
func sysFutex(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	addr, op, val := a[0], int(int32(a[1])), uint32(a[2])
	private := op&futexPrivate != 0
	cmd := op & futexCommand
	if op&futexClockRealtime != 0 && cmd != futexWaitBitset && cmd != futexWait {
		return 0, errno.ENOSYS
	}
	switch cmd {
	case futexWait:
		return 0, futexSleep(t, addr, val, futexAnyBit, a[3], op)
	case futexWaitBitset:
		if uint32(a[5]) == 0 {
			return 0, errno.EINVAL
		}
		return 0, futexSleep(t, addr, val, uint32(a[5]), a[3], op)
	case futexWake:
		return futexCount(t.FutexWake(addr, atLeastOne(val), futexAnyBit, private))
	case futexWakeBitset:
		if uint32(a[5]) == 0 {
			return 0, errno.EINVAL
		}
		return futexCount(t.FutexWake(addr, atLeastOne(val), uint32(a[5]), private))
	case futexRequeue, futexCmpRequeue:
		if int32(val) < 0 || int32(a[3]) < 0 {
			return 0, errno.EINVAL
		}
		var compare *uint32
		if expect := uint32(a[5]); cmd == futexCmpRequeue {
			compare = &expect
		}
		woken, moved, e := t.FutexRequeue(addr, a[4], int(val), int(a[3]), compare, private)
		if cmd == futexRequeue {
			moved = 0
		}
		return futexCount(woken+moved, e)
	case futexWakeOp:
		return futexCount(t.FutexWakeOp(addr, a[4], atLeastOne(val), atLeastOne(uint32(a[3])), uint32(a[5]), private))
	}
	return 0, errno.ENOSYS
}

// atLeastOne is how many to wake: Linux wakes one even when asked for none.
func atLeastOne(n uint32) int { return max(1, int(int32(n))) }

func futexCount(n int, e errno.Errno) (uintptr, errno.Errno) { return uintptr(n), e }

// futexSleep waits with the timeout at addr: relative for FUTEX_WAIT, a point in
// time for the bitset form.
func futexSleep(t *proc.Task, addr uintptr, val, bitset uint32, timeout uintptr, op int) errno.Errno {
	private := op&futexPrivate != 0
	if timeout == 0 {
		return t.FutexWait(addr, val, bitset, locks.Forever, private)
	}
	d, e := getDuration(t, timeout)
	if e != 0 {
		return e
	}
	if op&futexCommand == futexWait {
		end := time.Now().Add(d)
		return futexUntil(t, addr, val, bitset, end, private)
	}
	return futexUntil(t, addr, val, bitset, deadline(d, op&futexClockRealtime != 0), private)
}

// futexUntil waits until end; interrupted, it leaves the rest to restart_syscall.
func futexUntil(t *proc.Task, addr uintptr, val, bitset uint32, end time.Time, private bool) errno.Errno {
	e := t.FutexWait(addr, val, bitset, max(0, time.Until(end)), private)
	if e != proc.ERESTARTSYS {
		return e
	}
	return t.SetRestart(func(t *proc.Task) (uintptr, errno.Errno) {
		return 0, futexUntil(t, addr, val, bitset, end, private)
	})
}

// sysSetRobustList: EINVAL: size.
func sysSetRobustList(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return 0, t.SetRobustList(a[0], a[1])
}

// sysGetRobustList: ESRCH, EFAULT.
func sysGetRobustList(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	o := t
	if tid := int(int32(a[0])); tid != 0 {
		if o = proc.FindTask(tid); o == nil {
			return 0, errno.ESRCH
		}
	}
	head, size := uint64(o.RobustList()), uint64(24)
	if e := putStruct(t, a[1], &head); e != 0 {
		return 0, e
	}
	return 0, putStruct(t, a[2], &size)
}

// sysRseqNr is younger than the standard library's table.
const sysRseqNr = 334

// sysRseq: EINVAL unknown flags; else proc.SetRseq or proc.ClearRseq.
func sysRseq(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	const unregister = 1
	size, sig := uint32(a[1]), uint32(a[3])
	switch uint32(a[2]) {
	case 0:
		return 0, t.SetRseq(a[0], size, sig)
	case unregister:
		return 0, t.ClearRseq(a[0], size, sig)
	}
	return 0, errno.EINVAL
}
