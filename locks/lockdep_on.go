//go:build lockdep

package locks

import (
	"sync/atomic"
	"unsafe"
)

// Lockdep says whether this is a checking build.
const Lockdep = true

// The checker keeps, for each goroutine, the list of locks it holds and where it
// took them. Before a lock is taken that may wait, the list is compared with the
// order of order.txt: a deadlock is reported when it becomes possible, not when
// it happens. The checker runs while spinlocks are held, so it allocates nothing
// until it has something to report.

const maxHeld = 24 // locks that one goroutine holds at once

// depLock is what the checker keeps in each lock: its class, and for reports of
// a lock that should be held and is not, where it was last let go.
type depLock struct {
	cls      Class
	released stack // written by the holder, just before it lets go
}

func (d *depLock) init(c Class) { d.cls = c }
func (d *depLock) class() Class { return d.cls }

// heldLock is one lock in the hands of a goroutine.
type heldLock struct {
	class    Class
	kind     kind
	instance unsafe.Pointer
	key      uint64
	at       stack
}

type depContext struct {
	held      [maxHeld]heldLock
	n         int  // locks in held
	spins     int  // spinlocks among them
	reporting bool // inside a report: check nothing
}

// depBefore checks an acquisition that may wait.
func depBefore(d *depLock, p unsafe.Pointer, k kind) {
	Current().check(d.cls, k, p, uint64(uintptr(p)))
}

// depAfter records an acquisition.
func depAfter(d *depLock, p unsafe.Pointer, k kind) {
	Current().push(d.cls, k, p, uint64(uintptr(p)))
}

// depTried checks and records an acquisition that could not wait. Those cannot
// deadlock, so only the rules that forbid the attempt itself apply.
func depTried(d *depLock, p unsafe.Pointer, k kind) {
	c := Current()
	c.checkTry(d.cls, p)
	c.push(d.cls, k, p, uint64(uintptr(p)))
}

func depRelease(d *depLock, p unsafe.Pointer) {
	c := Current()
	switch {
	case !c.pop(p):
		depViolation(d, p, "R7", "releasing %s, which this goroutine does not hold", d.cls)
	case d.cls == MmapSem || d.cls == PageTableLock:
		fpcallers(&d.released) // the rules that name a lock to be held name these
	}
}

// depViolation reports that a rule is broken which wants a certain lock held, or not held.
func depViolation(d *depLock, p unsafe.Pointer, rule, format string, args ...any) {
	c := Current()
	if c.dep.reporting {
		return
	}
	about := finding{rule: rule, lock: d, at: p}
	about.held = c.find(func(h *heldLock) bool { return h.instance == p })
	c.report(about, format, args...)
}

// AssertNoted asserts that the running goroutine holds a lock that the checker
// knows by NoteAcquire or NoteTry, citing rule.
func AssertNoted(rule string, class Class, instance unsafe.Pointer, what string) {
	c := Current()
	if !c.dep.reporting && c.find(func(h *heldLock) bool { return h.instance == instance }) == nil {
		c.violation(rule, nil, NoClass, "%s of %p is not held: %s", class, instance, what)
	}
}

func depBeforeKernel(c *Context) {
	c.check(KernelLock, kindMonitor, unsafe.Pointer(&kernelLock), 0)
}

func depAfterKernel(c *Context) {
	c.push(KernelLock, kindMonitor, unsafe.Pointer(&kernelLock), 0)
}

func depReleaseKernel(c *Context) { c.pop(unsafe.Pointer(&kernelLock)) }

func depMaySleep(c *Context) { c.assertNoSpin("", "sleeping") }

// MaySleep asserts that no spinlock is held (rules R4 and R11).
func MaySleep() { Current().assertNoSpin("", "possibly sleeping") }

// MayAlloc asserts that no spinlock is held where an allocation may wait or steal
// pages (rules R4 and R11).
func MayAlloc() { Current().assertNoSpin("", "allocating in a way that may steal pages") }

// AssertNoSpinlock asserts that no spinlock is held, citing rule.
func AssertNoSpinlock(rule string) { Current().assertNoSpin(rule, "at a call that forbids it") }

// AssertNoLocks asserts that no lock at all is held, as on the way to ring 3.
func AssertNoLocks(rule string) {
	if c := Current(); c.dep.n > 0 && !c.dep.reporting {
		c.violation(rule, &c.dep.held[c.dep.n-1], NoClass, "locks are held where none may be")
	}
}

// AssertNotHeld asserts that no lock of the class is held, citing rule.
func AssertNotHeld(rule string, class Class) {
	c := Current()
	if h := c.find(func(h *heldLock) bool { return h.class == class }); h != nil && !c.dep.reporting {
		c.violation(rule, h, NoClass, "%s is held where it must not be", class)
	}
}

// AssertGuard asserts that the running goroutine holds a lock of one of two classes
// (the second may be NoClass): what is about to be touched is guarded by it. It is for
// places that do not know the instance.
func AssertGuard(a, b Class, what string) {
	c := Current()
	if c.dep.reporting || c.find(func(h *heldLock) bool { return h.class == a || h.class == b }) != nil {
		return
	}
	if b == NoClass {
		c.violation("guard", nil, NoClass, "%s, and %s is not held", what, a)
	} else {
		c.violation("guard", nil, NoClass, "%s, and neither %s nor %s is held", what, a, b)
	}
}

// NoteAcquire tells the checker that a lock that is no type of this package,
// such as the lock bit of a page, is about to be taken; key orders those of one
// class. Call it before the wait.
func NoteAcquire(class Class, instance unsafe.Pointer, key uint64) {
	c := Current()
	c.check(class, classes[class].kind, instance, key)
	c.push(class, classes[class].kind, instance, key)
	acquired(instance, class)
}

// NoteTry tells the checker that such a lock was taken by a try that could not
// wait.
func NoteTry(class Class, instance unsafe.Pointer, key uint64) {
	c := Current()
	c.checkTry(class, instance)
	c.push(class, classes[class].kind, instance, key)
	acquired(instance, class)
}

// NoteRelease tells the checker that such a lock was released, or is from now
// on in the hands of somebody else (a page under I/O). It need not be held.
func NoteRelease(_ Class, instance unsafe.Pointer) { Current().pop(instance) }

// Violation reports that a rule of docs/locking.md is broken.
func Violation(rule, format string, args ...any) {
	if c := Current(); !c.dep.reporting {
		c.violation(rule, nil, NoClass, format, args...)
	}
}

// assertNoSpin reports a held spinlock. Without a rule of the caller's, it is R4
// for the vmlist lock and R11 for the others.
func (c *Context) assertNoSpin(rule, doing string) {
	if c.dep.spins == 0 || c.dep.reporting {
		return
	}
	h := c.find(func(h *heldLock) bool { return h.kind == kindSpin && h.class == PageTableLock })
	if rule == "" {
		rule = "R4"
	}
	if h == nil {
		h = c.find(func(h *heldLock) bool { return h.kind == kindSpin })
		if rule == "R4" {
			rule = "R11"
		}
	}
	c.violation(rule, h, NoClass, "%s while holding the spinlock %s", doing, h.class)
}

// find returns the lock taken last of those that match, or nil.
func (c *Context) find(match func(*heldLock) bool) *heldLock {
	for i := c.dep.n - 1; i >= 0; i-- {
		if match(&c.dep.held[i]) {
			return &c.dep.held[i]
		}
	}
	return nil
}

// check compares an acquisition that may wait with everything held.
func (c *Context) check(class Class, k kind, p unsafe.Pointer, key uint64) {
	if c.dep.reporting {
		return
	}
	if k != kindSpin && c.dep.spins > 0 {
		c.assertNoSpin("", "waiting for "+classes[class].name)
		return
	}
	c.checkStealer(class)
	for i := c.dep.n - 1; i >= 0; i-- {
		h := &c.dep.held[i]
		if rule, what := conflict(h, class, p, key); rule != "" {
			c.violation(rule, h, class, "taking %s %s", class, what)
			return
		}
	}
}

// conflict says which rule an acquisition breaks because h is held.
func conflict(h *heldLock, class Class, p unsafe.Pointer, key uint64) (rule, what string) {
	info := &classes[class]
	switch {
	case h.instance == p && class == PageTableLock:
		return "R5", "a second time"
	case h.instance == p:
		return "order", "a second time"
	case class == NoClass || h.class == NoClass || info.kind == kindMonitor || h.kind == kindMonitor:
		return "", ""
	case class == PageTableLock && h.class == PageTableLock:
		return "R5", "of one mm while holding that of another"
	case class == h.class && !info.ordered:
		return "order", "while holding another lock of the class"
	case class == h.class && key <= h.key:
		return "order", "against the ascending order of its class"
	case class == h.class || classes[h.class].inside&(1<<class) != 0:
		return "", ""
	default:
		return "order", "inside " + h.class.String() + ", which order.txt does not allow"
	}
}

// checkTry applies the rules that forbid even an attempt.
func (c *Context) checkTry(class Class, p unsafe.Pointer) {
	if c.dep.reporting {
		return
	}
	c.checkStealer(class)
	if class != PageTableLock {
		return
	}
	if h := c.find(func(h *heldLock) bool { return h.class == class && h.instance != p }); h != nil {
		c.violation("R5", h, class, "trying %s of one mm while holding that of another", class)
	}
}

// checkStealer applies rule R10.
func (c *Context) checkStealer(class Class) {
	if class == MmapSem && c.Flags&PFMemAlloc != 0 {
		c.violation("R10", nil, class, "a page stealer takes %s", class)
	}
}

// push records a lock as held, and the pairs that it makes with those outside.
func (c *Context) push(class Class, k kind, p unsafe.Pointer, key uint64) {
	d := &c.dep
	if d.n == maxHeld {
		panic("lockdep: too many locks held at once")
	}
	h := &d.held[d.n]
	h.class, h.kind, h.instance, h.key = class, k, p, key
	fpcallers(&h.at)
	for i := range d.n {
		graph.note(&d.held[i], h)
	}
	graph.taken[class].Add(1)
	d.n++
	if k == kindSpin {
		d.spins++
	}
}

// pop forgets a lock and says whether it was held.
func (c *Context) pop(p unsafe.Pointer) bool {
	d := &c.dep
	for i := d.n - 1; i >= 0; i-- {
		if d.held[i].instance != p {
			continue
		}
		if d.held[i].kind == kindSpin {
			d.spins--
		}
		copy(d.held[i:d.n], d.held[i+1:d.n])
		d.n--
		d.held[d.n].instance = nil
		return true
	}
	return false
}

// graph is the order seen so far, over all goroutines.
var graph depGraph

type depGraph struct {
	taken      [numClasses]atomic.Uint64
	edges      [numClasses][numClasses]depEdge // outer, inner
	violations atomic.Uint64
}

// depEdge is one pair of classes with the stacks of its first occurrence, which
// are complete when state is edgeKnown.
type depEdge struct {
	state        atomic.Uint32
	outer, inner stack
}

const (
	edgeFilling = 1
	edgeKnown   = 2
)

// note records that inner was taken while outer was held.
func (g *depGraph) note(outer, inner *heldLock) {
	e := &g.edges[outer.class][inner.class]
	if e.state.Load() == 0 && e.state.CompareAndSwap(0, edgeFilling) {
		e.outer, e.inner = outer.at, inner.at
		e.state.Store(edgeKnown)
	}
}

// seen returns the first occurrence of a pair, or nil.
func (g *depGraph) seen(outer, inner Class) *depEdge {
	if e := &g.edges[outer][inner]; e.state.Load() == edgeKnown {
		return e
	}
	return nil
}
