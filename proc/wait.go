package proc

import errno "syscall"

// Options of wait4 and waitid.
const (
	WNoHang    = 0x1
	WStopped   = 0x2 // also WUNTRACED
	WExited    = 0x4
	WContinued = 0x8
	WNoWait    = 0x01000000
	WNoThread  = 0x20000000
	WAll       = 0x40000000
	WClone     = 0x80000000
)

// WaitFor says which children a wait is for.
type WaitFor uint8

// The kinds of wait; their values are waitid's.
const (
	WaitAny  WaitFor = iota // P_ALL
	WaitPID                 // P_PID
	WaitPGID                // P_PGID
)

// WaitRequest is what wait4 and waitid have in common.
type WaitRequest struct {
	For     WaitFor
	ID      int
	Options uint32
}

// WaitReport is a change of a child's state.
type WaitReport struct {
	PID    int
	UID    uint32
	Code   int32 // si_code
	Value  int32 // si_status
	Status int32 // wait status, as wait4 stores it
	Times  Times
}

// Wait waits for a child that matches r and reports it in w; w.PID is 0 when
// WNOHANG found none ready. ECHILD: no child matches; ERESTARTSYS: a signal
// came. No locks at entry; sleeps. Source: Linux's do_wait.
func (t *Task) Wait(r *WaitRequest, w *WaitReport) errno.Errno {
	g := t.Group
	var e errno.Errno
	try := func() bool {
		var found bool
		found, e = g.tryWait(r, w)
		return found || e != 0
	}
	if r.Options&WNoHang != 0 {
		try()
		return e
	}
	if !g.childQ.WaitInterruptible(try) {
		return ERESTARTSYS
	}
	return e
}

// tryWait looks for a child with something to report. ECHILD when none could
// ever have.
func (g *ThreadGroup) tryWait(r *WaitRequest, w *WaitReport) (bool, errno.Errno) {
	treeLock.Lock()
	defer treeLock.Unlock()
	eligible, found := g.waitTracees(r, w)
	if found {
		return true, 0
	}
	for c := g.children; c != nil; c = c.sibling {
		if !r.matches(g, c) {
			continue
		}
		eligible = true
		if c.report(r, w) {
			if c.zombie && r.Options&WNoWait == 0 && w.Code <= CLDDumped {
				g.childTimes.add(w.Times)
				g.childTimes.add(c.childTimes)
				c.reapLocked()
			}
			return true, 0
		}
	}
	if !eligible {
		return false, errno.ECHILD
	}
	return false, 0
}

// matches reports whether child c of g is one that the request asks for.
func (r *WaitRequest) matches(g, c *ThreadGroup) bool {
	switch r.For {
	case WaitPID:
		if c.PID != r.ID {
			return false
		}
	case WaitPGID:
		pg := r.ID
		if pg == 0 {
			pg = g.pgrp.nr
		}
		if c.pgrp.nr != pg {
			return false
		}
	}
	if tracer := c.leader.tracer; r.Options&WAll != 0 || tracer != nil && tracer.Group == g {
		return true
	}
	return (c.exitSignal != SIGCHLD) == (r.Options&WClone != 0)
}

// report fills w if c has something that r wants to hear, and with WNOWAIT
// unset marks stops and continuations as heard.
func (c *ThreadGroup) report(r *WaitRequest, w *WaitReport) bool {
	treeLock.AssertHeld()
	c.sigLock.Lock()
	defer c.sigLock.Unlock()
	keep := r.Options&WNoWait != 0
	*w = WaitReport{PID: c.PID, UID: c.leader.Creds().UID}
	switch {
	case c.zombie && c.heldByTracer():
		*w = WaitReport{}
		return false
	case c.zombie && r.Options&WExited != 0:
		w.Status = c.status
		w.Code, w.Value = exitCode(c.status)
	case c.zombie:
		*w = WaitReport{}
		return false
	case c.stop.unwaited && r.Options&WStopped != 0 && (c.leader.tracer == nil || c.heldByTracer()):
		w.Code, w.Value, w.Status = CLDStopped, c.stop.sig, c.stop.sig<<8|0x7f
		c.stop.unwaited = keep
	case c.stop.contUnwaited && r.Options&WContinued != 0:
		w.Code, w.Value, w.Status = CLDContinued, SIGCONT, 0xffff
		c.stop.contUnwaited = keep
	default:
		*w = WaitReport{}
		return false
	}
	w.Times = c.timesLocked()
	return true
}

// WaitDone waits, in a kernel thread, until the process that Spawn started has
// ended, collects it and returns its wait status.
func WaitDone(t *Task) int32 {
	g := t.Group
	g.doneQ.Wait(func() bool {
		treeLock.Lock()
		defer treeLock.Unlock()
		return g.zombie
	})
	treeLock.Lock()
	defer treeLock.Unlock()
	if !g.reaped {
		g.reapLocked()
	}
	return g.status
}
