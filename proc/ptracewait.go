package proc

// What wait reports of tracees: their stops, whether or not the caller asks for
// stops, and the end of those that are not its children.

// waitTracees looks for a tracee with something to report; eligible is whether
// there is one that r is for.
func (g *ThreadGroup) waitTracees(r *WaitRequest, w *WaitReport) (eligible, found bool) {
	treeLock.AssertHeld()
	for _, t := range g.threads {
		if t.waitExits(r, w) {
			return true, true
		}
		for _, o := range t.tracees {
			if !r.matchesTracee(g, o.TID, o.Group.pgrp.nr) {
				continue
			}
			eligible = true
			if o.reportStop(r, w) || o.Group.heldByTracer() && o.reportEnd(r, w) {
				return true, true
			}
		}
	}
	return eligible, false
}

// matchesTracee is matches for a tracee: each thread counts for itself, and how
// it was cloned does not matter.
func (r *WaitRequest) matchesTracee(g *ThreadGroup, tid, pgrp int) bool {
	switch r.For {
	case WaitPID:
		return tid == r.ID
	case WaitPGID:
		return pgrp == r.ID || r.ID == 0 && pgrp == g.pgrp.nr
	}
	return true
}

// waitExits reports a traced thread that has ended.
func (t *Task) waitExits(r *WaitRequest, w *WaitReport) bool {
	if r.Options&WExited == 0 {
		return false
	}
	for i, x := range t.traceExits {
		if !r.matchesTracee(t.Group, x.tid, x.pgrp) {
			continue
		}
		*w = WaitReport{PID: x.tid, UID: x.uid, Status: x.status}
		w.Code, w.Value = exitCode(x.status)
		if r.Options&WNoWait == 0 {
			t.traceExits = append(t.traceExits[:i], t.traceExits[i+1:]...)
		}
		return true
	}
	return false
}

// reportStop reports a stop of tracee o, once.
func (o *Task) reportStop(r *WaitRequest, w *WaitReport) bool {
	g := o.Group
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	p := o.trace.Load()
	if !p.unwaited {
		return false
	}
	if r.Options&WNoWait == 0 {
		p.unwaited = false
		p.sig = 0 // should the tracer end now, the signal has been seen
	}
	*w = WaitReport{PID: o.TID, UID: o.Creds().UID, Code: CLDTrapped, Value: p.code, Status: p.code<<8 | 0x7f, Times: g.timesLocked()}
	return true
}

// reportEnd reports the end of a traced process that is another's child, and
// leaves the zombie to its parent.
func (o *Task) reportEnd(r *WaitRequest, w *WaitReport) bool {
	g := o.Group
	if !g.zombie || r.Options&WExited == 0 {
		return false
	}
	*w = WaitReport{PID: o.TID, UID: o.Creds().UID, Status: g.status}
	w.Code, w.Value = exitCode(g.status)
	if r.Options&WNoWait == 0 {
		o.untrace()
		if g.tellParent() {
			g.reapLocked()
		}
	}
	return true
}
