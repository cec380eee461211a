package sched

import (
	"sync/atomic"
	"time"

	"yolk/arch"
)

// cpuTime is what the tasks have used of each CPU. A stretch of time is charged to
// the CPU that it ends on.
var cpuTime [8]struct {
	user, system atomic.Int64
	_            [6]int64 // a cache line of its own
}

// charge counts ns nanoseconds that a task has run on this CPU.
func charge(ns int64, user bool) {
	c := &cpuTime[arch.CPU()%len(cpuTime)]
	if user {
		c.user.Add(ns)
	} else {
		c.system.Add(ns)
	}
}

// CPUTimes returns the time that tasks have spent on a CPU in ring 3 and in the
// kernel; kernel threads have none. Like Entity.Times, user is sampled.
func CPUTimes(cpu int) (user, system time.Duration) {
	c := &cpuTime[cpu%len(cpuTime)]
	return time.Duration(c.user.Load()), time.Duration(c.system.Load())
}
