package proc

import (
	errno "syscall"

	"yolk/fs"
)

// Process groups and sessions.

// groupOf returns process pid, the caller's for 0. ESRCH.
func (t *Task) groupOf(pid int) (*ThreadGroup, errno.Errno) {
	treeLock.AssertHeld()
	if pid == 0 {
		return t.Group, 0
	}
	e := findPID(pid)
	if e == nil || e.task == nil {
		return nil, errno.ESRCH
	}
	return e.task.Group, 0
}

// Getpgid returns the process group of process pid, 0 for the caller. ESRCH.
func (t *Task) Getpgid(pid int) (int, errno.Errno) {
	treeLock.Lock()
	defer treeLock.Unlock()
	g, e := t.groupOf(pid)
	if e != 0 {
		return 0, e
	}
	return g.pgrp.nr, 0
}

// Getsid returns the session of process pid, 0 for the caller. ESRCH.
func (t *Task) Getsid(pid int) (int, errno.Errno) {
	treeLock.Lock()
	defer treeLock.Unlock()
	g, e := t.groupOf(pid)
	if e != 0 {
		return 0, e
	}
	return g.session.nr, 0
}

// Parent returns the number of the parent process: getppid. Callable by anyone;
// takes no lock, as there is none that could make the answer last.
func (g *ThreadGroup) Parent() int { return int(g.ppid.Load()) }

// Setpgid moves process pid (0: the caller) into group pgid (0: its own). ESRCH:
// neither the caller nor a child; EACCES: the child has called exec; EPERM:
// another session, a session leader, or no such group in the session; EINVAL.
func (t *Task) Setpgid(pid, pgid int) errno.Errno {
	if pid == 0 {
		pid = t.PID
	}
	if pgid == 0 {
		pgid = pid
	}
	if pgid < 0 {
		return errno.EINVAL
	}
	treeLock.Lock()
	defer treeLock.Unlock()
	g, e := t.groupOf(pid)
	switch {
	case e != 0:
		return e
	case g.leader.TID != pid: // a thread that leads no process
		return errno.EINVAL
	case g != t.Group && g.parent != t.Group:
		return errno.ESRCH
	case g.session != t.Group.session:
		return errno.EPERM
	case g != t.Group && g.execed:
		return errno.EACCES
	case g.session.nr == g.PID:
		return errno.EPERM
	}
	entry := g.leader.pidEntry
	if pgid != pid {
		if entry = t.sessionGroup(pgid); entry == nil {
			return errno.EPERM
		}
	}
	if g.pgrp != entry {
		g.leaveGroup()
		g.joinGroup(entry)
	}
	return 0
}

// sessionGroup returns process group pgid if it is in the caller's session.
func (t *Task) sessionGroup(pgid int) *pidEntry {
	e := findPID(pgid)
	if e == nil || e.members == nil || e.members.session != t.Group.session {
		return nil
	}
	return e
}

// Setsid makes the caller's process the leader of a session and a group of its
// own, without a terminal. EPERM: there is a group with its number.
func (t *Task) Setsid() (int, errno.Errno) {
	treeLock.Lock()
	defer treeLock.Unlock()
	g := t.Group
	entry := g.leader.pidEntry
	if entry.members != nil {
		return 0, errno.EPERM
	}
	g.leaveGroup()
	g.joinGroup(entry)
	g.session.put()
	g.session = entry.get()
	return g.PID, 0
}

// groupAndSession answers the terminal: where the running task belongs.
func groupAndSession() (pgrp, sid int) {
	t := Current()
	if t == nil {
		return 0, 0
	}
	treeLock.Lock()
	defer treeLock.Unlock()
	return t.Group.pgrp.nr, t.Group.session.nr
}

// background decides what becomes of a task in the background that uses the
// terminal: see fs.TTYHooks.
func background(sig errno.Signal) errno.Errno {
	t := Current()
	if t == nil {
		return 0
	}
	n := int(sig)
	if t.blocked.Has(n) || t.Group.actions.get(n).Handler == sigIgn {
		if n == SIGTTIN {
			return errno.EIO
		}
		return 0
	}
	treeLock.Lock()
	orphaned := orphanedLocked(t.Group.pgrp, nil)
	pgrp := t.Group.pgrp.nr
	treeLock.Unlock()
	if orphaned {
		return errno.EIO
	}
	SignalGroup(pgrp, n)
	return ERESTARTSYS
}

// hangUp is the end of a session leader: the terminal's foreground group gets
// SIGHUP and SIGCONT, and the terminal is nobody's.
func hangUp(session int) {
	sid, pgrp := fs.ConsoleSession()
	if sid != session || pgrp == 0 {
		return
	}
	fs.SetForeground(0, 0)
	SignalGroup(pgrp, SIGHUP)
	SignalGroup(pgrp, SIGCONT)
}
