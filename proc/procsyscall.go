package proc

import (
	"fmt"
	"io"
)

// callState is what a task that sleeps has asked of the kernel.
type callState struct {
	asleep bool
	call   uint64 // noCall: it sleeps in a fault or an interrupt
	args   Args
	sp, pc uint64
}

// callState looks at t from outside. What is the task's own may be read while it
// sleeps; that it slept all the time is known from its switches: a task cannot go
// to ring 3 for another call and sleep in that one without giving up its CPU.
func (t *Task) callState() (s callState) {
	g := t.Group
	g.sigLock.Lock()
	c := t.ctx
	g.sigLock.Unlock()
	asleep := func() bool {
		sleeps, _ := c.Asleep()
		return sleeps && !t.Sched.Runnable()
	}
	before, _ := t.Sched.Switched()
	if c == nil || !asleep() {
		return s
	}
	s = callState{call: t.call, args: t.Args, sp: t.Ctx.RSP, pc: t.Ctx.RIP}
	after, _ := t.Sched.Switched()
	s.asleep = asleep() && before == after
	return s
}

// writeSyscall writes /proc/PID/syscall: see proc(5).
func writeSyscall(w io.Writer, t *Task) {
	s := t.callState()
	if !s.asleep {
		fmt.Fprintln(w, "running")
		return
	}
	fmt.Fprintf(w, "%d", int64(s.call))
	if s.call != noCall {
		for _, a := range s.args {
			fmt.Fprintf(w, " %#x", a)
		}
	}
	fmt.Fprintf(w, " %#x %#x\n", s.sp, s.pc)
}
