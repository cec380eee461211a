package proc

import (
	errno "syscall"

	"yolk/arch"
)

// Hardware breakpoints: the debug registers of a tracee, which its tracer reads and
// writes as words of struct user. Source: Linux's arch/x86/kernel/ptrace.c and
// hw_breakpoint.c; the registers, SDM vol. 3B, 18.2.

const (
	dr6Reserved = 0xffff0ff0 // bits of DR6 that are set, or that nobody uses
	dr6Step     = 1 << 14    // BS
	dr6Hits     = 0xf        // B0 to B3

	dr7Reserved = ^uint64(0xffff03ff) // bits of DR7 that are kept, but not for the processor: GD and what does not exist
	dr7Exact    = 1 << 9              // GE
)

// Kinds of breakpoints, R/W in DR7.
const (
	breakExec  = 0
	breakWrite = 1
	breakIO    = 2
)

// breakpoint is one of the four, as DR7 has it.
type breakpoint struct {
	on   bool
	kind uint64
	size uint64
}

func decodeDR7(dr7 uint64, n int) breakpoint {
	bits := dr7 >> (16 + 4*n)
	return breakpoint{on: dr7>>(2*n)&3 != 0, kind: bits & 3, size: [4]uint64{1, 2, 8, 4}[bits>>2&3]}
}

// check says whether it may be at addr. EINVAL: it watches ports, or executes more than
// a byte; it is not aligned, or not the program's alone.
func (b breakpoint) check(addr uint64) errno.Errno {
	switch {
	case !b.on:
		return 0
	case b.kind == breakIO, b.kind == breakExec && b.size != 1,
		addr&(b.size-1) != 0, addr+b.size > arch.TaskSize:
		return errno.EINVAL
	}
	return 0
}

// peekDebug reads a debug register.
func (p *traceState) peekDebug(n int) uint64 {
	if n == 6 {
		return p.debug[6] ^ dr6Reserved
	}
	return p.debug[n]
}

// pokeDebug writes a debug register; the processor gets it with the next entry to ring 3.
// EIO: there is no such register; EINVAL: an address that is not the program's, or a
// breakpoint that cannot be there: then all is as it was.
func (p *traceState) pokeDebug(n int, v uint64) errno.Errno {
	next := p.debug
	switch {
	case n == 4 || n == 5:
		return errno.EIO
	case n == 6:
		v ^= dr6Reserved
	case v >= arch.TaskSize:
		return errno.EINVAL
	}
	next[n] = v
	on := false
	for i := range 4 {
		b := decodeDR7(next[7], i)
		if e := b.check(next[i]); e != 0 {
			return e
		}
		on = on || b.on
	}
	p.debug, p.armed = next, nil
	if on {
		p.armed = &arch.DebugRegs{next[0], next[1], next[2], next[3], next[7]&^dr7Reserved | dr7Exact}
	}
	return 0
}

// loadDebug has the processor take d, or no breakpoints, with the next entry to ring 3.
// For the task's own goroutine.
func (t *Task) loadDebug(d *arch.DebugRegs) {
	if t.Ctx.Debug != d {
		t.Ctx.SaveFPU()
		t.Ctx.Debug = d
	}
}

// debugTrap notes what a debug exception was about, and returns the code for its signal.
func (t *Task) debugTrap(dr6 uint64) (code int32) {
	dr6 &= dr6Step | dr6Hits
	if p := t.trace.Load(); p != nil {
		for i := range 4 {
			switch b := decodeDR7(p.debug[7], i); {
			case !b.on:
				dr6 &^= 1 << i // the processor says so nonetheless
			case b.kind == breakExec && dr6>>i&1 != 0:
				t.Ctx.RFLAGS |= flagRF // or it would not get any further
			}
		}
		p.debug[6] = dr6
	} else {
		dr6 &= dr6Step
	}
	switch {
	case dr6&dr6Step != 0:
		return TrapTrace
	case dr6 != 0:
		return TrapHWBkpt
	}
	return TrapBrkpt
}

// dropDebug forgets all breakpoints: those were for the program before.
func (t *Task) dropDebug() {
	if p := t.trace.Load(); p != nil {
		p.debug, p.armed = [8]uint64{}, nil
	}
}
