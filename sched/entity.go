package sched

import (
	"runtime"
	"sync/atomic"
	"time"

	"yolk/arch"
	"yolk/locks"
)

// Entity is what the scheduler knows of a task; proc.Task embeds it. Its methods
// are for the task's own goroutine unless they say otherwise.
type Entity struct {
	Registers *arch.UserContext // of the program, nil if there is none

	// For the policy, guarded by the run queue's lock.
	Link *Entity
	Nice int8

	// The CPUs to which it is bound, 0: to none in particular. See affinity.go.
	allowed atomic.Uint64

	// The task's own; cpu is another's to change while it waits for a CPU of its mask.
	slot     bool
	owing    bool // it went to ring 3 with arch.WakesOwed
	cpu      int8 // 1 + the CPU that it has as a bound task
	sliceEnd int64

	// In the line of those that wait for a CPU of their mask, guarded by the run queue's lock.
	nextBound *Entity

	// Waiting for a slot, or for a CPU of its mask.
	inLine  atomic.Bool
	granted atomic.Bool
	turn    locks.WaitQueue

	// Accounting, written by the task alone and read by anyone. since is when
	// the running stretch not yet counted in ran began, 0 while asleep.
	since       atomic.Int64
	ran         atomic.Int64
	ranUser     atomic.Int64
	voluntary   atomic.Uint64
	involuntary atomic.Uint64
}

// now is the monotonic clock in nanoseconds, never 0; time.Now costs five times as much.
func now() int64 { return int64(arch.Monotonic()) + 1 }

// Start binds e to the running goroutine.
func (e *Entity) Start() {
	locks.Current().SetSched(e)
	e.since.Store(now())
}

// Exit gives up the CPU for good. The counters stay readable.
func (e *Entity) Exit() {
	queue.dropCPU(e)
	if e.slot {
		queue.release(e)
	}
	e.pause()
	locks.Current().SetSched(nil)
}

// Enter makes sure of a slot; the task loop calls it each time before it enters
// ring 3. May sleep if the task has slept since the last time; no lock may be
// held. It lets goroutines that were woken go first: ring 3 would keep the CPU
// from them until the next tick.
func (e *Entity) Enter() {
	if any, other := locks.Runnable(); any || !e.slot {
		e.enterSlow(any, other)
	}
}

// enterSlow is Enter's rare part; the other is compiled into the task loop.
func (e *Entity) enterSlow(any, other bool) {
	if any {
		e.goFirst(other)
	}
	switch {
	case e.slot:
	case e.allowed.Load() != 0:
		e.Settle()
	default:
		queue.acquire(e)
	}
}

// goFirst lets goroutines run that were woken; those whom this task woke to sleep
// itself next wait for that, but not for two returns to ring 3.
func (e *Entity) goFirst(other bool) {
	switch {
	case other:
		e.gosched()
	case arch.WakesOwed():
		if e.owing {
			arch.WakeIdle()
		}
		e.owing = !e.owing
	}
}

// Tick is called when the timer has stopped the program in ring 3. When the
// slice is over and others wait, the next of them gets the CPU. May sleep.
func (e *Entity) Tick() {
	t := now()
	ran := t - e.since.Swap(t)
	e.ran.Add(ran)
	e.ranUser.Add(ran)
	charge(ran, true)
	if t >= e.sliceEnd {
		e.sliceEnd = t + int64(Slice)
		e.makeWay()
	}
	e.gosched()
}

// Yield lets the other tasks that wait for a CPU go first (sched_yield). May
// sleep.
func (e *Entity) Yield() {
	e.makeWay()
	e.gosched()
}

// gosched lets other goroutines go first. Any CPU may be the next.
func (e *Entity) gosched() {
	if e.Registers != nil {
		e.Registers.LeaveFPU()
	}
	arch.WakeIdle()
	runtime.Gosched()
}

// makeWay hands the slot over if anybody waits, and queues up again; a bound task, its
// CPU.
func (e *Entity) makeWay() {
	switch {
	case !e.slot:
	case e.cpu == 0 && e.allowed.Load() != 0:
		e.Settle()
	case queue.wanted(e):
		queue.takeCPU(e)
	case Waiting() > 0:
		e.involuntary.Add(1)
		queue.rotate(e)
	}
}

// Times returns the time spent in ring 3 and in the kernel. Callable by anyone.
// The sum is exact; the part of ring 3 is sampled by the ticks.
func (e *Entity) Times() (user, system time.Duration) {
	total := e.ran.Load()
	if since := e.since.Load(); since != 0 {
		total += max(0, now()-since)
	}
	user = time.Duration(e.ranUser.Load())
	return user, max(0, time.Duration(total)-user)
}

// Runnable reports whether the task sleeps only because it has no CPU. Callable by
// anyone.
func (e *Entity) Runnable() bool { return e.inLine.Load() }

// Switched returns how often the task gave up its CPU to wait for something, and
// how often because its slice was over or it yielded. Callable by anyone.
func (e *Entity) Switched() (voluntary, involuntary uint64) {
	return e.voluntary.Load(), e.involuntary.Load()
}

// pause ends a running stretch.
func (e *Entity) pause() {
	if since := e.since.Swap(0); since != 0 {
		ran := now() - since
		e.ran.Add(ran)
		charge(ran, false)
	}
}

// beforeSleep and afterSleep are called by locks around every sleep.
func beforeSleep(c *locks.Context) {
	e, ok := c.Sched.(*Entity)
	if !ok {
		return
	}
	e.pause()
	e.owing = false
	if e.Registers != nil {
		e.Registers.LeaveFPU() // it may wake up on another CPU
	}
	if e.slot {
		e.voluntary.Add(1)
		queue.dropCPU(e)
		queue.release(e)
	}
}

func afterSleep(c *locks.Context) {
	if e, ok := c.Sched.(*Entity); ok {
		e.since.Store(now())
	}
}
