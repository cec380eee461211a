package locks

import (
	"sync/atomic"
	"unsafe"
)

// hasWaiters is set in an owner word when somebody sleeps for the lock.
// Goroutine descriptors are aligned, so the bit is free.
const hasWaiters = 1

// Mutex is a sleeping lock: mmap_sem, i_sem and their like. An unlock with
// sleepers hands the lock to the one that came first, so nobody starves.
type Mutex struct {
	dep   depLock
	owner atomic.Uintptr // holder's goroutine | hasWaiters
	lock  rawSpin
	list  waiterList // guarded by lock
}

// Init sets the lock's class, and makes it free: a host test's fresh machine has the
// globals of the one before. The zero Mutex works but is not checked.
func (l *Mutex) Init(class Class) {
	l.dep.init(class)
	l.owner.Store(0)
	l.list = waiterList{}
}

// Lock takes the lock. May sleep.
func (l *Mutex) Lock() {
	if Attempt(unsafe.Pointer(l), l.dep.class()) {
		return
	}
	depBefore(&l.dep, unsafe.Pointer(l), kindSleep)
	if !l.owner.CompareAndSwap(0, getg()) {
		l.lockSlow(Current())
	}
	depAfter(&l.dep, unsafe.Pointer(l), kindSleep)
	acquired(unsafe.Pointer(l), l.dep.class())
}

func (l *Mutex) lockSlow(c *Context) {
	if l.owner.Load()&^hasWaiters == c.g {
		panic("locks: mutex taken twice by the same goroutine")
	}
	l.lock.lock()
	for {
		v := l.owner.Load()
		if v == 0 {
			if l.owner.CompareAndSwap(0, c.g) {
				l.lock.unlock()
				return
			}
		} else if v&hasWaiters != 0 || l.owner.CompareAndSwap(v, v|hasWaiters) {
			break
		}
	}
	w := c.pushWaiter()
	l.list.push(w)
	l.lock.unlock()
	c.park(nil, w.granted.Load, Forever, false)
	c.popWaiter(w)
}

// TryLock takes the lock if it is free. Never sleeps; callable under spinlocks.
func (l *Mutex) TryLock() bool {
	if Attempt(unsafe.Pointer(l), l.dep.class()) {
		return true
	}
	if !l.owner.CompareAndSwap(0, getg()) {
		return false
	}
	depTried(&l.dep, unsafe.Pointer(l), kindSleep)
	acquired(unsafe.Pointer(l), l.dep.class())
	return true
}

// Unlock releases the lock. Never sleeps; callable under spinlocks.
func (l *Mutex) Unlock() {
	if Leaving(unsafe.Pointer(l)) {
		return
	}
	depRelease(&l.dep, unsafe.Pointer(l))
	l.release()
	Left(unsafe.Pointer(l), l.dep.class())
}

func (l *Mutex) release() {
	g := getg()
	if l.owner.CompareAndSwap(g, 0) {
		return
	}
	if l.owner.Load() != g|hasWaiters {
		panic("locks: mutex released by a goroutine that does not hold it")
	}
	l.lock.lock()
	w := l.list.head
	l.list.remove(w)
	next := w.Ctx.g
	if l.list.head != nil {
		next |= hasWaiters
	}
	l.owner.Store(next)
	grant(w)
	l.lock.unlock()
}

// grant tells w's goroutine that the lock is its own. Read the context first:
// the waiter may be reused the moment granted is set.
func grant(w *Waiter) {
	c := w.Ctx
	w.granted.Store(true)
	c.ready(wake)
}

// Held reports whether the running goroutine holds the lock.
func (l *Mutex) Held() bool { return l.owner.Load()&^hasWaiters == getg() }

// AssertHeld reports a violation of rule R1 unless the running goroutine holds
// the lock. Empty in builds without lockdep.
func (l *Mutex) AssertHeld() {
	if Lockdep && !l.Held() {
		l.Violation("R1", "%s is not held here", l.dep.class())
	}
}

// Violation reports that a rule is broken which is about this lock. Empty in
// builds without lockdep.
func (l *Mutex) Violation(rule, format string, args ...any) {
	depViolation(&l.dep, unsafe.Pointer(l), rule, format, args...)
}
