package locks

import (
	"sync/atomic"
	"time"
	"unsafe"
)

// Flags say what kind of work a Context does (the PF_ flags of task_struct).
// Only their own goroutine touches them.
type Flags uint32

const (
	// PFMemAlloc: the goroutine is stealing pages; its allocations must not
	// enter reclaim again and may use the last reserve.
	PFMemAlloc Flags = 1 << iota
	// PFKswapd: the goroutine is kswapd.
	PFKswapd
	// PFSwapoff: the goroutine scans address spaces for swapoff.
	PFSwapoff
	// PFExiting: the task is on its way out.
	PFExiting
)

// maxNested is how many waits one goroutine can be in at once: a wait whose
// condition takes a mutex, whose wait ends in retaking kernel_lock, and so on.
const maxNested = 8

// Context is a goroutine that runs kernel code: what the 1999 kernel calls
// current. Fields without a comment on sharing belong to their own goroutine.
type Context struct {
	// The Go runtime's profiler takes the label slot for a list of strings.
	// It finds this empty list.
	profLabels [3]uintptr

	g     uintptr // identity of the goroutine; immutable
	Name  string  // for reports; immutable once the goroutine runs
	Flags Flags
	Task  any // *proc.Task, or nil in a kernel thread
	Sched any // *sched.Entity, or nil in a kernel thread: see SetSched

	task atomic.Bool // Sched is set; changes only while the goroutine is awake

	kernelDepth int // how often this goroutine has taken kernel_lock

	// Sleep and wake-up (sleep.go). events counts wake-ups; parked is true
	// while the goroutine sleeps or is about to, and whoever turns it false
	// owes it one token: in wake if channel, which parked publishes, else in token.
	events  atomic.Uint32
	parked  atomic.Bool
	deep    atomic.Bool // the sleep is, or was, an uninterruptible one
	channel bool
	counted bool // in readied; written by whoever turned parked false, before the token
	token   atomic.Uint32
	wake    chan struct{}
	timer   *time.Timer
	waiters [maxNested]Waiter
	nested  int

	interruptCheck func() bool
	interrupted    atomic.Bool // set by Interrupt when there is no check

	dep  depContext
	hook hookContext
}

// Current returns the Context of the running goroutine and makes one when it
// has none. A goroutine started with a bare go statement inherits its parent's
// label slot; the identity in the Context tells, and it gets its own.
func Current() *Context {
	c := (*Context)(getProfLabel())
	if c != nil && c.g == getg() {
		return c
	}
	return adopt("")
}

// adopt gives the running goroutine a fresh Context.
func adopt(name string) *Context {
	c := &Context{g: getg(), Name: name, wake: make(chan struct{}, 1)}
	setProfLabel(unsafe.Pointer(c))
	return c
}

// SetSched makes the running goroutine, whose Context c is, that of a task which has to
// have a slot to enter ring 3; nil makes it a kernel thread's again.
func (c *Context) SetSched(e any) {
	c.Sched = e
	c.task.Store(e != nil)
}

// Go starts fn as a kernel thread.
func Go(name string, fn func()) {
	go func() {
		if Lockdep {
			reserveDeepStack()
		} else {
			reserveStack()
		}
		adopt(name)
		fn()
	}()
}

// SetInterruptCheck sets the question "is a signal pending?", asked by the
// goroutine itself on each turn of an interruptible sleep. Call it before the
// first such sleep.
func (c *Context) SetInterruptCheck(f func() bool) { c.interruptCheck = f }

// Interrupt ends an interruptible sleep of c, if Interrupted then says so.
// Callable from anywhere, also under spinlocks.
func (c *Context) Interrupt() {
	c.interrupted.Store(true)
	c.ready(wake)
}

// ClearInterrupt forgets earlier calls of Interrupt. It matters only to a
// Context without an interrupt check.
func (c *Context) ClearInterrupt() { c.interrupted.Store(false) }

// Interrupted reports whether an interruptible sleep of c would end at once.
func (c *Context) Interrupted() bool {
	if c.interruptCheck != nil {
		return c.interruptCheck()
	}
	return c.interrupted.Load()
}
