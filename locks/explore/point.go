//go:build !yolk

package explore

import (
	"unsafe"

	"yolk/locks"
)

// What follows runs in the tasks' goroutines, which have the baton but, in the
// eyes of the race detector, have not heard of each other. So it is not looked at.

// Point is a place where another task may go on.
//
//go:norace
func (x *run) Point(g uintptr, op locks.Op, lock unsafe.Pointer, class locks.Class) {
	t := x.cur
	if t == nil || t.g != g {
		return
	}
	if op == locks.OpLock {
		t.onClass = class
	}
	x.note(t, event(op), lock, class)
	if x.steps++; x.steps > maxSteps {
		x.fail("no end after so many steps")
		x.stop(t)
	}
	if x.checked && op == locks.OpRelease && (class == locks.PageTableLock || class == locks.MmapSem) {
		x.want = wantCheck
		x.toMain(t)
	}
	x.pass(t, x.choose(t))
}

// Contended waits for the release of a lock that t spins for.
//
//go:norace
func (x *run) Contended(g uintptr, lock unsafe.Pointer) bool {
	t := x.cur
	if t == nil || t.g != g {
		return false
	}
	t.state, t.on = spinning, lock
	x.note(t, evSpin, lock, t.onClass)
	x.pass(t, x.choose(t))
	return true
}

// Block stops t until it is woken.
//
//go:norace
func (x *run) Block(c *locks.Context, timed bool) (known, timedOut bool) {
	t := x.cur
	if t == nil || t.ctx != c {
		return false, false
	}
	t.state, t.timedOut = asleep, false
	if timed {
		t.state = dozing
	}
	x.note(t, evSleep, nil, locks.NoClass)
	x.pass(t, x.choose(t))
	return true, t.timedOut
}

// Ready makes c's task runnable.
//
//go:norace
func (x *run) Ready(c *locks.Context) {
	for _, t := range x.tasks {
		if t.ctx == c && (t.state == asleep || t.state == dozing) {
			t.state = runnable
			x.note(t, evWoken, nil, locks.NoClass)
			return
		}
	}
}

// Acquired notes a lock as held.
//
//go:norace
func (x *run) Acquired(g uintptr, lock unsafe.Pointer, class locks.Class) {
	if t := x.cur; t != nil && t.g == g && len(t.held) < cap(t.held) {
		t.held = append(t.held, heldLock{lock: lock, class: class})
		x.note(t, evAcquired, lock, class)
		t.held[len(t.held)-1].at = lastTrace.last()
	}
}

// Released forgets it, and lets those run that spin for it.
//
//go:norace
func (x *run) Released(g uintptr, lock unsafe.Pointer) {
	for _, t := range x.tasks {
		if t.state == spinning && t.on == lock {
			t.state = runnable
		}
	}
	t := x.cur
	if t == nil || t.g != g {
		return
	}
	for i := len(t.held) - 1; i >= 0; i-- {
		if t.held[i].lock == lock {
			for j := i + 1; j < len(t.held); j++ {
				t.held[j-1] = t.held[j]
			}
			t.held = t.held[:len(t.held)-1]
			return
		}
	}
}

// choose says who goes on; cur, if not nil, is the one that stops. nil: nobody can.
//
//go:norace
func (x *run) choose(cur *task) *task {
	x.decision++
	x.enabled = x.enabled[:0]
	running := -1
	for _, t := range x.tasks {
		if t.state == runnable {
			x.enabled = append(x.enabled, t.id)
			if t == cur {
				running = t.id
			}
		}
	}
	sleepers := len(x.enabled) == 0
	if sleepers {
		if x.idle++; x.idle > 1000 {
			x.fail("only clocks go on")
			return nil
		}
	} else {
		x.idle = 0
	}
	if sleepers || x.strategy.Clock() {
		for _, t := range x.tasks {
			if t.state == dozing {
				x.enabled = append(x.enabled, t.id)
			}
		}
	}
	if len(x.enabled) == 0 {
		x.fail("deadlock")
		return nil
	}
	id := x.enabled[0]
	def := id
	if running >= 0 {
		def = running
	}
	if len(x.enabled) > 1 || sleepers {
		id = x.strategy.Pick(x.decision, x.enabled, running)
	}
	if id != def && len(x.choices) < cap(x.choices) {
		x.choices = append(x.choices, Choice{x.decision, id})
	}
	t := x.tasks[id]
	if t.state == dozing {
		t.state, t.timedOut = runnable, true
		x.note(t, evTimeOut, nil, locks.NoClass)
	}
	return t
}

// pass hands the baton from t to next.
//
//go:norace
func (x *run) pass(t, next *task) {
	if next == t {
		return
	}
	if next == nil {
		x.stop(t)
	}
	x.switches++
	x.cur = next
	unseen()
	next.resume <- struct{}{}
	<-t.resume
	seen()
}

// toMain gives Run's goroutine the baton and waits for it.
//
//go:norace
func (x *run) toMain(t *task) {
	unseen()
	x.main <- struct{}{}
	<-t.resume
	seen()
}

// stop ends the run where it is: t never comes back.
//
//go:norace
func (x *run) stop(t *task) {
	x.want = wantEnd
	x.toMain(t)
}

// give returns the baton for good.
//
//go:norace
func (x *run) give() {
	x.want = wantEnd
	unseen()
	x.main <- struct{}{}
	seen()
}

// giveUp is the end of t.
//
//go:norace
func (x *run) giveUp(t *task) {
	t.state = ended
	x.note(t, evEnded, nil, locks.NoClass)
	x.cur, x.want = nil, wantNext
	unseen()
	x.main <- struct{}{}
	seen()
}

// note records an event and adds it to the hash.
//
//go:norace
func (x *run) note(t *task, e event, lock unsafe.Pointer, class locks.Class) {
	const prime = 1099511628211
	x.hash = (x.hash ^ uint64(t.id)<<16 ^ uint64(e)<<8 ^ uint64(class)) * prime
	lastTrace.add(t.id, x.steps, e, lock, class)
}
