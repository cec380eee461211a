package proc

import (
	"yolk/arch"
	"yolk/locks"
	"yolk/mm"
)

// syscallHandler is syscall.Dispatch, which this package cannot import.
var syscallHandler func(t *Task) uint64

// SetSyscallHandler sets the function that carries out the system call that a
// task's registers ask for and returns the new RAX. Called once, at start-up.
func SetSyscallHandler(f func(t *Task) uint64) { syscallHandler = f }

// oops is told of a Go panic in a task's kernel code.
var oops func(any)

// SetOops sets the handler for Go panics in kernel code that runs for a task: a
// bug of the kernel. It gets the value of the panic while the stack is still
// there, and does not return. Without one the panic goes on.
func SetOops(f func(any)) { oops = f }

// run is the life of a task: to ring 3 and back until it ends.
func (t *Task) run() {
	defer func() {
		if oops != nil {
			if v := recover(); v != nil {
				oops(v)
			}
		}
	}()
	mm.OweHeap(-stackFrames)
	t.begin()
	for {
		t.Sched.Enter()
		if t.work.Load() != 0 {
			if !t.deliver() {
				break
			}
			continue // it may have slept: a CPU is to be had again
		}
		if t.rseq.addr != 0 && !t.rseqReady() {
			continue // likewise
		}
		step, own := false, uint64(0)
		if t.trace.Load() != nil {
			step, own = t.stepOn()
		}
		trap := arch.EnterUser(&t.Ctx, &t.MM.Ctx)
		if step {
			t.Ctx.RFLAGS = t.Ctx.RFLAGS&^flagTF | own
		}
		t.rseq.left = t.rseq.left || trap != arch.TrapSyscall
		switch trap {
		case arch.TrapSyscall:
			t.call = t.Ctx.RAX
			if t.trace.Load() == nil {
				t.Ctx.RAX = syscallHandler(t)
			} else {
				t.tracedCall()
			}
		case arch.TrapException:
			t.call = noCall
			t.exception()
		case arch.TrapTick:
			t.call = noCall
			arch.RunInterrupts()
			t.tick()
		case arch.TrapInterrupt:
			t.call = noCall
			arch.RunInterrupts()
		case arch.TrapMoved:
			t.call = noCall
			t.Sched.Settle()
		}
	}
	t.exit()
	t.Ctx.SaveFPU() // no CPU may remember what is about to be freed
	t.Sched.Registers = nil
	t.Sched.Exit()
}

// begin binds the task to the goroutine that runs it.
func (t *Task) begin() {
	c := locks.Current()
	c.Task = t
	c.SetInterruptCheck(t.SignalPending)
	t.Group.sigLock.Lock()
	t.ctx = c
	t.Group.sigLock.Unlock()
	t.Sched.Registers = &t.Ctx
	t.Sched.Start()
}

// Current returns the task that the running goroutine belongs to, nil in a
// kernel thread.
func Current() *Task {
	t, _ := locks.Current().Task.(*Task)
	return t
}
