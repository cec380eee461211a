package proc

import (
	errno "syscall"

	"yolk/mm"
)

// What a tracer asks of its tracees.

// WithTracee calls f with tracee tid of t, which is stopped, and stays so
// meanwhile. ESRCH: not a tracee, or not stopped; else what f returns. No locks at
// entry; f may sleep.
func (t *Task) WithTracee(tid int, f func(o *Task) errno.Errno) errno.Errno {
	o, p := t.tracee(tid)
	if o == nil {
		return errno.ESRCH
	}
	g := o.Group
	g.sigLock.Lock()
	ok := p.stopped && !p.listening && !g.killed
	p.frozen = ok
	g.sigLock.Unlock()
	if !ok {
		return errno.ESRCH
	}
	e := f(o)
	g.sigLock.Lock()
	p.frozen = false
	g.sigLock.Unlock()
	g.stopQ.WakeAll()
	return e
}

// tracee returns a tracee of t, stopped or not.
func (t *Task) tracee(tid int) (*Task, *traceState) {
	treeLock.Lock()
	defer treeLock.Unlock()
	e := findPID(tid)
	if e == nil || e.task == nil || e.task.tracer != t {
		return nil, nil
	}
	return e.task, e.task.trace.Load()
}

// Resume ends the stop of tracee tid, with a signal to take effect or 0. ESRCH;
// EIO: no such signal.
func (t *Task) Resume(tid int, mode TraceMode, sig uintptr) errno.Errno {
	return t.WithTracee(tid, func(o *Task) errno.Errno {
		if sig > NSIG {
			return errno.EIO
		}
		o.Group.sigLock.Lock()
		p := o.trace.Load()
		p.mode, p.sig, p.stopped, p.unwaited = mode, int(sig), false, false
		o.Group.sigLock.Unlock()
		return 0
	})
}

// Detach is PTRACE_DETACH. ESRCH; EIO: no such signal.
func (t *Task) Detach(tid int, sig uintptr) errno.Errno {
	return t.WithTracee(tid, func(o *Task) errno.Errno {
		if sig > NSIG {
			return errno.EIO
		}
		o.Group.sigLock.Lock()
		o.trace.Load().sig = int(sig)
		o.Group.sigLock.Unlock()
		treeLock.Lock()
		o.untrace()
		treeLock.Unlock()
		return 0
	})
}

// KillTracee is PTRACE_KILL: SIGKILL, whatever the tracee does. ESRCH.
func (t *Task) KillTracee(tid int) errno.Errno {
	o, _ := t.tracee(tid)
	if o == nil {
		return errno.ESRCH
	}
	o.Group.Kill(SIGKILL)
	return 0
}

// Interrupt is PTRACE_INTERRUPT: the tracee stops soon. ESRCH; EIO: not seized.
func (t *Task) Interrupt(tid int) errno.Errno {
	o, p := t.tracee(tid)
	if o == nil {
		return errno.ESRCH
	}
	if !p.seized {
		return errno.EIO
	}
	g := o.Group
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	if o.state == stateDead {
		return errno.ESRCH
	}
	switch {
	case p.listening:
		p.trap, p.stopped = true, false
	case !p.stopped:
		p.trap = true
	default:
		return 0
	}
	o.kick()
	g.stopQ.WakeAll()
	return 0
}

// Listen is PTRACE_LISTEN: the tracee stays stopped with its group, and stops
// anew when that is continued. ESRCH; EIO: not seized, or another kind of stop.
func (t *Task) Listen(tid int) errno.Errno {
	return t.WithTracee(tid, func(o *Task) errno.Errno {
		o.Group.sigLock.Lock()
		defer o.Group.sigLock.Unlock()
		p := o.trace.Load()
		if !p.seized || p.code>>8 != EventStop {
			return errno.EIO
		}
		p.listening, p.unwaited = true, false
		if !o.Group.stop.active {
			p.trap, p.stopped = true, false
		}
		return 0
	})
}

// SetTraceOptions is PTRACE_SETOPTIONS. ESRCH; EINVAL: unknown options.
func (t *Task) SetTraceOptions(tid int, options uint64) errno.Errno {
	return t.WithTracee(tid, func(o *Task) errno.Errno {
		if options&^traceOptions != 0 {
			return errno.EINVAL
		}
		o.Group.sigLock.Lock()
		o.trace.Load().options = uint32(options)
		o.Group.sigLock.Unlock()
		return 0
	})
}

// TraceMessage is what an event stop of o has to say. o is a stopped tracee.
func (o *Task) TraceMessage() uint64 {
	o.Group.sigLock.Lock()
	defer o.Group.sigLock.Unlock()
	return o.trace.Load().message
}

// TraceInfo returns the siginfo of o's stop. EINVAL: it has none. o is a stopped
// tracee.
func (o *Task) TraceInfo(info *SigInfo) errno.Errno {
	o.Group.sigLock.Lock()
	defer o.Group.sigLock.Unlock()
	p := o.trace.Load()
	if !p.hasInfo {
		return errno.EINVAL
	}
	*info = p.info
	return 0
}

// SetTraceInfo replaces the siginfo of o's stop. As TraceInfo.
func (o *Task) SetTraceInfo(info *SigInfo) errno.Errno {
	o.Group.sigLock.Lock()
	defer o.Group.sigLock.Unlock()
	p := o.trace.Load()
	if !p.hasInfo {
		return errno.EINVAL
	}
	p.info = *info
	return 0
}

// AccessMemory copies between buf and the memory of tracee tid. ESRCH; EIO: not
// all of it is there, or may be written.
func (t *Task) AccessMemory(tid int, addr uintptr, buf []byte, write bool) errno.Errno {
	var m *mm.MM
	e := t.WithTracee(tid, func(o *Task) errno.Errno {
		m = o.GrabMM()
		return 0
	})
	if e != 0 {
		return e
	}
	if m == nil {
		return errno.EIO
	}
	defer mm.MMPut(m)
	if mm.AccessProcessVM(m, addr, buf, write) != len(buf) {
		return errno.EIO
	}
	return 0
}
