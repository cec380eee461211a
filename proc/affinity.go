package proc

import (
	"fmt"
	"io"
	"sync/atomic"

	"yolk/arch"
	"yolk/mm"
	"yolk/sched"
)

// SetCPUs lets t run in ring 3 on the CPUs of mask alone, some of sched.AllCPUs. When it
// returns, t is on no other. No locks at entry; may sleep. Source: sched_setaffinity(2).
func (t *Task) SetCPUs(mask uint64) {
	t.Group.sigLock.Lock()
	t.Sched.Bind(mask)
	t.barCPUs()
	t.Group.sigLock.Unlock()
	if t == Current() {
		t.Sched.Settle()
		return
	}
	kickAll()
	// Whoever runs the program answers the flush, and then takes the kick before it
	// carries out an instruction more.
	if m := t.GrabMM(); m != nil {
		arch.FlushTLBMM(&m.Ctx)
		mm.MMPut(m)
	}
}

// barCPUs tells the entry to ring 3 where t may not run. sigLock held, or t not published.
func (t *Task) barCPUs() {
	atomic.StoreUint64(&t.Ctx.Barred, sched.AllCPUs()&^t.Sched.Allowed())
}

// inheritCPUs makes c, which is not published yet, run where its creator t may.
func (c *Task) inheritCPUs(t *Task) {
	if mask := t.Sched.Allowed(); mask != sched.AllCPUs() {
		c.Sched.Bind(mask)
	}
	c.barCPUs()
}

// CPU is where t was in ring 3 last. Callable by anyone.
func (t *Task) CPU() int { return int(atomic.LoadUint64(&t.Ctx.CPU)) }

// writeCPUs writes the lines of status that tell where t may run.
func writeCPUs(w io.Writer, t *Task) {
	mask, n := t.Sched.Allowed(), arch.NumCPU()
	fmt.Fprintf(w, "Cpus_allowed:\t%0*x\nCpus_allowed_list:\t", (n+3)/4, mask)
	comma := ""
	for cpu := 0; cpu < n; cpu++ {
		first := cpu
		for cpu < n && mask>>cpu&1 != 0 {
			cpu++
		}
		switch cpu - first {
		case 0:
			continue
		case 1:
			fmt.Fprintf(w, "%s%d", comma, first)
		default:
			fmt.Fprintf(w, "%s%d-%d", comma, first, cpu-1)
		}
		comma = ","
	}
	fmt.Fprintln(w)
}
