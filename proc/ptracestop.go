package proc

import errno "syscall"

// The stops of a tracee: at a signal, at a system call, at an event, with its
// group.

// traceStop keeps t stopped until its tracer resumes it, and returns the signal
// that is to take effect. why is the code of the SIGCHLD that the tracer gets,
// code what wait reports, info what PTRACE_GETSIGINFO shows (nil: nothing) and,
// after a stop for a signal, what the tracer made of it. Without the tracer p, or
// with death at hand, there is no stop. Source: Linux's ptrace_stop.
func (t *Task) traceStop(p *traceState, why, code int32, info *SigInfo) int {
	g := t.Group
	g.sigLock.Lock()
	exits := code>>8 == EventExit // death itself does not end this stop, SIGKILL does
	doomed := func() bool { return g.killed || !exits && t.mustDieLocked() }
	if t.trace.Load() != p || doomed() {
		g.sigLock.Unlock()
		return int(code) & 0x7f
	}
	p.code, p.sig, p.hasInfo = code, int(code), info != nil
	if code > NSIG {
		p.sig = 0
	}
	if info != nil {
		p.info = *info
	}
	p.stopped, p.unwaited, p.listening = true, true, false
	t.state = stateTraced
	groupDone := false
	if why == CLDStopped && g.stop.active && !p.joined {
		p.joined = true
		groupDone = g.checkStopped()
	}
	g.sigLock.Unlock()
	t.tellStopped(why, code, groupDone)
	g.stopQ.Wait(func() bool {
		g.sigLock.Lock()
		defer g.sigLock.Unlock()
		return !p.frozen && (!p.stopped || doomed())
	})
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	p.stopped, p.unwaited = false, false
	t.state = stateRunning
	if info != nil {
		*info = p.info
	}
	return p.sig
}

// tellStopped tells the tracer of t's stop, and if that completed a stop of the
// group, the parent too.
func (t *Task) tellStopped(why, code int32, groupDone bool) {
	g := t.Group
	treeLock.Lock()
	defer treeLock.Unlock()
	var tracer *ThreadGroup
	if t.tracer != nil {
		tracer = t.tracer.Group
		t.tellStop(tracer, why, code&0x7f)
	}
	if groupDone && g.parent != nil && g.parent != tracer {
		g.leader.tellStop(g.parent, CLDStopped, code&0x7f)
	}
}

// traceInfo is the siginfo of a stop that no signal caused.
func (t *Task) traceInfo(code int32) *SigInfo {
	i := UserInfo(SIGTRAP, code, t.TID, t.Creds().UID)
	return &i
}

// traceEvent stops t for an event if the tracer asked for it.
func (t *Task) traceEvent(event int32, message uint64) {
	p := t.trace.Load()
	if p == nil || p.options>>event&1 == 0 {
		return
	}
	p.message = message
	code := SIGTRAP | event<<8
	t.traceStop(p, CLDTrapped, code, t.traceInfo(code))
}

// traceSignal shows the tracer a signal that was just taken off the queue, with
// info, and returns the signal to act on in its place, 0 for none.
func (t *Task) traceSignal(p *traceState, sig int, info *SigInfo) int {
	got := t.traceStop(p, CLDTrapped, int32(sig), info)
	if got == 0 {
		return 0
	}
	if got != sig || int(info.Signo) != sig {
		treeLock.Lock()
		pid, uid := 0, uint32(0)
		if t.tracer != nil {
			pid, uid = t.tracer.PID, t.tracer.Creds().UID
		}
		treeLock.Unlock()
		*info = UserInfo(got, SIUser, pid, uid)
	}
	if t.blocked.Has(got) {
		t.Send(info)
		return 0
	}
	return got
}

// traceGroupStop is a tracee's part in a stop of its group. With PTRACE_SEIZE
// the tracer can tell it from a stop at the signal itself.
func (t *Task) traceGroupStop(p *traceState, sig int32) {
	if p.seized {
		code := sig | EventStop<<8
		t.traceStop(p, CLDStopped, code, t.traceInfo(code))
		return
	}
	t.traceStop(p, CLDStopped, sig, nil)
}

// traceTrap answers PTRACE_INTERRUPT.
func (t *Task) traceTrap(p *traceState) {
	t.Group.sigLock.Lock()
	sig := int32(SIGTRAP)
	if t.Group.stop.active {
		sig = t.Group.stop.sig
	}
	t.Group.sigLock.Unlock()
	code := sig | EventStop<<8
	t.traceStop(p, CLDStopped, code, t.traceInfo(code))
}

// traceCall is a stop at the beginning or end of a system call.
func (t *Task) traceCall(p *traceState) {
	code := int32(SIGTRAP)
	if p.options&TraceSysGood != 0 {
		code |= 0x80
	}
	if sig := t.traceStop(p, CLDTrapped, code, t.traceInfo(code)); sig > 0 && sig <= NSIG && sig != SIGTRAP {
		info := KernelInfo(sig)
		t.Send(&info)
	}
}

// tracedCall carries out the call that the registers of a tracee ask for, with stops
// before and after it if the tracer wants them. In the first the tracer may change the
// number (-1: none) and the arguments, in the second the result.
func (t *Task) tracedCall() {
	c := &t.Ctx
	if p := t.trace.Load(); p != nil && p.mode == TraceSyscall {
		c.RAX = errorResult(errno.ENOSYS)
		t.traceCall(p)
		t.Group.sigLock.Lock()
		dies := t.mustDieLocked()
		t.Group.sigLock.Unlock()
		if dies {
			return
		}
		if uint32(t.call) != ^uint32(0) {
			c.RAX = t.call
			c.RAX = syscallHandler(t)
		}
	} else {
		c.RAX = syscallHandler(t)
	}
	switch p := t.trace.Load(); {
	case p == nil || t.work.Load()&workExit != 0:
	case p.mode == TraceSyscall:
		t.traceCall(p)
	case p.mode == TraceStep:
		// The processor did not trap: the call was the step.
		info := FaultInfo(SIGTRAP, TrapBrkpt, c.RIP)
		t.Force(&info)
	}
}

// stepOn arms the breakpoints that the tracer has set in t, and the trap flag for one
// instruction if it steps t. The flag is taken back after the trap, so that nobody sees
// it in the registers; own is whether the program had it set.
func (t *Task) stepOn() (step bool, own uint64) {
	p := t.trace.Load()
	if p == nil {
		return false, 0
	}
	t.loadDebug(p.armed)
	if p.mode != TraceStep {
		return false, 0
	}
	own = t.Ctx.RFLAGS & flagTF
	t.Ctx.RFLAGS |= flagTF
	t.Ctx.FullRestore = 1
	return true, own
}

// traceExec tells the tracer of a new program; tid is the number that the thread
// had before.
func (t *Task) traceExec(tid int) {
	p := t.trace.Load()
	if p == nil {
		return
	}
	t.call = errno.SYS_EXECVE // for the tracer to see; nothing restarts it
	if p.options>>EventExec&1 != 0 {
		t.traceEvent(EventExec, uint64(tid))
	} else if !p.seized {
		info := UserInfo(SIGTRAP, SIUser, t.PID, t.Creds().UID)
		t.Send(&info)
	}
}

// traceDeath is the last stop of a tracee, its memory and registers still there.
func (t *Task) traceDeath() {
	status := t.exitStatus
	t.Group.sigLock.Lock()
	if t.Group.exiting {
		status = t.Group.exitCode
	}
	t.Group.sigLock.Unlock()
	t.traceEvent(EventExit, uint64(uint32(status)))
}

// cloneEvent is the event that a clone with these arguments is to t's tracer, 0
// when it does not want to know.
func (t *Task) cloneEvent(a *CloneArgs) int32 {
	p := t.trace.Load()
	if p == nil || a.Flags&CloneUntraced != 0 {
		return 0
	}
	event := int32(EventFork)
	switch {
	case a.Flags&CloneVFork != 0:
		event = EventVFork
	case a.ExitSignal != SIGCHLD:
		event = EventClone
	}
	if p.options>>event&1 == 0 {
		return 0
	}
	return event
}

// traceChild makes c, just born, a tracee of its maker's tracer too. treeLock held.
func (t *Task) traceChild(c *Task, a *CloneArgs) {
	treeLock.AssertHeld()
	p := t.trace.Load()
	if p == nil || t.tracer == nil || t.cloneEvent(a) == 0 && a.Flags&(ClonePtrace|CloneUntraced) != ClonePtrace {
		return
	}
	c.traceBy(t.tracer, &traceState{seized: p.seized, options: p.options, trap: p.seized})
	if !p.seized {
		c.pending.add(SIGSTOP, nil)
	}
}
