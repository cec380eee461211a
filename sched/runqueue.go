package sched

import (
	"runtime"
	"sync/atomic"

	"yolk/arch"
	"yolk/locks"
)

// runqueue hands out the slots. avail is the number of free slots or, below
// zero, of tasks that wait, so that taking and giving back a slot is one atomic
// operation as long as nobody waits.
type runqueue struct {
	avail atomic.Int32

	lock   locks.SpinLock
	policy Policy // guarded by lock
	// promised counts slots given back for a task that had announced itself
	// in avail but was not in the queue yet. Guarded by lock.
	promised int
	bound    binding
}

var (
	queue    runqueue
	slots    atomic.Int32 // of queue, taken or not
	switches atomic.Uint64
)

func init() {
	queue.lock.Init(locks.RunqueueLock)
	queue.policy = &RoundRobin{}
	SetCPUs(runtime.NumCPU())
	locks.SetSleepHooks(beforeSleep, afterSleep)
	locks.SetWakeHooks(arch.BeginLazyWakes, arch.EndLazyWakes, arch.WakeIdle)
}

// SetCPUs sets the number of slots. Call it at start-up, before the first task.
func SetCPUs(n int) {
	slots.Store(int32(n))
	queue.avail.Store(int32(n))
}

// SetPolicy replaces the policy. Call it at start-up, before the first task.
func SetPolicy(p Policy) {
	queue.lock.Lock()
	queue.policy = p
	queue.lock.Unlock()
}

// Switches is how often any task was given a CPU ("ctxt" in /proc/stat).
func Switches() uint64 { return switches.Load() }

// Waiting is the number of tasks that want to run and have no CPU.
func Waiting() int { return int(max(0, -queue.avail.Load())) }

// Running is the number of tasks that have a CPU or want one.
func Running() int { return int(max(0, slots.Load()-queue.avail.Load())) }

// acquire gets e a slot. Sleeps when there is none; takes no lock otherwise.
func (q *runqueue) acquire(e *Entity) {
	if q.avail.Add(-1) < 0 {
		q.wait(e)
	}
	e.slot = true
	e.sliceEnd = e.since.Load() + int64(Slice) // it has just woken up, or started
	switches.Add(1)
}

// wait is the slow side of acquire: e has announced itself in avail.
func (q *runqueue) wait(e *Entity) {
	e.granted.Store(false)
	q.lock.Lock()
	if q.promised > 0 {
		q.promised--
		q.lock.Unlock()
		return
	}
	q.policy.Enqueue(e)
	q.lock.Unlock()
	e.await()
}

// await sleeps until e's turn has come.
func (e *Entity) await() {
	e.inLine.Store(true)
	e.turn.Wait(e.granted.Load)
	e.inLine.Store(false)
}

// rotate gives e's slot to the next task and gets e in line again, both in one
// step: were e to queue up after the next one runs, that one could be done
// before, and e would lose a turn. Sleeps, unless e is next itself.
func (q *runqueue) rotate(e *Entity) {
	e.granted.Store(false)
	q.lock.Lock()
	q.policy.Enqueue(e)
	next := q.policy.Pick()
	q.lock.Unlock()
	if next != e {
		e.slot = false
		next.granted.Store(true)
		next.turn.WakeOne()
		e.await()
		e.slot = true
		switches.Add(1)
	}
	e.sliceEnd = now() + int64(Slice)
}

// release gives a slot back, or on to the next task that waits. Never sleeps.
func (q *runqueue) release(e *Entity) {
	e.slot = false
	if q.avail.Add(1) > 0 {
		return
	}
	q.lock.Lock()
	next := q.policy.Pick()
	if next == nil {
		q.promised++
	}
	q.lock.Unlock()
	if next != nil {
		next.granted.Store(true)
		next.turn.WakeOne()
	}
}
