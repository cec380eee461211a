package syscall

import (
	errno "syscall"

	"yolk/proc"
)

func init() {
	Register(errno.SYS_WAIT4, "wait4", sysWait4)
	Register(errno.SYS_WAITID, "waitid", sysWaitid)
}

// sysWait4: EINVAL: options; ESRCH: a number that cannot be negated; ECHILD;
// EINTR; EFAULT.
func sysWait4(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	pid, options := int(int32(a[0])), uint32(a[2])
	const known = proc.WNoHang | proc.WStopped | proc.WContinued | proc.WNoThread | proc.WAll | proc.WClone
	if options&^known != 0 {
		return 0, errno.EINVAL
	}
	r := proc.WaitRequest{Options: options | proc.WExited}
	switch {
	case pid == -1<<31:
		return 0, errno.ESRCH
	case pid < -1:
		r.For, r.ID = proc.WaitPGID, -pid
	case pid == 0:
		r.For = proc.WaitPGID
	case pid > 0:
		r.For, r.ID = proc.WaitPID, pid
	}
	var w proc.WaitReport
	if e := t.Wait(&r, &w); e != 0 || w.PID == 0 {
		return 0, e
	}
	if a[1] != 0 {
		if e := putStruct(t, a[1], &w.Status); e != 0 {
			return 0, e
		}
	}
	if a[3] != 0 {
		u := rusageOf(w.Times, 0)
		if e := putStruct(t, a[3], &u); e != 0 {
			return 0, e
		}
	}
	return uintptr(w.PID), 0
}

// sysWaitid: EINVAL: kind, number or options; ECHILD; EINTR; EFAULT.
func sysWaitid(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	const what = proc.WExited | proc.WStopped | proc.WContinued
	const known = what | proc.WNoHang | proc.WNoWait | proc.WNoThread | proc.WAll | proc.WClone
	options := uint32(a[3])
	if options&^known != 0 || options&what == 0 {
		return 0, errno.EINVAL
	}
	r := proc.WaitRequest{For: proc.WaitFor(a[0]), ID: int(int32(a[1])), Options: options}
	switch {
	case a[0] > uintptr(proc.WaitPGID), // no process file descriptors either
		r.For == proc.WaitPID && r.ID <= 0,
		r.For == proc.WaitPGID && r.ID < 0:
		return 0, errno.EINVAL
	}
	var w proc.WaitReport
	if e := t.Wait(&r, &w); e != 0 {
		return 0, e
	}
	if a[4] != 0 && w.PID != 0 {
		u := rusageOf(w.Times, 0)
		if e := putStruct(t, a[4], &u); e != 0 {
			return 0, e
		}
	}
	if a[2] == 0 {
		return 0, 0
	}
	return 0, putStruct(t, a[2], waitInfo(&w))
}

// waitInfo is the report as siginfo; all zero when there is none.
func waitInfo(w *proc.WaitReport) *proc.SigInfo {
	if w.PID == 0 {
		return new(proc.SigInfo)
	}
	return proc.ChildInfo(w)
}
