package sched

import (
	"sync/atomic"

	"yolk/arch"
)

// A task may be bound to some of the CPUs (sched_setaffinity). Besides a slot it then
// needs one of its CPUs, which no other bound task has as long as it is not asleep: of two
// that are bound to the same CPU one waits without a slot, which a third task can use.
// The goroutine of a bound task goes to the CPU by arch.MoveTo before it enters ring 3;
// tasks that are not bound run wherever that leaves room. arch.EnterUser has the last
// word (UserContext.Barred).

// binding is what the run queue knows of bound tasks. Guarded by its lock.
type binding struct {
	holder [maxCPUs]*Entity // who has the CPU
	first  *Entity          // the bound tasks that wait for a CPU, in the order of their coming
	waits  atomic.Int32     // how many; read without the lock
}

const maxCPUs = 64

// AllCPUs is the mask of the CPUs that there are.
func AllCPUs() uint64 { return 1<<slots.Load() - 1 }

// Allowed is the mask of the CPUs on which e may run in ring 3. Callable by anyone.
func (e *Entity) Allowed() uint64 {
	if mask := e.allowed.Load(); mask != 0 {
		return mask
	}
	return AllCPUs()
}

// Bind lets e run in ring 3 on the CPUs of mask alone, some of AllCPUs. Whoever calls it
// sees to it that e comes to Settle. Callable by anyone, under spinlocks.
func (e *Entity) Bind(mask uint64) {
	queue.lock.Lock()
	e.allowed.Store(mask)
	queue.matchLocked() // it may be waiting for one of those it had before
	queue.lock.Unlock()
}

// Settle is Enter for a task that is bound, or was; the task loop calls it when the task
// was not let into ring 3 where it is. May sleep.
func (e *Entity) Settle() {
	if mask := e.allowed.Load(); mask == AllCPUs() {
		queue.dropCPU(e)
		e.allowed.CompareAndSwap(mask, 0)
	} else if mask != 0 && mask&e.cpuBit() == 0 {
		queue.takeCPU(e)
	}
	if !e.slot {
		queue.acquire(e)
	}
	if cpu := int(e.cpu) - 1; cpu >= 0 && cpu != arch.CPU() {
		if e.Registers != nil {
			e.Registers.LeaveFPU()
		}
		arch.MoveTo(cpu)
	}
}

// cpuBit is the mask of the CPU that e has.
func (e *Entity) cpuBit() uint64 { return 1 << e.cpu >> 1 }

// takeCPU gets e a CPU of its mask in place of the one it has, for which the others come
// first. Sleeps when there is none; e has no slot then.
func (q *runqueue) takeCPU(e *Entity) {
	e.granted.Store(false)
	q.lock.Lock()
	q.dropLocked(e)
	at := &q.bound.first
	for *at != nil {
		at = &(*at).nextBound
	}
	*at = e
	q.bound.waits.Add(1)
	q.matchLocked()
	q.lock.Unlock()
	if e.granted.Load() {
		return
	}
	if e.slot {
		e.involuntary.Add(1)
		q.release(e)
	}
	e.await()
}

// dropCPU takes e's CPU from it, if it has one. Never sleeps.
func (q *runqueue) dropCPU(e *Entity) {
	if e.cpu != 0 {
		q.lock.Lock()
		q.dropLocked(e)
		q.lock.Unlock()
	}
}

// wanted reports whether another bound task waits for the CPU that e has.
func (q *runqueue) wanted(e *Entity) bool {
	if e.cpu == 0 || q.bound.waits.Load() == 0 {
		return false
	}
	q.lock.Lock()
	defer q.lock.Unlock()
	for o := q.bound.first; o != nil; o = o.nextBound {
		if o.allowed.Load()&e.cpuBit() != 0 {
			return true
		}
	}
	return false
}

func (q *runqueue) dropLocked(e *Entity) {
	if e.cpu != 0 {
		q.bound.holder[e.cpu-1] = nil
		e.cpu = 0
		q.matchLocked()
	}
}

// matchLocked gives the CPUs that no bound task has to those that wait for them.
func (q *runqueue) matchLocked() {
	for at := &q.bound.first; *at != nil; {
		e := *at
		cpu := q.freeLocked(e.Allowed())
		if cpu < 0 {
			at = &e.nextBound
			continue
		}
		*at, e.nextBound = e.nextBound, nil
		q.bound.waits.Add(-1)
		q.bound.holder[cpu] = e
		e.cpu = int8(cpu) + 1
		e.granted.Store(true)
		e.turn.WakeOne()
	}
}

// freeLocked returns a CPU of mask that no bound task has, this one if possible, or -1.
func (q *runqueue) freeLocked(mask uint64) int {
	if cpu := arch.CPU(); mask>>cpu&1 != 0 && q.bound.holder[cpu] == nil {
		return cpu
	}
	for cpu := range int(slots.Load()) {
		if mask>>cpu&1 != 0 && q.bound.holder[cpu] == nil {
			return cpu
		}
	}
	return -1
}
