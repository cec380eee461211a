package syscall

import (
	errno "syscall"
	"time"

	"yolk/proc"
)

// Resource limits and usage.

func init() {
	Register(errno.SYS_PRLIMIT64, "prlimit64", sysPrlimit)
	Register(errno.SYS_GETRLIMIT, "getrlimit", sysGetrlimit)
	Register(errno.SYS_SETRLIMIT, "setrlimit", sysSetrlimit)
	Register(errno.SYS_GETRUSAGE, "getrusage", sysGetrusage)
}

// limit reads (and with set changes) a limit of task o. EINVAL, EPERM.
func limit(t, o *proc.Task, which int, set *proc.Rlimit) (proc.Rlimit, errno.Errno) {
	if !proc.ValidRlimit(which) {
		return proc.Rlimit{}, errno.EINVAL
	}
	if set == nil {
		return o.Group.Limits.Get(which), 0
	}
	return o.Group.Limits.Set(which, *set, t.Creds().Capable(proc.CapSysResource))
}

// sysPrlimit: ESRCH, EPERM, EINVAL, EFAULT.
func sysPrlimit(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	o := t
	if pid := int(int32(a[0])); pid != 0 {
		if o = proc.FindTask(pid); o == nil {
			return 0, errno.ESRCH
		}
		if !t.MayLimit(o) {
			return 0, errno.EPERM
		}
	}
	var set *proc.Rlimit
	if a[2] != 0 {
		var r proc.Rlimit
		if e := getStruct(t, &r, a[2]); e != 0 {
			return 0, e
		}
		set = &r
	}
	old, e := limit(t, o, int(int32(a[1])), set)
	if e == 0 && a[3] != 0 {
		e = putStruct(t, a[3], &old)
	}
	return 0, e
}

// sysGetrlimit: EINVAL, EFAULT.
func sysGetrlimit(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	r, e := limit(t, t, int(int32(a[0])), nil)
	if e != 0 {
		return 0, e
	}
	return 0, putStruct(t, a[1], &r)
}

// sysSetrlimit: EFAULT, EINVAL, EPERM.
func sysSetrlimit(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	var r proc.Rlimit
	if e := getStruct(t, &r, a[1]); e != 0 {
		return 0, e
	}
	_, e := limit(t, t, int(int32(a[0])), &r)
	return 0, e
}

// rusage is struct rusage; what is not counted here is zero.
type rusage struct {
	User, System       timeval
	MaxRSS             int64 // KiB
	_                  [3]int64
	MinFault, MajFault int64
	_                  [6]int64
	Voluntary          int64
	Preempted          int64
}

func rusageOf(u proc.Times, maxRSS int64) rusage {
	return rusage{
		User: cpuTime(u.User), System: cpuTime(u.System), MaxRSS: maxRSS,
		MinFault: u.MinFault, MajFault: u.MajFault, Voluntary: u.Voluntary, Preempted: u.Preempted,
	}
}

func cpuTime(ns int64) timeval {
	return timeval{ns / int64(time.Second), ns % int64(time.Second) / 1000}
}

// Whose usage.
const (
	rusageSelf, rusageChildren, rusageThread = 0, -1, 1
)

// sysGetrusage: EINVAL, EFAULT.
func sysGetrusage(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	peak := t.MM.Usage().PeakRSS << 2
	var r rusage
	switch int(int32(a[0])) {
	case rusageSelf:
		r = rusageOf(t.Group.Times(), peak)
	case rusageThread:
		r = rusageOf(t.Times(), peak)
	case rusageChildren:
		r = rusageOf(t.Group.ChildTimes(), 0)
	default:
		return 0, errno.EINVAL
	}
	return 0, putStruct(t, a[1], &r)
}
