package locks

import "unsafe"

// RWSem is a sleeping lock that readers share. Waiters are served in the order
// in which they came, readers in runs, so neither side starves.
type RWSem struct {
	dep     depLock
	lock    rawSpin
	readers int        // guarded by lock
	writer  uintptr    // goroutine that holds it alone, or 0; guarded by lock
	list    waiterList // guarded by lock
}

// Init sets the lock's class. The zero RWSem works but is not checked.
func (l *RWSem) Init(class Class) { l.dep.init(class) }

// Lock takes the lock alone. May sleep.
func (l *RWSem) Lock() {
	if Attempt(unsafe.Pointer(l), l.dep.class()) {
		return
	}
	depBefore(&l.dep, unsafe.Pointer(l), kindSleep)
	l.acquire(true)
	depAfter(&l.dep, unsafe.Pointer(l), kindSleep)
	acquired(unsafe.Pointer(l), l.dep.class())
}

// RLock shares the lock with other readers. May sleep. Not recursive: a waiting
// writer would come between.
func (l *RWSem) RLock() {
	if Attempt(unsafe.Pointer(l), l.dep.class()) {
		return
	}
	depBefore(&l.dep, unsafe.Pointer(l), kindSleep)
	l.acquire(false)
	depAfter(&l.dep, unsafe.Pointer(l), kindSleep)
	acquired(unsafe.Pointer(l), l.dep.class())
}

func (l *RWSem) acquire(write bool) {
	l.lock.lock()
	if l.list.head == nil && l.enter(write, getg()) {
		l.lock.unlock()
		return
	}
	l.lock.unlock()
	c := Current() // may allocate: not under the lock
	l.lock.lock()
	if l.list.head == nil && l.enter(write, c.g) {
		l.lock.unlock()
		return
	}
	w := c.pushWaiter()
	w.write = write
	l.list.push(w)
	l.lock.unlock()
	c.park(nil, w.granted.Load, Forever, false)
	c.popWaiter(w)
}

// enter takes the lock for goroutine g if the holders allow; l.lock is held.
func (l *RWSem) enter(write bool, g uintptr) bool {
	if l.writer != 0 || write && l.readers > 0 {
		return false
	}
	if write {
		l.writer = g
	} else {
		l.readers++
	}
	return true
}

// TryLock takes the lock alone if it is free. Never sleeps.
func (l *RWSem) TryLock() bool { return l.try(true) }

// TryRLock shares the lock if no writer has it or waits. Never sleeps.
func (l *RWSem) TryRLock() bool { return l.try(false) }

func (l *RWSem) try(write bool) bool {
	if Attempt(unsafe.Pointer(l), l.dep.class()) {
		return true
	}
	l.lock.lock()
	ok := l.list.head == nil && l.enter(write, getg())
	l.lock.unlock()
	if ok {
		depTried(&l.dep, unsafe.Pointer(l), kindSleep)
		acquired(unsafe.Pointer(l), l.dep.class())
	}
	return ok
}

// Unlock ends a Lock. Never sleeps.
func (l *RWSem) Unlock() {
	if Leaving(unsafe.Pointer(l)) {
		return
	}
	depRelease(&l.dep, unsafe.Pointer(l))
	l.lock.lock()
	mine := l.writer == getg()
	if mine {
		l.writer = 0
		l.serve()
	}
	l.lock.unlock()
	if !mine { // a panic while pinned could not be recovered from
		panic("locks: rwsem released by a goroutine that does not hold it")
	}
	Left(unsafe.Pointer(l), l.dep.class())
}

// RUnlock ends an RLock. Never sleeps.
func (l *RWSem) RUnlock() {
	if Leaving(unsafe.Pointer(l)) {
		return
	}
	depRelease(&l.dep, unsafe.Pointer(l))
	l.lock.lock()
	shared := l.readers > 0
	if shared {
		l.readers--
		l.serve()
	}
	l.lock.unlock()
	if !shared {
		panic("locks: rwsem has no reader to release")
	}
	Left(unsafe.Pointer(l), l.dep.class())
}

// serve lets in those at the head of the queue; l.lock is held.
func (l *RWSem) serve() {
	for w := l.list.head; w != nil && l.enter(w.write, w.Ctx.g); w = l.list.head {
		l.list.remove(w)
		grant(w)
	}
}

// Held reports whether the running goroutine holds the lock alone.
func (l *RWSem) Held() bool {
	l.lock.lock()
	held := l.writer == getg()
	l.lock.unlock()
	return held
}

// RHeld reports whether the lock is held by a writer that is the running
// goroutine, or by any reader: readers are not recorded one by one.
func (l *RWSem) RHeld() bool {
	l.lock.lock()
	held := l.writer == getg() || l.readers > 0
	l.lock.unlock()
	return held
}
