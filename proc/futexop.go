package proc

import (
	"encoding/binary"
	errno "syscall"

	"yolk/arch"
	"yolk/mm"
)

// The operand of FUTEX_WAKE_OP: what to do (bits 28-31), how to compare (24-27),
// and two numbers of 12 bits.

const (
	wakeOpSet, wakeOpAdd, wakeOpOr, wakeOpAndN, wakeOpXor = 0, 1, 2, 3, 4
	wakeOpShift                                           = 8
	wakeCmpEq, wakeCmpNe, wakeCmpLt, wakeCmpLe            = 0, 1, 2, 3
	wakeCmpGt, wakeCmpGe                                  = 4, 5
)

// signed12 extends the sign of a 12-bit number.
func signed12(v uint32) int32 { return int32(v<<20) >> 20 }

// checkWakeOp refuses what applyWakeOp and wakeOpMeets do not know. ENOSYS.
func checkWakeOp(op uint32) errno.Errno {
	if op>>28&7 > wakeOpXor || op>>24&15 > wakeCmpGe {
		return errno.ENOSYS
	}
	return 0
}

// applyWakeOp changes the word and returns its old value; false when it faults.
func (t *Task) applyWakeOp(addr uintptr, op uint32) (old uint32, ok bool) {
	arg := uint32(signed12(op >> 12))
	if op>>28&wakeOpShift != 0 {
		arg = 1 << (arg & 31)
	}
	for {
		old, ok = arch.LoadUser32(&t.MM.Ctx, addr)
		if !ok {
			return 0, false
		}
		v := arg
		switch op >> 28 & 7 {
		case wakeOpAdd:
			v = old + arg
		case wakeOpOr:
			v = old | arg
		case wakeOpAndN:
			v = old &^ arg
		case wakeOpXor:
			v = old ^ arg
		}
		swapped, ok := arch.CompareAndSwapUser32(&t.MM.Ctx, addr, old, v)
		if !ok {
			return 0, false
		}
		if swapped {
			return old, true
		}
	}
}

// wakeOpMeets compares the old value as op asks.
func wakeOpMeets(old, op uint32) bool {
	a, b := int32(old), signed12(op)
	switch op >> 24 & 15 {
	case wakeCmpEq:
		return a == b
	case wakeCmpNe:
		return a != b
	case wakeCmpLt:
		return a < b
	case wakeCmpLe:
		return a <= b
	case wakeCmpGt:
		return a > b
	}
	return a >= b
}

// Robust futexes: a list in the thread's memory of the locks it holds, which the
// kernel marks when the thread dies with them (uapi/linux/futex.h).
const (
	robustHeadSize   = 24
	robustMaxEntries = 2048
	futexOwnerDied   = 0x40000000
	futexWaiters     = 0x80000000
	futexTIDMask     = 0x3fffffff
)

// SetRobustList is set_robust_list. EINVAL: a head of another size.
func (t *Task) SetRobustList(head, size uintptr) errno.Errno {
	if size != robustHeadSize {
		return errno.EINVAL
	}
	t.robust = head
	return 0
}

// RobustList returns the head for get_robust_list.
func (t *Task) RobustList() uintptr { return t.robust }

// exitRobustList marks the locks that t dies with. Nothing in the list can be
// trusted: it ends at the first thing that makes no sense.
func (t *Task) exitRobustList() {
	head := t.robust
	t.robust = 0
	if head == 0 {
		return
	}
	var h [robustHeadSize]byte
	if mm.CopyFromUser(t.MM, h[:], head) != 0 {
		return
	}
	le := binary.LittleEndian
	entry, offset, pending := uintptr(le.Uint64(h[0:])), uintptr(le.Uint64(h[8:])), uintptr(le.Uint64(h[16:]))
	for n := 0; entry&^1 != head && n < robustMaxEntries; n++ {
		// The next pointer first: a waiter may free the entry as soon as it is told.
		var b [8]byte
		e := mm.CopyFromUser(t.MM, b[:], entry&^1)
		if entry != pending && !t.ownerDied(entry&^1+offset) {
			return
		}
		if e != 0 {
			return
		}
		entry = uintptr(le.Uint64(b[:]))
	}
	if pending != 0 {
		t.ownerDied(pending&^1 + offset)
	}
}

// ownerDied marks the lock word at addr if t owns it, and wakes one waiter.
// False when the word cannot be reached.
func (t *Task) ownerDied(addr uintptr) bool {
	if addr&3 != 0 {
		return false
	}
	for {
		v, e := mm.LoadUser32(t.MM, addr)
		if e != 0 {
			return false
		}
		if v&futexTIDMask != uint32(t.TID) {
			return true
		}
		swapped, e := mm.CompareAndSwapUser32(t.MM, addr, v, v&futexWaiters|futexOwnerDied)
		if e != 0 {
			return false
		}
		if swapped {
			if v&futexWaiters != 0 {
				t.FutexWake(addr, 1, futexAnyBit, false)
			}
			return true
		}
	}
}
