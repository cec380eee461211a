package syscall

import (
	"math"
	errno "syscall"
	"time"

	"yolk/locks"
	"yolk/proc"
)

// Clocks, sleeps and interval timers.

func init() {
	Register(errno.SYS_CLOCK_GETTIME, "clock_gettime", sysClockGettime)
	Register(errno.SYS_CLOCK_GETRES, "clock_getres", sysClockGetres)
	Register(errno.SYS_CLOCK_SETTIME, "clock_settime", sysClockSettime)
	Register(errno.SYS_CLOCK_NANOSLEEP, "clock_nanosleep", sysClockNanosleep)
	Register(errno.SYS_NANOSLEEP, "nanosleep", sysNanosleep)
	Register(errno.SYS_GETTIMEOFDAY, "gettimeofday", sysGettimeofday)
	Register(errno.SYS_TIME, "time", sysTime)
	Register(errno.SYS_ALARM, "alarm", sysAlarm)
	Register(errno.SYS_SETITIMER, "setitimer", sysSetitimer)
	Register(errno.SYS_GETITIMER, "getitimer", sysGetitimer)
	Register(errno.SYS_TIMES, "times", sysTimes)
}

type timespec struct{ Sec, Nsec int64 }

type timeval struct{ Sec, Usec int64 }

// maxSeconds is what fits a time.Duration.
const maxSeconds = math.MaxInt64/int64(time.Second) - 1

func specOf(d time.Duration) timespec {
	return timespec{int64(d / time.Second), int64(d % time.Second)}
}

// valOf rounds up: a time that is left is never shown as none.
func valOf(d time.Duration) timeval {
	d += time.Microsecond - 1
	return timeval{int64(d / time.Second), int64(d % time.Second / time.Microsecond)}
}

// duration converts; what is longer than 292 years is cut to that. EINVAL.
func (s timespec) duration() (time.Duration, errno.Errno) {
	if s.Sec < 0 || uint64(s.Nsec) >= uint64(time.Second) {
		return 0, errno.EINVAL
	}
	return time.Duration(min(s.Sec, maxSeconds))*time.Second + time.Duration(s.Nsec), 0
}

func (v timeval) duration() (time.Duration, errno.Errno) {
	if uint64(v.Usec) >= 1e6 {
		return 0, errno.EINVAL
	}
	return timespec{v.Sec, v.Usec * 1000}.duration()
}

// getDuration reads a struct timespec. EFAULT, EINVAL.
func getDuration(t *proc.Task, addr uintptr) (time.Duration, errno.Errno) {
	var s timespec
	if e := getStruct(t, &s, addr); e != 0 {
		return 0, e
	}
	return s.duration()
}

// deadline is the point in time that lies d after the start of a clock.
func deadline(d time.Duration, realtime bool) time.Time {
	now := time.Now()
	if !realtime {
		return now.Add(d - proc.Uptime())
	}
	return now.Add(d - time.Duration(now.UnixNano()))
}

// Clocks.
const (
	clockRealtime, clockMonotonic          = 0, 1
	clockProcessCPU, clockThreadCPU        = 2, 3
	clockMonotonicRaw, clockRealtimeCoarse = 4, 5
	clockMonotonicCoarse, clockBoottime    = 6, 7
	clockRealtimeAlarm, clockBoottimeAlarm = 8, 9
	clockTAI                               = 11
	cpuClockThread                         = 4 // bit of a negative clock number
	timerAbstime                           = 1
)

// readClock returns the time of a clock. EINVAL: no such clock.
func readClock(t *proc.Task, clock int) (time.Duration, errno.Errno) {
	switch clock {
	case clockRealtime, clockRealtimeCoarse, clockRealtimeAlarm, clockTAI:
		return time.Duration(time.Now().UnixNano()), 0
	case clockMonotonic, clockMonotonicRaw, clockMonotonicCoarse, clockBoottime, clockBoottimeAlarm:
		return proc.Uptime(), 0
	case clockProcessCPU:
		return total(t.Group.Times()), 0
	case clockThreadCPU:
		return total(t.Times()), 0
	}
	if clock < 0 {
		return cpuClock(t, clock)
	}
	return 0, errno.EINVAL
}

func total(u proc.Times) time.Duration { return time.Duration(u.User + u.System) }

// cpuClock reads the clock that clock_getcpuclockid names: ~pid<<3 and flags.
func cpuClock(t *proc.Task, clock int) (time.Duration, errno.Errno) {
	pid := ^(clock >> 3)
	o := t
	if pid != 0 {
		o = proc.FindTask(pid)
	}
	switch {
	case clock&3 == 3 || o == nil:
		return 0, errno.EINVAL
	case clock&cpuClockThread != 0:
		if o.Group != t.Group {
			return 0, errno.EINVAL
		}
		return total(o.Times()), 0
	}
	return total(o.Group.Times()), 0
}

// sysClockGettime: EINVAL, EFAULT.
func sysClockGettime(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	now, e := readClock(t, int(int32(a[0])))
	if e != 0 {
		return 0, e
	}
	s := specOf(now)
	return 0, putStruct(t, a[1], &s)
}

// sysClockGetres: EINVAL, EFAULT.
func sysClockGetres(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	clock := int(int32(a[0]))
	if _, e := readClock(t, clock); e != 0 {
		return 0, e
	}
	if a[1] == 0 {
		return 0, 0
	}
	s := timespec{Nsec: 1}
	if clock == clockRealtimeCoarse || clock == clockMonotonicCoarse {
		s.Nsec = 4e6
	}
	return 0, putStruct(t, a[1], &s)
}

// sysClockSettime: EINVAL: no such clock, or one that cannot be set; EPERM: the
// wall clock comes from the RTC and stays.
func sysClockSettime(_ *proc.Task, a *Args) (uintptr, errno.Errno) {
	if int32(a[0]) == clockRealtime {
		return 0, errno.EPERM
	}
	return 0, errno.EINVAL
}

// sleepUntil sleeps until end. Interrupted, it writes what is left to rem (if
// that is not 0) and leaves the rest to restart_syscall.
func sleepUntil(t *proc.Task, end time.Time, rem uintptr) errno.Errno {
	d := time.Until(end)
	if d <= 0 || locks.Sleep(d, true) != locks.Interrupted {
		return 0
	}
	if rem != 0 {
		left := specOf(max(0, time.Until(end)))
		if e := putStruct(t, rem, &left); e != 0 {
			return e
		}
	}
	return t.SetRestart(func(t *proc.Task) (uintptr, errno.Errno) { return 0, sleepUntil(t, end, rem) })
}

// sysNanosleep: EFAULT, EINVAL, EINTR.
func sysNanosleep(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	d, e := getDuration(t, a[0])
	if e != 0 {
		return 0, e
	}
	return 0, sleepUntil(t, time.Now().Add(d), a[1])
}

// sysClockNanosleep: EINVAL, EFAULT, EINTR; EOPNOTSUPP: clocks without timers.
func sysClockNanosleep(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	clock := int(int32(a[0]))
	realtime := false
	switch clock {
	case clockRealtime, clockRealtimeAlarm, clockTAI:
		realtime = true
	case clockMonotonic, clockBoottime, clockBoottimeAlarm:
	case clockMonotonicRaw, clockRealtimeCoarse, clockMonotonicCoarse, clockProcessCPU:
		return 0, errno.EOPNOTSUPP
	default:
		return 0, errno.EINVAL
	}
	d, e := getDuration(t, a[2])
	if e != 0 {
		return 0, e
	}
	if a[1]&timerAbstime == 0 {
		return 0, sleepUntil(t, time.Now().Add(d), a[3])
	}
	if d = time.Until(deadline(d, realtime)); d > 0 && locks.Sleep(d, true) == locks.Interrupted {
		return 0, proc.ERESTARTNOHAND
	}
	return 0, 0
}

// sysGettimeofday: EFAULT. The time zone is always UTC.
func sysGettimeofday(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if a[0] != 0 {
		now := time.Now().UnixMicro()
		v := timeval{now / 1e6, now % 1e6}
		if e := putStruct(t, a[0], &v); e != 0 {
			return 0, e
		}
	}
	if a[1] != 0 {
		var zone uint64
		return 0, putStruct(t, a[1], &zone)
	}
	return 0, 0
}

// sysTime: EFAULT.
func sysTime(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	now := time.Now().Unix()
	if a[0] != 0 {
		if e := putStruct(t, a[0], &now); e != 0 {
			return 0, e
		}
	}
	return uintptr(now), 0
}

// sysAlarm never fails.
func sysAlarm(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	left, _, _ := t.Group.SetItimer(proc.ItimerReal, time.Duration(uint32(a[0]))*time.Second, 0)
	// Rounded, but never to nothing while there is something left.
	seconds := (left + time.Second/2) / time.Second
	if left > 0 && seconds == 0 {
		seconds = 1
	}
	return uintptr(seconds), 0
}

type itimerval struct{ Interval, Value timeval }

// sysSetitimer: EINVAL, EFAULT. A null pointer stops the timer, as on Linux.
func sysSetitimer(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	var v itimerval
	if a[1] != 0 {
		if e := getStruct(t, &v, a[1]); e != 0 {
			return 0, e
		}
	}
	value, e := v.Value.duration()
	if e != 0 {
		return 0, e
	}
	interval, e := v.Interval.duration()
	if e != 0 {
		return 0, e
	}
	left, old, e := t.Group.SetItimer(int(int32(a[0])), value, interval)
	if e != 0 || a[2] == 0 {
		return 0, e
	}
	v = itimerval{valOf(old), valOf(left)}
	return 0, putStruct(t, a[2], &v)
}

// sysGetitimer: EINVAL, EFAULT.
func sysGetitimer(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	left, interval, e := t.Group.Itimer(int(int32(a[0])))
	if e != 0 {
		return 0, e
	}
	v := itimerval{valOf(interval), valOf(left)}
	return 0, putStruct(t, a[1], &v)
}

type tms struct{ User, System, ChildUser, ChildSystem int64 }

// clockTick is the unit of times(2).
const clockTick = int64(time.Second) / 100

// sysTimes: EFAULT.
func sysTimes(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if a[0] != 0 {
		own, kids := t.Group.Times(), t.Group.ChildTimes()
		v := tms{own.User / clockTick, own.System / clockTick, kids.User / clockTick, kids.System / clockTick}
		if e := putStruct(t, a[0], &v); e != 0 {
			return 0, e
		}
	}
	return uintptr(int64(proc.Uptime()) / clockTick), 0
}
