package proc

import (
	errno "syscall"
	"time"

	"yolk/locks"
)

// Suspend is sigsuspend: it sleeps with mask in force until a handler has run,
// and then mask gives way to the old one. Always ERESTARTNOHAND.
func (t *Task) Suspend(mask Sigset) errno.Errno {
	t.UseMask(mask)
	locks.Sleep(locks.Forever, true)
	return ERESTARTNOHAND
}

// UseMask puts mask in force for the rest of the system call (ppoll, pselect,
// epoll_pwait). If the call ends with ERESTARTNOHAND or EINTR, the handler still
// runs under mask; the old one is back by the time the program goes on.
func (t *Task) UseMask(mask Sigset) {
	t.savedMask, t.haveSaved = t.blocked, true
	t.SetMask(mask)
	// Makes the way out of the call pass by restoreMask, signal or no signal.
	t.work.Or(workSignal)
}

// Pause is pause(2). Always ERESTARTNOHAND.
func (t *Task) Pause() errno.Errno {
	locks.Sleep(locks.Forever, true)
	return ERESTARTNOHAND
}

// SigWait takes a signal of set, which the program keeps blocked, off the
// queues, and waits up to d for one (for ever if d is negative). EAGAIN: none
// came; EINTR: another signal did. No locks at entry; sleeps.
func (t *Task) SigWait(set Sigset, d time.Duration, info *SigInfo) (int, errno.Errno) {
	g := t.Group
	set &^= unblockable
	g.sigLock.Lock()
	sig := t.dequeue(^set, info)
	if sig != 0 || d == 0 {
		t.recalc()
		g.sigLock.Unlock()
		if sig == 0 {
			return 0, errno.EAGAIN
		}
		return sig, 0
	}
	t.waiting = set
	g.sigLock.Unlock()
	result := locks.Park(func() bool {
		g.sigLock.Lock()
		defer g.sigLock.Unlock()
		sig = t.dequeue(^set, info)
		return sig != 0
	}, d, true)
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	t.waiting = 0
	if sig == 0 {
		sig = t.dequeue(^set, info)
	}
	t.recalc()
	switch {
	case sig != 0:
		return sig, 0
	case result == locks.TimedOut:
		return 0, errno.EAGAIN
	}
	return 0, errno.EINTR
}
