package proc

import (
	errno "syscall"

	"yolk/locks"
)

// Sending signals. A signal goes to a thread (tgkill, faults) or to a process
// (kill, timers); in the second case some thread that does not block it is woken.

// SetKick gives the function that makes every other CPU leave ring 3 soon, so
// that tasks there look at their pending work.
func SetKick(f func()) { kickAll = f }

var kickAll = func() {}

// kick makes t look at its work word: it ends an interruptible sleep, or brings
// t back from ring 3.
func (t *Task) kick() {
	t.Group.sigLock.AssertHeld()
	old := t.work.Or(workSignal)
	if t.ctx == nil || t.ctx == locks.Current() {
		return
	}
	t.ctx.Interrupt()
	if old&workSignal == 0 {
		kickAll()
	}
}

// SignalPending reports whether an interruptible sleep of t must end: a signal
// it does not block, or the end of its group. While the task waits for
// something that only death may cut short, other signals do not count.
func (t *Task) SignalPending() bool {
	if t.work.Load()&(workSignal|workExit) == 0 {
		return false
	}
	t.Group.sigLock.Lock()
	defer t.Group.sigLock.Unlock()
	if t.killable {
		return t.mustDieLocked()
	}
	return t.workLocked()
}

// mustDieLocked: the group ends, or another thread's exec wants this one gone.
func (t *Task) mustDieLocked() bool {
	g := t.Group
	return g.exiting || g.execer != nil && g.execer != t
}

// workLocked reports whether the task has signal work to do before ring 3.
func (t *Task) workLocked() bool {
	g := t.Group
	return t.mustDieLocked() || t.mustStopLocked() || g.stop.tellContinued || (t.pending.set|g.shared.set)&^t.blocked != 0
}

// recalc brings the workSignal bit up to date after the mask, the queues or the
// state of the group changed.
func (t *Task) recalc() {
	t.Group.sigLock.AssertHeld()
	if t.workLocked() {
		t.work.Or(workSignal)
	} else {
		t.work.And(^uint32(workSignal))
	}
}

// Send sends info to this thread alone. Errno: EAGAIN when a real-time signal
// finds the queue full. ESRCH when the thread has ended. Takes sigLock; may be
// called from interrupt handlers; does not sleep.
func (t *Task) Send(info *SigInfo) errno.Errno {
	t.Group.sigLock.Lock()
	defer t.Group.sigLock.Unlock()
	if t.state == stateDead {
		return errno.ESRCH
	}
	return t.Group.sendLocked(info, t)
}

// Send sends info to the process: to whichever thread takes it first. As for
// Task.Send.
func (g *ThreadGroup) Send(info *SigInfo) errno.Errno {
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	return g.sendLocked(info, nil)
}

// Kill sends signal sig from the kernel to the process.
func (g *ThreadGroup) Kill(sig int) {
	info := KernelInfo(sig)
	g.Send(&info)
}

// sendLocked queues info for thread to, or for the whole group when to is nil,
// and wakes who is to act. Source: Linux's send_signal_locked.
func (g *ThreadGroup) sendLocked(info *SigInfo, to *Task) errno.Errno {
	g.sigLock.AssertHeld()
	sig := int(info.Signo)
	if sig == SIGKILL {
		g.killed = true
		g.stopQ.WakeAll() // even a tracee in its last stop
	}
	if g.nlive == 0 || g.exiting {
		return 0
	}
	g.stopOrContinue(sig)
	if g.ignoredBy(sig, to) {
		return 0
	}
	q := &g.shared
	if to != nil {
		q = &to.pending
	}
	if sig < SIGRTMIN && q.set.Has(sig) {
		return 0 // standard signals do not queue
	}
	elem, e := g.queueElement(info)
	if e != 0 {
		return e
	}
	q.add(sig, elem)
	g.complete(sig, to)
	return 0
}

// ignoredBy reports whether sig need not even be queued. A blocked signal is
// always queued: its action may have changed when it is unblocked.
func (g *ThreadGroup) ignoredBy(sig int, to *Task) bool {
	if to == nil {
		to = g.leader
	}
	if to.blocked.Has(sig) || to.waiting.Has(sig) || to.trace.Load() != nil {
		return false // a tracer wants to see even those without effect
	}
	return g.actions.get(sig).ignores(sig)
}

// queueElement allocates the element that carries info. Over RLIMIT_SIGPENDING
// a real-time signal fails with EAGAIN, others are sent without siginfo.
func (g *ThreadGroup) queueElement(info *SigInfo) (*queued, errno.Errno) {
	limit := g.Limits.Cur(RlimitSigpending)
	if uint64(g.nsignals.Load()) >= limit {
		if info.Signo >= SIGRTMIN && info.Code != SIUser {
			return nil, errno.EAGAIN
		}
		return nil, 0
	}
	g.nsignals.Add(1)
	return &queued{info: *info}, 0
}

// complete picks the thread that is to act on sig and kicks it. A fatal signal
// begins the group's exit at once, so that no thread runs on meanwhile.
func (g *ThreadGroup) complete(sig int, to *Task) {
	t := to
	if t == nil {
		t = g.pickThread(sig)
	}
	if t == nil || !t.wants(sig) {
		return // blocked by all who might take it: it stays pending
	}
	if g.fatal(sig) && (sig == SIGKILL || !t.waiting.Has(sig) && t.trace.Load() == nil) {
		if !g.mayDump(sig) { // else t begins it, when it takes the signal
			g.beginExit(int32(sig))
			return
		}
	}
	t.kick()
}

// wants reports whether the thread can take sig now.
func (t *Task) wants(sig int) bool {
	if t.state == stateDead {
		return false
	}
	if t.waiting.Has(sig) {
		return true
	}
	return !t.blocked.Has(sig)
}

// pickThread returns a thread that can take sig: the leader if it can.
func (g *ThreadGroup) pickThread(sig int) *Task {
	for _, t := range g.threads {
		if t.wants(sig) {
			return t
		}
	}
	return nil
}

// fatal reports whether sig's default action, which is in force, ends the process.
func (g *ThreadGroup) fatal(sig int) bool {
	if sig == SIGKILL {
		return true
	}
	if g.execer != nil || stopSignals.Has(sig) {
		return false
	}
	a := g.actions.get(sig)
	return a.Handler == sigDfl && !ignoredByDefault.Has(sig)
}

// Force sends t a signal it cannot escape, for a fault of its own: if the signal
// is blocked or ignored the default action is put back first, which kills.
// Called by the task itself. Source: Linux's force_sig_info.
func (t *Task) Force(info *SigInfo) {
	sig := int(info.Signo)
	g := t.Group
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	if g.actions.get(sig).Handler == sigIgn || t.blocked.Has(sig) {
		g.actions.setDefault(sig)
		t.blocked &^= SigMask(sig)
	}
	if g.exiting {
		return
	}
	t.pending.flush(SigMask(sig))
	elem, _ := g.queueElement(info)
	t.pending.add(sig, elem)
	t.recalc()
}

// ForceKill ends the process with signal sig whatever its actions say.
func (t *Task) ForceKill(sig int) {
	g := t.Group
	g.sigLock.Lock()
	g.beginExit(int32(sig))
	g.sigLock.Unlock()
}

// beginExit makes every thread of the group end with the given wait status,
// unless an exit has begun already.
func (g *ThreadGroup) beginExit(status int32) {
	g.sigLock.AssertHeld()
	if g.exiting {
		return
	}
	g.exiting, g.exitCode = true, status
	g.killed = g.killed || status&0x7f == SIGKILL
	g.stop = stopState{}
	for _, t := range g.threads {
		if t.state != stateDead {
			t.kick()
		}
	}
	g.stopQ.WakeAll()
	g.execQ.WakeAll()
}

// SetMask replaces the set of blocked signals. Called by the task itself.
func (t *Task) SetMask(mask Sigset) {
	g := t.Group
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	newly := mask &^ t.blocked
	t.blocked = mask &^ unblockable
	g.passOn(g.shared.set & newly)
	t.recalc()
}

// Mask returns the set of blocked signals.
func (t *Task) Mask() Sigset { return t.blocked }

// Pending returns the signals that wait for this thread.
func (t *Task) Pending() Sigset {
	t.Group.sigLock.Lock()
	defer t.Group.sigLock.Unlock()
	return (t.pending.set | t.Group.shared.set) & t.blocked
}
