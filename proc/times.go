package proc

import (
	"time"

	"yolk/arch"
)

// userHZ is the unit of times(2) and /proc/PID/stat: AT_CLKTCK.
const userHZ = 100

// toTicks converts nanoseconds to units of userHZ.
func toTicks(ns int64) int64 { return ns / (int64(time.Second) / userHZ) }

// Times are what a task or process has used: nanoseconds of CPU time, and counts.
type Times struct {
	User, System         int64
	MinFault, MajFault   int64
	Voluntary, Preempted int64
}

func (a *Times) add(b Times) {
	a.User += b.User
	a.System += b.System
	a.MinFault += b.MinFault
	a.MajFault += b.MajFault
	a.Voluntary += b.Voluntary
	a.Preempted += b.Preempted
}

// Times returns what this thread has used so far.
func (t *Task) Times() Times {
	user, system := t.Sched.Times()
	voluntary, preempted := t.Sched.Switched()
	return Times{
		User: int64(user), System: int64(system),
		MinFault: t.minFault.Load(), MajFault: t.majFault.Load(),
		Voluntary: int64(voluntary), Preempted: int64(preempted),
	}
}

// Times returns what all threads have used, ended ones included.
func (g *ThreadGroup) Times() Times {
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	return g.timesLocked()
}

func (g *ThreadGroup) timesLocked() Times {
	g.sigLock.AssertHeld()
	sum := g.deadTime
	for _, t := range g.threads {
		if t.state != stateDead {
			sum.add(t.Times())
		}
	}
	return sum
}

// ChildTimes returns what the children that were waited for have used.
func (g *ThreadGroup) ChildTimes() Times {
	treeLock.Lock()
	defer treeLock.Unlock()
	return g.childTimes
}

// Uptime is the monotonic clock, the same that programs read by the vDSO.
func Uptime() time.Duration { return time.Duration(arch.Monotonic()) }
