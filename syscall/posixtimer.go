package syscall

import (
	errno "syscall"
	"time"

	"yolk/proc"
)

// POSIX timers: see proc's posixtimer.go.

func init() {
	Register(errno.SYS_TIMER_CREATE, "timer_create", sysTimerCreate)
	Register(errno.SYS_TIMER_SETTIME, "timer_settime", sysTimerSettime)
	Register(errno.SYS_TIMER_GETTIME, "timer_gettime", sysTimerGettime)
	Register(errno.SYS_TIMER_GETOVERRUN, "timer_getoverrun", sysTimerGetoverrun)
	Register(errno.SYS_TIMER_DELETE, "timer_delete", sysTimerDelete)
}

// sigevent is the part of struct sigevent that the kernel knows.
type sigevent struct {
	Value       uint64
	Signo       int32
	Notify, TID int32
	_           [44]byte
}

// Ways of struct sigevent to tell of an event.
const (
	sigevSignal, sigevNone, sigevThread, sigevThreadID = 0, 1, 2, 4
)

// event checks what a program asks for. EINVAL.
func (s *sigevent) event() (*proc.TimerEvent, errno.Errno) {
	if s.Notify == sigevNone {
		return &proc.TimerEvent{}, 0
	}
	ev := &proc.TimerEvent{Signal: int(s.Signo), Value: s.Value}
	switch s.Notify {
	case sigevSignal, sigevThread: // whose thread is the C library's
	case sigevThreadID:
		if ev.TID = int(s.TID); ev.TID <= 0 {
			return nil, errno.EINVAL
		}
	default:
		return nil, errno.EINVAL
	}
	if !proc.ValidSignal(ev.Signal) {
		return nil, errno.EINVAL
	}
	return ev, 0
}

// timerClock returns the clock of a timer. EINVAL: no such clock; EOPNOTSUPP: not for
// timers.
func timerClock(t *proc.Task, clock int) (proc.TimerClock, errno.Errno) {
	switch clock {
	case clockMonotonic, clockBoottime:
		return proc.TimerMonotonic, 0
	case clockRealtime, clockTAI:
		return proc.TimerWall, 0
	case clockProcessCPU, ^t.PID<<3 | 2, ^0<<3 | 2:
		return proc.TimerProcessCPU, 0
	case clockThreadCPU, ^t.TID<<3 | 6, ^0<<3 | 6:
		return proc.TimerThreadCPU, 0
	}
	if _, e := readClock(t, clock); e != 0 {
		return 0, e
	}
	return 0, errno.EOPNOTSUPP
}

// sysTimerCreate: EINVAL, EOPNOTSUPP, EAGAIN, EFAULT.
func sysTimerCreate(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	clock, e := timerClock(t, int(int32(a[0])))
	if e != 0 {
		return 0, e
	}
	var ev *proc.TimerEvent
	if a[1] != 0 {
		var s sigevent
		if e = getStruct(t, &s, a[1]); e == 0 {
			ev, e = s.event()
		}
		if e != 0 {
			return 0, e
		}
	}
	id, e := t.CreateTimer(clock, ev)
	if e != 0 {
		return 0, e
	}
	if e = putInt(t, a[2], id); e != 0 {
		t.Group.DeleteTimer(id)
	}
	return 0, e
}

type itimerspec struct{ Interval, Value timespec }

func specsOf(left, interval time.Duration) itimerspec {
	return itimerspec{specOf(interval), specOf(left)}
}

// sysTimerSettime: EINVAL no such timer, or a time that is none; EFAULT.
func sysTimerSettime(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	var s itimerspec
	if a[2] == 0 {
		return 0, errno.EINVAL
	}
	if e := getStruct(t, &s, a[2]); e != 0 {
		return 0, e
	}
	value, e := s.Value.duration()
	interval, e2 := s.Interval.duration()
	if e != 0 || e2 != 0 {
		return 0, errno.EINVAL
	}
	left, old, e := t.Group.SetTimer(int(int32(a[0])), value, interval, a[1]&timerAbstime != 0)
	if e == 0 && a[3] != 0 {
		was := specsOf(left, old)
		e = putStruct(t, a[3], &was)
	}
	return 0, e
}

// sysTimerGettime: EINVAL, EFAULT.
func sysTimerGettime(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	left, interval, e := t.Group.Timer(int(int32(a[0])))
	if e != 0 {
		return 0, e
	}
	s := specsOf(left, interval)
	return 0, putStruct(t, a[1], &s)
}

// sysTimerGetoverrun: EINVAL.
func sysTimerGetoverrun(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return number(t.Group.TimerOverrun(int(int32(a[0]))))
}

// sysTimerDelete: EINVAL.
func sysTimerDelete(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return 0, t.Group.DeleteTimer(int(int32(a[0])))
}
