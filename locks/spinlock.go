package locks

import (
	"sync/atomic"
	"unsafe"
)

// SpinLock guards data that is never kept locked across a sleep. It pins its
// holder to the thread and the thread to the CPU, so that waiters spin only for
// as long as the holder really runs.
//
// Interrupt handlers run as plain goroutine code (arch.RunInterrupts), never on
// top of a holder, so the irq-saving kind of the 1999 kernel has no separate
// type here.
type SpinLock struct {
	dep   depLock
	owner atomic.Uintptr // goroutine that holds it, or 0
}

// Init sets the lock's class, and makes it free, as for a Mutex. The zero SpinLock
// works but is not checked.
func (l *SpinLock) Init(class Class) {
	l.dep.init(class)
	l.owner.Store(0)
}

// Lock takes the lock, spinning. It never sleeps.
func (l *SpinLock) Lock() {
	if Attempt(unsafe.Pointer(l), l.dep.class()) {
		return
	}
	depBefore(&l.dep, unsafe.Pointer(l), kindSpin)
	pin()
	if !l.owner.CompareAndSwap(0, getg()) {
		l.lockSlow()
	}
	depAfter(&l.dep, unsafe.Pointer(l), kindSpin)
	acquired(unsafe.Pointer(l), l.dep.class())
}

func (l *SpinLock) lockSlow() {
	g := getg()
	if l.owner.Load() == g {
		panic("locks: spinlock taken twice by the same goroutine")
	}
	for round := 0; ; round++ {
		if l.owner.Load() == 0 && l.owner.CompareAndSwap(0, g) {
			return
		}
		if !contended(unsafe.Pointer(l)) {
			relax(round)
		}
	}
}

// TryLock takes the lock if it is free.
func (l *SpinLock) TryLock() bool {
	if Attempt(unsafe.Pointer(l), l.dep.class()) {
		return true
	}
	pin()
	if !l.owner.CompareAndSwap(0, getg()) {
		unpin()
		return false
	}
	depTried(&l.dep, unsafe.Pointer(l), kindSpin)
	acquired(unsafe.Pointer(l), l.dep.class())
	return true
}

// Unlock releases the lock.
func (l *SpinLock) Unlock() {
	if Leaving(unsafe.Pointer(l)) {
		return
	}
	depRelease(&l.dep, unsafe.Pointer(l))
	if l.owner.Load() != getg() {
		panic("locks: spinlock released by a goroutine that does not hold it")
	}
	l.owner.Store(0)
	unpin()
	Left(unsafe.Pointer(l), l.dep.class())
}

// Held reports whether the running goroutine holds the lock.
func (l *SpinLock) Held() bool { return l.owner.Load() == getg() }

// AssertHeld reports a violation of rule R2 unless the running goroutine holds
// the lock. Empty in builds without lockdep.
func (l *SpinLock) AssertHeld() {
	if Lockdep && !l.Held() {
		l.Violation("R2", "%s is not held here", l.dep.class())
	}
}

// Violation reports that a rule is broken which is about this lock. Empty in
// builds without lockdep.
func (l *SpinLock) Violation(rule, format string, args ...any) {
	depViolation(&l.dep, unsafe.Pointer(l), rule, format, args...)
}

// rawSpin is the lock inside the sleeping primitives: it pins, and the checker
// does not see it. Nothing is ever taken inside it but another queue's.
type rawSpin struct{ v atomic.Uint32 }

func (l *rawSpin) lock() {
	pin()
	for round := 0; !l.v.CompareAndSwap(0, 1); round++ {
		relax(round)
	}
}

func (l *rawSpin) unlock() {
	l.v.Store(0)
	unpin()
}
