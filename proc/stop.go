package proc

// Job control: SIGSTOP and its kin stop all threads of a process, SIGCONT lets
// them go on. The parent hears of both through SIGCHLD and wait.

// stopState is the stop side of a group; guarded by sigLock.
type stopState struct {
	active        bool  // threads stop before they enter ring 3
	complete      bool  // all of them have
	sig           int32 // signal that stopped them
	unwaited      bool  // wait has not reported the stop yet
	contUnwaited  bool  // wait has not reported the continuation yet
	tellContinued bool  // a thread is to send the parent CLD_CONTINUED
}

// stopOrContinue is what sending sig does to a stopped process, whatever the
// signal's action: SIGCONT continues it and cancels stop signals, a stop signal
// cancels SIGCONT. Source: Linux's prepare_signal.
func (g *ThreadGroup) stopOrContinue(sig int) {
	g.sigLock.AssertHeld()
	switch {
	case stopSignals.Has(sig):
		g.dropPending(SigMask(SIGCONT))
	case sig == SIGCONT:
		g.dropPending(stopSignals)
		if !g.stop.active {
			return
		}
		if g.stop.complete {
			g.stop.contUnwaited, g.stop.tellContinued = true, true
		}
		g.stop.active, g.stop.complete, g.stop.unwaited = false, false, false
		for _, t := range g.threads {
			t.work.Or(workSignal)
			if p := t.trace.Load(); p != nil {
				p.joined = false
				if p.listening {
					p.trap, p.stopped = true, false
				}
			}
		}
		g.stopQ.WakeAll()
	}
}

// beginStop makes every thread of the group stop.
func (g *ThreadGroup) beginStop(sig int) {
	g.sigLock.AssertHeld()
	if g.stop.active || g.exiting {
		return
	}
	g.stop = stopState{active: true, sig: int32(sig)}
	for _, t := range g.threads {
		if t.state != stateDead {
			t.kick()
		}
	}
}

// stopHere keeps t stopped until SIGCONT or the end of the group. The last
// thread to stop tells the parent.
func (t *Task) stopHere() {
	g := t.Group
	g.sigLock.Lock()
	if !g.stop.active || t.trace.Load() != nil {
		g.sigLock.Unlock()
		return
	}
	t.state = stateStopped
	tell := g.checkStopped()
	g.sigLock.Unlock()
	if tell {
		g.notifyStop(CLDStopped)
	}
	g.stopQ.Wait(func() bool {
		g.sigLock.Lock()
		defer g.sigLock.Unlock()
		return !g.stop.active || t.trace.Load() != nil || t.mustDieLocked()
	})
	g.sigLock.Lock()
	t.state = stateRunning
	g.sigLock.Unlock()
}

// checkStopped completes a stop when no thread is left to stop, and reports
// whether the parent is to be told now.
func (g *ThreadGroup) checkStopped() bool {
	g.sigLock.AssertHeld()
	if !g.stop.active || g.stop.complete || g.nlive == 0 {
		return false
	}
	for _, t := range g.threads {
		if p := t.trace.Load(); t.state != stateStopped && t.state != stateDead && (p == nil || !p.joined) {
			return false
		}
	}
	g.stop.complete, g.stop.unwaited = true, true
	return true
}

// notifyStop sends the parent SIGCHLD about a stop or continuation, unless it
// asked not to hear of those, and wakes its waits.
func (g *ThreadGroup) notifyStop(code int32) {
	treeLock.Lock()
	defer treeLock.Unlock()
	if g.parent == nil {
		return
	}
	status := int32(SIGCONT)
	g.sigLock.Lock()
	if code == CLDStopped {
		status = g.stop.sig
	}
	g.sigLock.Unlock()
	g.leader.tellStop(g.parent, code, status)
}

// tellStop sends p the news that t stopped or continues.
func (t *Task) tellStop(p *ThreadGroup, code, status int32) {
	treeLock.AssertHeld()
	g := t.Group
	g.sigLock.Lock()
	times := g.timesLocked()
	g.sigLock.Unlock()
	p.sigLock.Lock()
	if a := p.actions.get(SIGCHLD); a.Handler != sigIgn && a.Flags&SANoCldStop == 0 {
		info := childInfo(SIGCHLD, code, t.TID, t.Creds().UID, status, times.User, times.System)
		p.sendLocked(&info, nil)
	}
	p.sigLock.Unlock()
	p.childQ.WakeAll()
}

// orphanedLocked reports whether process group pg has no member whose parent is
// in another group of the same session: nobody could continue it then.
func orphanedLocked(pg *pidEntry, without *ThreadGroup) bool {
	treeLock.AssertHeld()
	for g := pg.members; g != nil; g = g.pgrpNext {
		if g != without && !g.zombie && g.hasKeeper(g.parent) {
			return false
		}
	}
	return true
}

// hasKeeper reports whether parent keeps g's process group from being orphaned.
func (g *ThreadGroup) hasKeeper(parent *ThreadGroup) bool {
	return parent != nil && parent.PID != 1 && parent.pgrp != g.pgrp && parent.session == g.session
}
