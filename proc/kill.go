package proc

import (
	errno "syscall"

	"yolk/mm"
)

// mayKill checks whether t may send sig to process g.
func (t *Task) mayKill(g *ThreadGroup, sig int) bool {
	treeLock.AssertHeld()
	if g == t.Group || t.mayAffect(g.leader) {
		return true
	}
	return sig == SIGCONT && g.session == t.Group.session
}

// Kill is kill(2): pid names a process, 0 the caller's group, -1 everybody but
// init and the caller, any other negative number a group. Signal 0 only checks.
// EINVAL, ESRCH, EPERM.
func (t *Task) Kill(pid, sig int) errno.Errno {
	if sig != 0 && !ValidSignal(sig) {
		return errno.EINVAL
	}
	info := UserInfo(sig, SIUser, t.PID, t.Creds().UID)
	treeLock.Lock()
	defer treeLock.Unlock()
	switch {
	case pid > 0:
		e := findPID(pid)
		if e == nil || e.task == nil {
			return errno.ESRCH
		}
		return t.killLocked(e.task.Group, &info)
	case pid == -1:
		return t.killAll(&info)
	case pid == 0:
		return t.killGroup(t.Group.pgrp, &info)
	}
	return t.killGroup(findPID(-pid), &info)
}

func (t *Task) killLocked(g *ThreadGroup, info *SigInfo) errno.Errno {
	if !t.mayKill(g, int(info.Signo)) {
		return errno.EPERM
	}
	if info.Signo == 0 {
		return 0
	}
	return g.Send(info)
}

// killAll sends to all processes but init and the caller's. It succeeds if one
// took the signal.
func (t *Task) killAll(info *SigInfo) errno.Errno {
	result := errno.ESRCH
	groupsLocked(func(g *ThreadGroup) bool {
		if g.PID != 1 && g != t.Group {
			if e := t.killLocked(g, info); result != 0 {
				result = e
			}
		}
		return true
	})
	return result
}

// killGroup sends to the members of the process group of entry pg, which may be nil.
// It succeeds if one took the signal.
func (t *Task) killGroup(pg *pidEntry, info *SigInfo) errno.Errno {
	result := errno.ESRCH
	if pg == nil {
		return result
	}
	for g := pg.members; g != nil; g = g.pgrpNext {
		if e := t.killLocked(g, info); result != 0 {
			result = e
		}
	}
	return result
}

// Tgkill sends sig to thread tid; tgid, unless it is negative, must be its
// process. EINVAL, ESRCH, EPERM, EAGAIN.
func (t *Task) Tgkill(tgid, tid, sig int) errno.Errno {
	info := UserInfo(sig, SITkill, t.PID, t.Creds().UID)
	return t.queueTo(tgid, tid, sig, &info)
}

// QueueThread is rt_tgsigqueueinfo. As Tgkill; EPERM also when info claims to
// come from kill or the kernel.
func (t *Task) QueueThread(tgid, tid, sig int, info *SigInfo) errno.Errno {
	if (info.Code >= 0 || info.Code == SITkill) && tgid != t.PID {
		return errno.EPERM
	}
	info.Signo = int32(sig)
	return t.queueTo(tgid, tid, sig, info)
}

func (t *Task) queueTo(tgid, tid, sig int, info *SigInfo) errno.Errno {
	if tid <= 0 || tgid == 0 || sig != 0 && !ValidSignal(sig) {
		return errno.EINVAL
	}
	treeLock.Lock()
	defer treeLock.Unlock()
	e := findPID(tid)
	if e == nil || e.task == nil || tgid > 0 && e.task.PID != tgid {
		return errno.ESRCH
	}
	if !t.mayKill(e.task.Group, sig) {
		return errno.EPERM
	}
	if sig == 0 {
		return 0
	}
	return e.task.Send(info)
}

// Queue is rt_sigqueueinfo. EPERM: info claims to come from kill or the kernel;
// EINVAL, ESRCH, EAGAIN.
func (t *Task) Queue(pid, sig int, info *SigInfo) errno.Errno {
	if (info.Code >= 0 || info.Code == SITkill) && pid != t.PID {
		return errno.EPERM
	}
	if sig != 0 && !ValidSignal(sig) {
		return errno.EINVAL
	}
	info.Signo = int32(sig)
	treeLock.Lock()
	defer treeLock.Unlock()
	e := findPID(pid)
	if e == nil || e.task == nil {
		return errno.ESRCH
	}
	return t.killLocked(e.task.Group, info)
}

// SignalGroup sends sig from the kernel to all processes of group pgrp, as the
// terminal does.
func SignalGroup(pgrp, sig int) {
	treeLock.Lock()
	defer treeLock.Unlock()
	e := findPID(pgrp)
	if e == nil {
		return
	}
	for g := e.members; g != nil; g = g.pgrpNext {
		if g != initGroup {
			g.Kill(sig)
		}
	}
}

// killUsers is the OOM killer's hand: it sends SIGKILL to every process that
// uses m, and reports whether there was one.
func killUsers(m *mm.MM) bool {
	treeLock.Lock()
	defer treeLock.Unlock()
	found := false
	groupsLocked(func(g *ThreadGroup) bool {
		if g.uses(m) {
			g.Kill(SIGKILL)
			found = true
		}
		return true
	})
	return found
}

func (g *ThreadGroup) uses(m *mm.MM) bool {
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	for _, t := range g.threads {
		if t.MM == m {
			return true
		}
	}
	return false
}
