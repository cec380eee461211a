package locks

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestCurrentIsPerGoroutine(t *testing.T) {
	mine := Current()
	if Current() != mine {
		t.Fatal("Current changes")
	}
	var child, thread *Context
	together(1, func(int) { child = Current() })
	done := make(chan bool)
	Go("test", func() { thread = Current(); close(done) })
	<-done
	if child == mine || thread == mine || child == thread {
		t.Error("two goroutines share a Context")
	}
	if thread.Name != "test" {
		t.Errorf("thread's name is %q", thread.Name)
	}
}

// TestNoLostWakeUps passes a token around a ring; one lost wake-up stops it.
func TestNoLostWakeUps(t *testing.T) {
	for _, tt := range []struct {
		name string
		wake func(*WaitQueue)
	}{{"WakeOne", (*WaitQueue).WakeOne}, {"WakeAll", (*WaitQueue).WakeAll}} {
		t.Run(tt.name, func(t *testing.T) {
			const n, rounds = 4, 2000
			var (
				lock SpinLock
				turn int
				qs   [n]WaitQueue
			)
			together(n, func(i int) {
				for r := range rounds {
					qs[i].Wait(func() bool {
						lock.Lock()
						defer lock.Unlock()
						return turn == r*n+i
					})
					lock.Lock()
					turn++
					tt.wake(&qs[(i+1)%n])
					lock.Unlock()
				}
			})
		})
	}
}

// TestWakeOneCountsItems has producers and consumers share one queue: each item
// wakes one consumer, and all items are consumed.
func TestWakeOneCountsItems(t *testing.T) {
	const producers, consumers, items = 3, 5, 1500
	var (
		stock, taken atomic.Int64
		q            WaitQueue
	)
	take := func() bool {
		for {
			n := stock.Load()
			if n == 0 {
				return false
			}
			if stock.CompareAndSwap(n, n-1) {
				return true
			}
		}
	}
	together(producers+consumers, func(i int) {
		if i < producers {
			for range items {
				stock.Add(1)
				q.WakeOne()
			}
			return
		}
		for range producers * items / consumers {
			q.Wait(take)
			taken.Add(1)
		}
	})
	if taken.Load() != producers*items {
		t.Errorf("%d of %d items taken", taken.Load(), producers*items)
	}
	if any, _ := Runnable(); any || q.Active() {
		t.Error("somebody is still queued or counted as woken")
	}
}

// TestWakeOneIsPassedOn interrupts the waiter that WakeOne chose: the next one
// gets the wake-up.
func TestWakeOneIsPassedOn(t *testing.T) {
	for range 200 {
		var (
			q     WaitQueue
			stock atomic.Int32
			first atomic.Pointer[Context]
			done  sync.WaitGroup
		)
		take := func() bool { return stock.CompareAndSwap(1, 0) }
		done.Go(func() {
			first.Store(Current())
			if q.WaitInterruptible(take) {
				stock.Add(1)
				q.WakeOne()
			}
		})
		eventually(t, "first waits", func() bool { return q.count.Load() == 1 })
		done.Go(func() { q.Wait(take) })
		eventually(t, "second waits", func() bool { return q.count.Load() == 2 })
		go first.Load().Interrupt()
		stock.Add(1)
		q.WakeOne()
		done.Wait()
	}
}

func TestWaitResults(t *testing.T) {
	var q WaitQueue
	yes, no := func() bool { return true }, func() bool { return false }
	for _, tt := range []struct {
		name          string
		cond          func() bool
		d             time.Duration
		signal        bool
		interruptible bool
		want          WaitResult
	}{
		{"condition holds", yes, Forever, false, true, Woken},
		{"condition before signal", yes, Forever, true, true, Woken},
		{"condition before time", yes, 0, false, true, Woken},
		{"only asking", no, 0, false, false, TimedOut},
		{"time over", no, time.Millisecond, false, false, TimedOut},
		{"signal pending", no, time.Hour, true, true, Interrupted},
		{"signal does not matter", no, time.Millisecond, true, false, TimedOut},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Current()
			if tt.signal {
				c.Interrupt()
				defer c.ClearInterrupt()
			}
			if got := q.WaitTimeout(tt.cond, tt.d, tt.interruptible); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestInterruptEndsASleep(t *testing.T) {
	var (
		q       WaitQueue
		pending atomic.Bool
		sleeper atomic.Pointer[Context]
		result  atomic.Int32
	)
	result.Store(-1)
	go func() {
		c := Current()
		c.SetInterruptCheck(pending.Load)
		sleeper.Store(c)
		result.Store(int32(q.WaitTimeout(never, Forever, true)))
	}()
	eventually(t, "sleeps", func() bool { return q.Active() && sleeper.Load().parked.Load() })
	sleeper.Load().Interrupt() // the check says no: it sleeps on
	eventually(t, "sleeps on", sleeper.Load().parked.Load)
	if result.Load() != -1 {
		t.Fatal("an Interrupt without a signal ended the sleep")
	}
	pending.Store(true)
	sleeper.Load().Interrupt()
	eventually(t, "wakes", func() bool { return result.Load() == int32(Interrupted) })
}

func TestKernelLockIsDroppedDuringSleep(t *testing.T) {
	var (
		q    WaitQueue
		go_  atomic.Bool
		done = make(chan int)
	)
	go func() {
		LockKernel()
		LockKernel()
		LockKernel()
		q.Wait(go_.Load)
		depth := 0
		for KernelLocked() {
			UnlockKernel()
			depth++
		}
		done <- depth
	}()
	eventually(t, "sleeps", q.Active)
	LockKernel() // would never come if the sleeper kept it
	go_.Store(true)
	q.WakeAll()
	select {
	case <-done:
		t.Fatal("the sleeper did not wait for kernel_lock")
	case <-time.After(5 * time.Millisecond):
	}
	UnlockKernel()
	if depth := <-done; depth != 3 {
		t.Errorf("depth %d after the sleep, want 3", depth)
	}
}

func TestKernelLockIsDroppedWaitingForAMutex(t *testing.T) {
	var m Mutex
	m.Lock()
	done := make(chan bool)
	go func() {
		LockKernel()
		m.Lock()
		done <- KernelLocked()
		m.Unlock()
		UnlockKernel()
	}()
	eventually(t, "waits", func() bool { return m.owner.Load()&hasWaiters != 0 })
	LockKernel()
	UnlockKernel()
	m.Unlock()
	if !<-done {
		t.Error("kernel_lock is not held after waiting for the mutex")
	}
}

func TestWaitingForKernelLockKeepsOtherLocksAndCallsHooks(t *testing.T) {
	var before, after atomic.Int32
	SetSleepHooks(func(*Context) { before.Add(1) }, func(*Context) { after.Add(1) })
	defer hooks.Store(nil)
	var m Mutex
	LockKernel()
	done := make(chan bool)
	go func() {
		m.Lock()
		LockKernel()
		done <- m.Held()
		UnlockKernel()
		m.Unlock()
	}()
	eventually(t, "gives up its CPU", func() bool { return before.Load() == 1 })
	UnlockKernel()
	if !<-done {
		t.Error("the mutex was lost")
	}
	if after.Load() != 1 {
		t.Errorf("after hook called %d times", after.Load())
	}
}

// TestConditionMaySleep has a condition that takes a contended mutex: the wake-up
// that comes meanwhile must not be swallowed by the inner sleep.
func TestConditionMaySleep(t *testing.T) {
	var (
		m     Mutex
		q     WaitQueue
		value int
	)
	const rounds = 1000
	together(2, func(i int) {
		for r := range rounds {
			q.Wait(func() bool {
				m.Lock()
				defer m.Unlock()
				return value == 2*r+i
			})
			m.Lock()
			value++
			q.WakeAll()
			m.Unlock()
		}
	})
}

func TestParkOnSeveralQueues(t *testing.T) {
	var (
		a, b WaitQueue
		flag atomic.Bool
	)
	done := make(chan WaitResult)
	go func() {
		var wa, wb Waiter
		a.Add(&wa)
		b.Add(&wb)
		done <- Park(flag.Load, time.Hour, true)
		a.Remove(&wa)
		b.Remove(&wb)
	}()
	eventually(t, "waits on both", func() bool { return a.Active() && b.Active() })
	a.WakeOne() // not yet
	flag.Store(true)
	b.WakeOne()
	if r := <-done; r != Woken {
		t.Errorf("result %d", r)
	}
	eventually(t, "leaves both", func() bool { return !a.Active() && !b.Active() })
}

func TestNotifyIsCalledByEveryWakeUp(t *testing.T) {
	var q WaitQueue
	n := 0
	w := Waiter{Notify: func() { n++ }}
	q.Add(&w)
	q.WakeOne()
	q.WakeAll()
	q.Remove(&w)
	q.WakeAll()
	if n != 2 {
		t.Errorf("called %d times, want 2", n)
	}
}

func TestWakeUpUnderSpinlock(t *testing.T) {
	var (
		l    SpinLock
		q    WaitQueue
		flag bool
	)
	done := make(chan bool)
	go func() {
		q.Wait(func() bool { l.Lock(); defer l.Unlock(); return flag })
		close(done)
	}()
	eventually(t, "waits", q.Active)
	l.Lock()
	flag = true
	q.WakeAll()
	q.WakeOne()
	l.Unlock()
	<-done
}
