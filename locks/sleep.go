package locks

import (
	"sync/atomic"
	"time"
	"unsafe"
)

// WaitResult says why a sleep ended.
type WaitResult uint8

const (
	Woken       WaitResult = iota // the condition holds
	TimedOut                      // the time is over
	Interrupted                   // a signal is pending
)

// Forever is a timeout that never ends.
const Forever time.Duration = -1

type sleepHooks struct{ before, after func(*Context) }

var hooks atomic.Pointer[sleepHooks]

// SetSleepHooks sets what is called just before and just after each sleep of
// any goroutine. before must not sleep; after may wait for a CPU.
func SetSleepHooks(before, after func(*Context)) {
	hooks.Store(&sleepHooks{before, after})
}

type wakeHooks struct{ begin, end, after func() }

var wakes atomic.Pointer[wakeHooks]

// SetWakeHooks sets what is called around each wake-up that need wake no CPU besides,
// for the waker is about to sleep, or wakes a kernel thread, which the task loop lets go
// first; and what after each of the other kinds. None may sleep.
func SetWakeHooks(begin, end, after func()) { wakes.Store(&wakeHooks{begin, end, after}) }

// readied counts goroutines that were woken and have not run yet: one for each task
// that was woken by one of the sync kinds, readiedOther for each other goroutine.
var readied atomic.Int64

const readiedOther = 1 << 32

// wakeKind is what the waker does next.
type wakeKind uint8

const (
	wake     wakeKind = iota // nobody knows
	wakeSync                 // it will sleep: WakeAllSync
	wakeLazy                 // at once: WakeAllLazily
)

// Runnable reports whether a goroutine waits for a CPU, and whether one does that was
// not woken by one of the sync kinds of wake-up. The task loop asks before it returns
// to ring 3, which Go's scheduler cannot see into.
func Runnable() (any, other bool) {
	n := readied.Load()
	return n != 0, n >= readiedOther
}

// ready wakes c, or makes its coming sleep look at its condition once more. But for
// the first kind a woken task does not count as Runnable: see WakeAllSync.
func (c *Context) ready(how wakeKind) {
	c.events.Add(1)
	if c.parked.CompareAndSwap(true, false) {
		task := c.task.Load()
		c.counted = how == wake || !task
		c.count(1)
		switch h := wakes.Load(); {
		case h == nil:
			c.post()
		case how == wakeLazy || !task:
			h.begin()
			c.post()
			h.end()
		default:
			c.post()
			h.after()
		}
		exploreReady(c)
	}
}

func (c *Context) count(n int64) {
	if c.counted {
		n *= readiedOther
	}
	readied.Add(n)
}

// running takes c, which has been woken, out of those that have not run yet.
func (c *Context) running() { c.count(-1) }

// Park sleeps until cond holds, d has passed, or (if interruptible) a signal is
// pending. The caller has put Waiters of this goroutine on the queues whose
// wake-ups can make cond true. kernel_lock is dropped during the sleep and
// taken again to the same depth. A negative d waits for ever; zero only asks.
func Park(cond func() bool, d time.Duration, interruptible bool) WaitResult {
	return Current().park(nil, cond, d, interruptible)
}

// park is Park; w, if any, is the exclusive waiter whose wake-ups the condition
// consumes.
func (c *Context) park(w *Waiter, cond func() bool, d time.Duration, interruptible bool) WaitResult {
	var end time.Time
	if d > 0 {
		end = time.Now().Add(d)
	}
	for {
		seen := c.events.Load()
		if w != nil {
			w.woken.Store(false)
		}
		if cond() {
			return Woken
		}
		if interruptible && c.Interrupted() {
			return Interrupted
		}
		if d >= 0 {
			if d == 0 {
				return TimedOut
			}
			if d = time.Until(end); d <= 0 {
				d = 0
				continue // ask cond once more, then time out
			}
		}
		c.deep.Store(!interruptible)
		if c.sleep(seen, d) {
			d = 0
			continue // ask cond once more, then time out
		}
	}
}

// sleep gives up kernel_lock and the CPU until a wake-up later than seen, or
// until d has passed if d is not negative; then timedOut.
func (c *Context) sleep(seen uint32, d time.Duration) (timedOut bool) {
	depMaySleep(c)
	depth := dropKernelLock(c)
	h := hooks.Load()
	if h != nil {
		h.before(c)
	}
	timedOut = c.block(seen, d)
	if h != nil {
		h.after(c)
	}
	retakeKernelLock(c, depth)
	return timedOut
}

// States of Context.token.
const (
	tokenNone    = iota
	tokenPosted  // somebody woke the goroutine
	tokenAwaited // the goroutine has stopped, and nobody has woken it
)

// post gives c the token of this turn of parked. A sleep without a time limit is
// done with the Go scheduler itself; one with a limit has to wait for a timer as well,
// which takes a channel.
func (c *Context) post() {
	if c.channel {
		c.wake <- struct{}{} // has room: one token for each turn of parked
	} else if c.token.Swap(tokenPosted) == tokenAwaited {
		goready(c.g, 1)
	}
}

// await stops until c has been given a token.
func (c *Context) await() {
	if c.channel {
		<-c.wake
		return
	}
	if c.token.Load() != tokenPosted {
		gopark(stopUnlessPosted, unsafe.Pointer(c), 0, 0, 1)
	}
	c.token.Store(tokenNone)
}

// stopUnlessPosted is await's last look, on the scheduler's stack.
//
//go:nosplit
//go:norace
func stopUnlessPosted(_ uintptr, c unsafe.Pointer) bool {
	return (*Context)(c).token.CompareAndSwap(tokenNone, tokenAwaited)
}

// block is the one place where a goroutine of the kernel stops.
func (c *Context) block(seen uint32, d time.Duration) (timedOut bool) {
	c.channel = d >= 0 || raceDetector
	c.parked.Store(true)
	if c.events.Load() != seen && c.parked.CompareAndSwap(true, false) {
		return false
	}
	if known, over := exploreBlock(c, d >= 0); known && over && c.parked.CompareAndSwap(true, false) {
		return true
	} else if known || d < 0 {
		c.await()
		c.running()
		return false
	}
	if c.timer == nil {
		c.timer = time.NewTimer(d)
	} else {
		c.timer.Reset(d)
	}
	select {
	case <-c.wake:
		c.timer.Stop()
	case <-c.timer.C:
		if c.parked.CompareAndSwap(true, false) {
			return true
		}
		<-c.wake // a wake-up came at the same time: take its token
	}
	c.running()
	return false
}

// Asleep reports whether c's goroutine sleeps, or is about to, and whether a signal
// would wake it. Callable by anyone; the answer may be old by the time it is used.
func (c *Context) Asleep() (asleep, interruptible bool) {
	asleep = c.parked.Load()
	return asleep, asleep && !c.deep.Load()
}

// Sleep suspends the running goroutine for d, or until interrupted if
// interruptible.
func Sleep(d time.Duration, interruptible bool) WaitResult {
	return Park(never, d, interruptible)
}

func never() bool { return false }
