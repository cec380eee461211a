package syscall

import (
	errno "syscall"
	"time"

	"yolk/locks"
	"yolk/proc"
)

// Signal calls. The work is in package proc; sigset_t is 8 bytes here.

const sigsetSize = 8

func init() {
	Register(errno.SYS_RT_SIGACTION, "rt_sigaction", sysRtSigaction)
	Register(errno.SYS_RT_SIGPROCMASK, "rt_sigprocmask", sysRtSigprocmask)
	Register(errno.SYS_RT_SIGRETURN, "rt_sigreturn", sysRtSigreturn)
	Register(errno.SYS_RT_SIGPENDING, "rt_sigpending", sysRtSigpending)
	Register(errno.SYS_RT_SIGSUSPEND, "rt_sigsuspend", sysRtSigsuspend)
	Register(errno.SYS_RT_SIGTIMEDWAIT, "rt_sigtimedwait", sysRtSigtimedwait)
	Register(errno.SYS_RT_SIGQUEUEINFO, "rt_sigqueueinfo", sysRtSigqueueinfo)
	Register(nrRtTgsigqueueinfo, "rt_tgsigqueueinfo", sysRtTgsigqueueinfo)
	Register(errno.SYS_SIGALTSTACK, "sigaltstack", sysSigaltstack)
	Register(errno.SYS_KILL, "kill", sysKill)
	Register(errno.SYS_TKILL, "tkill", sysTkill)
	Register(errno.SYS_TGKILL, "tgkill", sysTgkill)
	Register(errno.SYS_PAUSE, "pause", sysPause)
	Register(errno.SYS_RESTART_SYSCALL, "restart_syscall", sysRestart)
}

const nrRtTgsigqueueinfo = 297

// sysRtSigaction: EINVAL: size, number, or SIGKILL and SIGSTOP; EFAULT.
func sysRtSigaction(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if a[3] != sigsetSize {
		return 0, errno.EINVAL
	}
	var set *proc.SigAction
	if a[1] != 0 {
		var act proc.SigAction
		if e := getStruct(t, &act, a[1]); e != 0 {
			return 0, e
		}
		set = &act
	}
	old, e := t.SigAction(int(int32(a[0])), set)
	if e == 0 && a[2] != 0 {
		e = putStruct(t, a[2], &old)
	}
	return 0, e
}

const (
	sigBlock = iota
	sigUnblock
	sigSetmask
)

// sysRtSigprocmask: EINVAL: size, how; EFAULT.
func sysRtSigprocmask(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if a[3] != sigsetSize {
		return 0, errno.EINVAL
	}
	old := t.Mask()
	if a[1] != 0 {
		var set proc.Sigset
		if e := getStruct(t, &set, a[1]); e != 0 {
			return 0, e
		}
		switch int32(a[0]) {
		case sigBlock:
			set |= old
		case sigUnblock:
			set = old &^ set
		case sigSetmask:
		default:
			return 0, errno.EINVAL
		}
		t.SetMask(set)
	}
	if a[2] != 0 {
		return 0, putStruct(t, a[2], &old)
	}
	return 0, 0
}

// sysRtSigreturn gives the program back the RAX it had.
func sysRtSigreturn(t *proc.Task, _ *Args) (uintptr, errno.Errno) {
	return uintptr(t.SigReturn()), 0
}

// sysRtSigpending: EINVAL: size; EFAULT.
func sysRtSigpending(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if a[1] > sigsetSize {
		return 0, errno.EINVAL
	}
	set := t.Pending()
	return 0, putStruct(t, a[0], &set)
}

// sysRtSigsuspend: EINVAL: size; EFAULT; EINTR always, in the end.
func sysRtSigsuspend(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if a[1] != sigsetSize {
		return 0, errno.EINVAL
	}
	var set proc.Sigset
	if e := getStruct(t, &set, a[0]); e != 0 {
		return 0, e
	}
	return 0, t.Suspend(set)
}

// sysRtSigtimedwait: EINVAL: size, time; EFAULT; EAGAIN, EINTR: proc.Task.SigWait.
func sysRtSigtimedwait(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if a[3] != sigsetSize {
		return 0, errno.EINVAL
	}
	var set proc.Sigset
	if e := getStruct(t, &set, a[0]); e != 0 {
		return 0, e
	}
	d := time.Duration(locks.Forever)
	if a[2] != 0 {
		var e errno.Errno
		if d, e = getDuration(t, a[2]); e != 0 {
			return 0, e
		}
	}
	var info proc.SigInfo
	sig, e := t.SigWait(set, d, &info)
	if e == 0 && a[1] != 0 {
		e = putStruct(t, a[1], &info)
	}
	return uintptr(sig), e
}

// sysRtSigqueueinfo: EFAULT, else proc.Task.Queue.
func sysRtSigqueueinfo(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	var info proc.SigInfo
	if e := getStruct(t, &info, a[2]); e != 0 {
		return 0, e
	}
	return 0, t.Queue(int(int32(a[0])), int(int32(a[1])), &info)
}

// sysRtTgsigqueueinfo: EFAULT, EINVAL, else proc.Task.QueueThread.
func sysRtTgsigqueueinfo(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	var info proc.SigInfo
	if e := getStruct(t, &info, a[3]); e != 0 {
		return 0, e
	}
	tgid := int(int32(a[0]))
	if tgid <= 0 {
		return 0, errno.EINVAL
	}
	return 0, t.QueueThread(tgid, int(int32(a[1])), int(int32(a[2])), &info)
}

// sysSigaltstack: EFAULT, else proc.Task.SetAltStack.
func sysSigaltstack(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	var set *proc.AltStack
	if a[0] != 0 {
		var s proc.AltStack
		if e := getStruct(t, &s, a[0]); e != 0 {
			return 0, e
		}
		set = &s
	}
	old, e := t.SetAltStack(set)
	if e == 0 && a[1] != 0 {
		e = putStruct(t, a[1], &old)
	}
	return 0, e
}

func sysKill(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return 0, t.Kill(int(int32(a[0])), int(int32(a[1])))
}

func sysTkill(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return 0, t.Tgkill(-1, int(int32(a[0])), int(int32(a[1])))
}

// sysTgkill: EINVAL when the process number is not positive.
func sysTgkill(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	tgid := int(int32(a[0]))
	if tgid <= 0 {
		return 0, errno.EINVAL
	}
	return 0, t.Tgkill(tgid, int(int32(a[1])), int(int32(a[2])))
}

func sysPause(t *proc.Task, _ *Args) (uintptr, errno.Errno) { return 0, t.Pause() }

func sysRestart(t *proc.Task, _ *Args) (uintptr, errno.Errno) { return t.Restart() }

// useMask puts the mask at addr in force for the rest of the call, for ppoll and
// its kin; addr 0 leaves the mask alone. EINVAL: size; EFAULT.
func useMask(t *proc.Task, addr, size uintptr) errno.Errno {
	if addr == 0 {
		return 0
	}
	if size != sigsetSize {
		return errno.EINVAL
	}
	var set proc.Sigset
	if e := getStruct(t, &set, addr); e != 0 {
		return e
	}
	t.UseMask(set)
	return 0
}
