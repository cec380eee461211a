package proc

// Taking signals: what a task does with them before it goes back to ring 3.

// verdict is what nextSignal found.
type verdict uint8

const (
	nothing verdict = iota // no signal to act on
	caught                 // a handler is to run
	die                    // the task must end
)

// deliver acts on everything that keeps t out of ring 3, and returns false when
// the task must end instead. Source: Linux's get_signal and handle_signal.
func (t *Task) deliver() bool {
	for {
		if t.work.Load()&workExit != 0 {
			return false
		}
		var act SigAction
		switch t.nextSignal(&act) {
		case die:
			return false
		case nothing:
			t.finishCall(nil)
			t.restoreMask()
			if t.trace.Load() == nil {
				t.loadDebug(nil) // who is traced no more comes by here
			}
			return true
		case caught:
			t.finishCall(&act)
			t.runHandler(&act)
		}
	}
}

// runHandler makes ring 3 continue in the handler of act for t.frame.sig.Info.
func (t *Task) runHandler(act *SigAction) {
	sig := int(t.frame.sig.Info.Signo)
	mask := t.blocked
	if t.haveSaved {
		// The handler returns to the mask from before sigsuspend.
		mask, t.haveSaved = t.savedMask, false
	}
	if t.rseq.addr != 0 {
		t.rseqAbort() // the frame is to have the abort handler as what was interrupted
	}
	if !t.pushFrame(act, mask) {
		t.frameFault(sig)
		return
	}
	blocked := t.blocked | act.Mask
	if act.Flags&SANoDefer == 0 {
		blocked |= SigMask(sig)
	}
	t.SetMask(blocked)
	if p := t.trace.Load(); p != nil && p.mode == TraceStep {
		// A step into the handler.
		t.traceStop(p, CLDTrapped, SIGTRAP, t.traceInfo(SIGTRAP))
	}
}

// frameFault deals with a signal frame that cannot be written or read: SIGSEGV,
// deadly when it was SIGSEGV's own handler that could not start.
func (t *Task) frameFault(sig int) {
	if sig == SIGSEGV {
		g := t.Group
		g.sigLock.Lock()
		g.actions.setDefault(SIGSEGV)
		g.sigLock.Unlock()
	}
	info := KernelInfo(SIGSEGV)
	t.Force(&info)
}

func (t *Task) restoreMask() {
	if t.haveSaved {
		t.haveSaved = false
		t.SetMask(t.savedMask)
	}
}

// nextSignal takes signals off the queues, carries out default actions, and
// stops at the first that the program handles; its siginfo is in t.frame then.
func (t *Task) nextSignal(act *SigAction) verdict {
	g := t.Group
	for {
		g.sigLock.Lock()
		if t.mustDieLocked() {
			g.sigLock.Unlock()
			return die
		}
		if g.stop.tellContinued {
			g.stop.tellContinued = false
			g.sigLock.Unlock()
			g.notifyStop(CLDContinued)
			continue
		}
		if t.mustStopLocked() {
			t.stopLocked()
			continue
		}
		info := t.frameInfo()
		sig := t.dequeue(t.blocked, info)
		if sig == 0 {
			t.recalc()
			g.sigLock.Unlock()
			return nothing
		}
		if p := t.trace.Load(); p != nil && sig != SIGKILL {
			g.sigLock.Unlock()
			if sig = t.traceSignal(p, sig, info); sig == 0 {
				continue
			}
			g.sigLock.Lock()
			if t.mustDieLocked() {
				g.sigLock.Unlock()
				return die
			}
		}
		v := t.judge(sig, act)
		g.sigLock.Unlock()
		switch v {
		case stops:
			t.stopFor(sig)
		case dumps:
			t.dumpCore(sig)
			return die
		case die, caught:
			return v
		}
	}
}

// judge's extra answers.
const (
	stops verdict = die + 1 + iota // a stop signal with its default action
	dumps                          // the task must end, and leave a core file
)

// judge decides what a signal just dequeued does.
func (t *Task) judge(sig int, act *SigAction) verdict {
	g := t.Group
	a := g.actions.get(sig)
	switch {
	case a.Handler == sigIgn:
		return nothing
	case a.Handler != sigDfl:
		*act = *a
		if a.Flags&SAResetHand != 0 {
			g.actions.setDefault(sig)
		}
		return caught
	case ignoredByDefault.Has(sig):
		return nothing
	case stopSignals.Has(sig):
		return stops
	}
	g.beginExit(int32(sig))
	if g.mayDump(sig) {
		return dumps
	}
	return die
}

// stopFor begins a stop of the whole group, unless the signal came from job
// control and nobody could ever continue the process.
func (t *Task) stopFor(sig int) {
	g := t.Group
	treeLock.Lock()
	skip := sig != SIGSTOP && orphanedLocked(g.pgrp, nil)
	treeLock.Unlock()
	if skip {
		return
	}
	g.sigLock.Lock()
	// A SIGCONT that came in between has removed nothing; Linux has the same gap.
	g.beginStop(sig)
	if p := t.trace.Load(); p != nil {
		p.joined = false // the tracer let the signal pass: t stops again
	}
	g.sigLock.Unlock()
}

// mustStopLocked reports whether t is to stop with its group, or for its tracer.
func (t *Task) mustStopLocked() bool {
	p := t.trace.Load()
	return p != nil && p.trap || t.Group.stop.active && (p == nil || !p.joined)
}

// stopLocked is the stop that mustStopLocked asks for. It releases sigLock.
func (t *Task) stopLocked() {
	g := t.Group
	p, sig := t.trace.Load(), g.stop.sig
	trap := p != nil && p.trap
	if trap {
		p.trap = false
	}
	g.sigLock.Unlock()
	switch {
	case trap:
		t.traceTrap(p)
	case p != nil:
		t.traceGroupStop(p, sig)
	default:
		t.stopHere()
	}
}

// dequeue takes the next signal outside mask off the queues and fills info; 0
// when there is none. Signals caused by the program itself come first.
func (t *Task) dequeue(mask Sigset, info *SigInfo) int {
	g := t.Group
	g.sigLock.AssertHeld()
	for _, c := range [...]struct {
		q    *sigQueue
		from Sigset
	}{{&t.pending, synchronous}, {&t.pending, ^Sigset(0)}, {&g.shared, ^Sigset(0)}} {
		if sig := (c.q.set & c.from &^ mask).first(); sig != 0 {
			if q := c.q.take(sig, info); q != nil {
				g.nsignals.Add(-1)
				if q.timer != nil {
					g.timerTaken(q.timer, info)
				}
			}
			return sig
		}
	}
	return 0
}
