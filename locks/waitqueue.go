package locks

import (
	"sync/atomic"
	"time"
)

// Waiter is one entry of a WaitQueue. Those who wait on several queues at once
// (poll) own their Waiters and use Add, Park and Remove; everyone else calls
// the Wait methods.
type Waiter struct {
	// Notify, if set before Add, is called on each wake-up instead of waking
	// Ctx. It runs under the queue's lock and possibly the waker's spinlocks:
	// it must not sleep, allocate, or touch the same queue.
	Notify func()
	Ctx    *Context // whom to wake; Add fills it in when both are unset

	// Guarded by the queue's lock.
	next, prev *Waiter
	queued     bool
	exclusive  bool // WakeOne counts this one

	woken   atomic.Bool // WakeOne chose this waiter, and it has not looked yet
	granted atomic.Bool // the lock waited for is handed over (Mutex, RWSem)
	write   bool        // RWSem: waits as a writer
}

// WaitQueue is a first-come-first-served list of sleepers. The zero value is
// ready for use.
type WaitQueue struct {
	count atomic.Int32 // entries; read without the lock
	lock  rawSpin
	list  waiterList // guarded by lock
}

// Wait sleeps until cond holds, looking again after each wake-up.
// Uninterruptible. No spinlock may be held; cond takes its own.
func (q *WaitQueue) Wait(cond func() bool) { q.WaitTimeout(cond, Forever, false) }

// WaitInterruptible is Wait, but returns false when a signal is pending first.
func (q *WaitQueue) WaitInterruptible(cond func() bool) bool {
	return q.WaitTimeout(cond, Forever, true) == Woken
}

// WaitTimeout sleeps until cond holds, d has passed (never if negative), or, if
// interruptible, a signal is pending.
func (q *WaitQueue) WaitTimeout(cond func() bool, d time.Duration, interruptible bool) WaitResult {
	MaySleep()
	if cond() {
		return Woken
	}
	c := Current()
	w := c.pushWaiter()
	w.exclusive = true
	q.Add(w)
	r := c.park(w, cond, d, interruptible)
	q.Remove(w)
	c.popWaiter(w)
	return r
}

// Add puts w on the queue. Callable under spinlocks.
func (q *WaitQueue) Add(w *Waiter) {
	if w.Ctx == nil && w.Notify == nil {
		w.Ctx = Current()
	}
	q.lock.lock()
	q.list.push(w)
	q.count.Add(1)
	q.lock.unlock()
}

// Remove takes w off the queue, if it is there. A WakeOne that chose w after it
// last looked at its condition is passed on, so that no wake-up is lost.
func (q *WaitQueue) Remove(w *Waiter) {
	q.lock.lock()
	if w.queued {
		q.list.remove(w)
		q.count.Add(-1)
	}
	pass := w.woken.Swap(false)
	q.lock.unlock()
	if pass {
		q.WakeOne()
	}
}

// WakeAll wakes every sleeper. Callable under spinlocks and from interrupt
// handlers.
func (q *WaitQueue) WakeAll() { q.wakeUp(-1, wake) }

// WakeAllSync is WakeAll for a task that wakes others only to sleep itself soon, as
// by a futex: it goes on, and a task that is woken gets its CPU when
// it sleeps, another CPU's at once, or its turn at the next tick. To let the woken one
// run first, as far as ring 3, for which it needs this task's slot, would be two
// switches for each (wake_up_sync).
func (q *WaitQueue) WakeAllSync() { q.wakeUp(-1, wakeSync) }

// WakeAllLazily is WakeAllSync for a task that will sleep or wake again before long,
// as at the ends of a pipe: no idle CPU is woken for what is to run on this one, unless
// the task returns to ring 3 twice, or stays there for a millisecond.
func (q *WaitQueue) WakeAllLazily() { q.wakeUp(-1, wakeLazy) }

// WakeOne wakes the sleeper that has waited longest, and all that did not come
// by a Wait method. Callable under spinlocks and from interrupt handlers.
func (q *WaitQueue) WakeOne() { q.wakeUp(1, wake) }

// Active reports whether anyone waits. A caller that acts on false must have
// made its change visible before it asks.
func (q *WaitQueue) Active() bool { return q.count.Load() != 0 }

// wakeUp wakes n exclusive waiters (all if negative) and all others.
func (q *WaitQueue) wakeUp(n int, how wakeKind) {
	if !q.Active() {
		return
	}
	q.lock.lock()
	for w := q.list.head; w != nil; w = w.next {
		if w.exclusive && n >= 0 {
			if n == 0 || w.woken.Swap(true) {
				continue
			}
			n--
		}
		if w.Notify != nil {
			w.Notify()
		} else {
			w.Ctx.ready(how)
		}
	}
	q.lock.unlock()
}

// waiterList is a doubly linked first-in-first-out list.
type waiterList struct{ head, tail *Waiter }

func (l *waiterList) push(w *Waiter) {
	w.next, w.prev, w.queued = nil, l.tail, true
	if l.tail == nil {
		l.head = w
	} else {
		l.tail.next = w
	}
	l.tail = w
}

func (l *waiterList) remove(w *Waiter) {
	if w.prev == nil {
		l.head = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		l.tail = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.next, w.prev, w.queued = nil, nil, false
}

// pushWaiter takes one of c's own waiters, so that sleeping allocates nothing.
func (c *Context) pushWaiter() *Waiter {
	if c.nested == maxNested {
		panic("locks: waits nested too deeply")
	}
	w := &c.waiters[c.nested]
	c.nested++
	w.Ctx = c
	w.exclusive, w.write = false, false
	w.granted.Store(false)
	return w
}

// popWaiter gives back the waiter last taken.
func (c *Context) popWaiter(w *Waiter) {
	c.nested--
	if w != &c.waiters[c.nested] {
		panic("locks: waiters returned out of order")
	}
}
