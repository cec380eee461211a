//go:build !yolk

package locks

import (
	"sync/atomic"
	"unsafe"
)

// On the host the operations of this package can be the points at which a
// schedule explorer (package explore) decides who runs on. It runs one of its
// tasks at a time; goroutines that it does not know pass through its methods.
// The kernel's build has none of this: hook_yolk.go.

// Op is what a task is about to do, or has done, at a point of choice.
type Op uint8

const (
	OpLock    Op = iota // is about to take a lock, by Lock or by a try
	OpRelease           // has released one
	OpStep              // reached a place that the code above marks
)

// Explorer decides the order in which its tasks run. g names the goroutine that
// calls.
type Explorer interface {
	// Point is a choice: others may run before it returns.
	Point(g uintptr, op Op, lock unsafe.Pointer, class Class)
	// Contended returns when lock, for which g spins, was released, or false if g
	// is no task.
	Contended(g uintptr, lock unsafe.Pointer) bool
	// Acquired and Released keep account of who holds what. They do not wait.
	Acquired(g uintptr, lock unsafe.Pointer, class Class)
	Released(g uintptr, lock unsafe.Pointer)
	// Block returns when Ready was called for c, or, if timed, with timedOut when
	// its time is over. Not known: c is no task.
	Block(c *Context, timed bool) (known, timedOut bool)
	// Ready says that c was woken. It does not wait.
	Ready(c *Context)
}

var explorer atomic.Pointer[Explorer]

// SetExplorer installs an explorer, or takes it out again if e is nil. No other
// goroutine may be in the kernel's code meanwhile.
func SetExplorer(e Explorer) {
	if e == nil {
		explorer.Store(nil)
		return
	}
	explorer.Store(&e)
}

// Step is a point of choice in the code above, for a place where no lock is
// taken but another CPU might come between.
func Step(where string) {
	if e := explorer.Load(); e != nil {
		(*e).Point(getg(), OpStep, unsafe.Pointer(unsafe.StringData(where)), NoClass)
	}
}

// GoroutineID is what an Explorer knows the running goroutine by.
func GoroutineID() uintptr { return getg() }

// omitting is set while a mutation test takes acquisitions out: see Omit.
var omitting atomic.Pointer[func(stack []uintptr) bool]

// Omit has acquisitions done in name only, with their releases, of which f says
// so; f is given return addresses, innermost first. nil: none. It shows whether
// a test notices that a lock is missing.
func Omit(f func(stack []uintptr) bool) {
	if f == nil {
		omitting.Store(nil)
		return
	}
	omitting.Store(&f)
}

// Attempt tells of a lock about to be taken, also of one that is no type of this
// package. True: leave it, it is to be taken in name only.
func Attempt(p unsafe.Pointer, class Class) (omit bool) {
	if f := omitting.Load(); f != nil {
		var at stack
		fpcallers(&at)
		if (*f)(at[:]) {
			c := Current()
			c.hook.omitted = append(c.hook.omitted, p)
			return true
		}
	}
	if e := explorer.Load(); e != nil {
		(*e).Point(getg(), OpLock, p, class)
	}
	return false
}

// Leaving tells of a lock about to be released. True: it was taken in name only,
// leave it.
func Leaving(p unsafe.Pointer) (omit bool) {
	if omitting.Load() != nil {
		c := Current()
		for i := len(c.hook.omitted) - 1; i >= 0; i-- {
			if c.hook.omitted[i] == p {
				c.hook.omitted = append(c.hook.omitted[:i], c.hook.omitted[i+1:]...)
				return true
			}
		}
	}
	if e := explorer.Load(); e != nil {
		(*e).Released(getg(), p)
	}
	return false
}

// Left tells that a lock was released.
func Left(p unsafe.Pointer, class Class) {
	if e := explorer.Load(); e != nil {
		(*e).Point(getg(), OpRelease, p, class)
	}
}

// acquired tells that a lock was taken.
func acquired(p unsafe.Pointer, class Class) {
	if e := explorer.Load(); e != nil {
		(*e).Acquired(getg(), p, class)
	}
}

// contended waits until the lock p, which somebody else holds, was released; false
// when it cannot, and the caller must spin.
func contended(p unsafe.Pointer) bool {
	e := explorer.Load()
	return e != nil && (*e).Contended(getg(), p)
}

// explored reports whether an explorer is at work.
func explored() bool { return explorer.Load() != nil }

// exploreBlock lets an explorer block c, if it knows it.
func exploreBlock(c *Context, timed bool) (known, timedOut bool) {
	if e := explorer.Load(); e != nil {
		return (*e).Block(c, timed)
	}
	return false, false
}

// exploreDropped is Leaving for kernel_lock that its holder drops to sleep.
func exploreDropped(p unsafe.Pointer) {
	if e := explorer.Load(); e != nil {
		(*e).Released(getg(), p)
	}
}

func exploreReady(c *Context) {
	if e := explorer.Load(); e != nil {
		(*e).Ready(c)
	}
}

// hookContext is what this file keeps in each Context.
type hookContext struct {
	omitted []unsafe.Pointer // locks taken in name only
}

// Stack is a list of return addresses, innermost first, ended by zero.
type Stack = stack

// Callers fills s with the return addresses of its callers. It allocates nothing.
func Callers(s *Stack) { fpcallers(s) }
