package syscall

import (
	"bytes"
	errno "syscall"
	"time"

	"yolk/fs"
	"yolk/mm"
	"yolk/proc"
)

func init() {
	Register(283, "timerfd_create", sysTimerfdCreate)
	Register(284, "eventfd", sysEventfd)
	Register(286, "timerfd_settime", sysTimerfdSettime)
	Register(287, "timerfd_gettime", sysTimerfdGettime)
	Register(290, "eventfd2", sysEventfd2)
	Register(319, "memfd_create", sysMemfdCreate)
}

func eventfd(t *proc.Task, count uintptr, flags uint32) (uintptr, errno.Errno) {
	const semaphore = 1 // EFD_SEMAPHORE
	if flags&^(semaphore|errno.O_CLOEXEC|errno.O_NONBLOCK) != 0 {
		return 0, errno.EINVAL
	}
	f, e := fs.NewEventFD(uint64(uint32(count)), flags&semaphore != 0, flags&errno.O_NONBLOCK)
	if e != 0 {
		return 0, e
	}
	return installFile(t, f, flags&errno.O_CLOEXEC != 0)
}

func sysEventfd(t *proc.Task, a *Args) (uintptr, errno.Errno) { return eventfd(t, a[0], 0) }

func sysEventfd2(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return eventfd(t, a[0], uint32(a[1]))
}

// Flags of memfd_create.
const (
	mfdCloexec      = 1
	mfdAllowSealing = 2
	mfdNoexecSeal   = 8
	mfdExec         = 0x10
	memfdNameMax    = 249
)

// sysMemfdCreate: EINVAL: flags, name too long; EFAULT; EMFILE. There are no huge pages.
func sysMemfdCreate(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	flags := uint32(a[1])
	if flags&^(mfdCloexec|mfdAllowSealing|mfdNoexecSeal|mfdExec) != 0 || flags&(mfdNoexecSeal|mfdExec) == mfdNoexecSeal|mfdExec {
		return 0, errno.EINVAL
	}
	var buf [memfdNameMax + 1]byte
	n, e := mm.CopyStringFromUser(t.MM, a[0], buf[:])
	if e == errno.ENAMETOOLONG {
		e = errno.EINVAL
	}
	if e != 0 {
		return 0, e
	}
	name := string(bytes.ToValidUTF8(buf[:n], []byte("?")))
	f, e := fs.NewMemFD(t.Caller().Cred, name, flags&(mfdAllowSealing|mfdNoexecSeal) != 0, flags&mfdNoexecSeal == 0)
	if e != 0 {
		return 0, e
	}
	return installFile(t, f, flags&mfdCloexec != 0)
}

func sysTimerfdCreate(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	flags := uint32(a[1])
	if flags&^(errno.O_CLOEXEC|errno.O_NONBLOCK) != 0 {
		return 0, errno.EINVAL
	}
	switch int32(a[0]) {
	case clockRealtime, clockRealtimeAlarm, clockMonotonic, clockBoottime, clockBoottimeAlarm:
	default:
		return 0, errno.EINVAL
	}
	realtime := a[0] == clockRealtime || a[0] == clockRealtimeAlarm
	f, e := fs.NewTimerFD(realtime, flags&errno.O_NONBLOCK)
	if e != 0 {
		return 0, e
	}
	return installFile(t, f, flags&errno.O_CLOEXEC != 0)
}

// timerSpec is struct itimerspec.
type timerSpec struct{ Interval, Value timespec }

// sysTimerfdSettime: EBADF, EFAULT, EINVAL.
func sysTimerfdSettime(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	const cancelOnSet = 2 // TFD_TIMER_CANCEL_ON_SET: the wall clock is never set
	if a[1]&^(timerAbstime|cancelOnSet) != 0 {
		return 0, errno.EINVAL
	}
	var spec timerSpec
	if e := getStruct(t, &spec, a[2]); e != 0 {
		return 0, e
	}
	value, e := spec.Value.duration()
	if e != 0 {
		return 0, e
	}
	interval, e := spec.Interval.duration()
	if e != 0 {
		return 0, e
	}
	f, e := getFile(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	realtime, e := f.TimerRealtime()
	if e != 0 {
		return 0, e
	}
	var next time.Time
	switch {
	case value == 0:
	case a[1]&timerAbstime != 0:
		next = deadline(value, realtime)
	default:
		next = time.Now().Add(value)
	}
	left, every, e := f.SetTimer(next, interval)
	if e != 0 || a[3] == 0 {
		return 0, e
	}
	old := timerSpec{specOf(every), specOf(left)}
	return 0, putStruct(t, a[3], &old)
}

// sysTimerfdGettime: EBADF, EFAULT, EINVAL.
func sysTimerfdGettime(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	f, e := getFile(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	left, every, e := f.TimerLeft()
	if e != 0 {
		return 0, e
	}
	now := timerSpec{specOf(every), specOf(left)}
	return 0, putStruct(t, a[1], &now)
}
