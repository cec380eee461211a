package proc

import (
	"sync/atomic"
	errno "syscall"
	"time"

	"yolk/mm"
)

// Interval timers (setitimer, alarm) and the CPU time limit. ITIMER_REAL is a Go
// timer; the two CPU-time timers are looked at on each tick.

// The timers of setitimer.
const (
	ItimerReal = iota
	ItimerVirtual
	ItimerProf
	numItimers
)

// minInterval keeps a program from keeping the kernel busy with one timer.
const minInterval = 100 * time.Microsecond

// itimer is one timer: the next expiry by its own clock, 0 when it is off, and
// the interval to the one after, 0 for once.
type itimer struct {
	at       time.Duration
	interval time.Duration
}

// itimers are the timers of a process; guarded by sigLock, but for cpuArmed.
type itimers struct {
	all      [numItimers]itimer
	goTimer  *time.Timer
	cpuArmed atomic.Bool // a tick has something to look at
	posix    []*posixTimer
}

// clock returns the time by the clock of timer which.
func (g *ThreadGroup) clock(which int) time.Duration {
	if which == ItimerReal {
		return Uptime()
	}
	used := g.timesLocked()
	if which == ItimerVirtual {
		return time.Duration(used.User)
	}
	return time.Duration(used.User + used.System)
}

// Itimer returns the time left until timer which expires, 0 when it is off, and
// its interval. EINVAL: no such timer.
func (g *ThreadGroup) Itimer(which int) (left, interval time.Duration, e errno.Errno) {
	if which < 0 || which >= numItimers {
		return 0, 0, errno.EINVAL
	}
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	left, interval = g.itimerLocked(which)
	return left, interval, 0
}

func (g *ThreadGroup) itimerLocked(which int) (left, interval time.Duration) {
	t := &g.timers.all[which]
	if t.at == 0 {
		return 0, t.interval
	}
	return max(t.at-g.clock(which), time.Microsecond), t.interval
}

// SetItimer starts timer which, or with value 0 stops it, and returns what it
// was. EINVAL: no such timer.
func (g *ThreadGroup) SetItimer(which int, value, interval time.Duration) (left, old time.Duration, e errno.Errno) {
	if which < 0 || which >= numItimers {
		return 0, 0, errno.EINVAL
	}
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	left, old = g.itimerLocked(which)
	t := &g.timers.all[which]
	*t = itimer{interval: interval}
	if value > 0 {
		t.at = g.clock(which) + value
	}
	if which == ItimerReal {
		g.armReal()
	} else if value > 0 {
		g.timers.cpuArmed.Store(true)
	}
	return left, old, 0
}

// armReal makes the Go timer expire when ITIMER_REAL does.
func (g *ThreadGroup) armReal() {
	g.sigLock.AssertHeld()
	t := &g.timers.all[ItimerReal]
	switch {
	case t.at == 0:
		if g.timers.goTimer != nil {
			g.timers.goTimer.Stop()
		}
	case g.timers.goTimer == nil:
		g.timers.goTimer = time.AfterFunc(t.at-Uptime(), g.realExpired)
	default:
		g.timers.goTimer.Reset(t.at - Uptime())
	}
}

// realExpired runs in a goroutine of the Go timer. The timer may have been set
// anew meanwhile: then it is early, and comes again.
func (g *ThreadGroup) realExpired() {
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	t := &g.timers.all[ItimerReal]
	if t.at == 0 {
		return
	}
	if Uptime() >= t.at {
		g.expire(ItimerReal, SIGALRM)
	}
	g.armReal()
}

// expire sends the signal of an expired timer and sets the next expiry.
func (g *ThreadGroup) expire(which, sig int) {
	t := &g.timers.all[which]
	info := KernelInfo(sig)
	g.sendLocked(&info, nil)
	if t.interval == 0 {
		t.at = 0
		return
	}
	now, step := g.clock(which), max(t.interval, minInterval)
	t.at += step
	if t.at <= now {
		t.at += (now - t.at + step) / step * step // expiries missed are one
	}
}

// stopAll ends all timers; the process is gone.
func (s *itimers) stopAll() {
	s.all = [numItimers]itimer{}
	s.cpuArmed.Store(false)
	if s.goTimer != nil {
		s.goTimer.Stop()
	}
}

// tick is the timer interrupt's part in the life of a task: CPU-time timers and
// limit, then the scheduler, which may give the CPU to another.
func (t *Task) tick() {
	g := t.Group
	limit := g.Limits.Cur(RlimitCPU)
	if limit != mm.Infinity || g.timers.cpuArmed.Load() {
		g.cpuTick(limit)
	}
	t.Sched.Tick()
}

// cpuTick looks whether the process has used up the CPU time of a timer or limit.
func (g *ThreadGroup) cpuTick(limit uint64) {
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	armed := false
	for which, sig := range [numItimers]int{ItimerVirtual: SIGVTALRM, ItimerProf: SIGPROF} {
		if t := &g.timers.all[which]; sig != 0 && t.at != 0 {
			if g.clock(which) >= t.at {
				g.expire(which, sig)
			}
			armed = armed || t.at != 0
		}
	}
	g.timers.cpuArmed.Store(g.timersTick() || armed)
	if limit == mm.Infinity {
		return
	}
	seconds := int64(g.clock(ItimerProf) / time.Second)
	if hard := g.Limits.Get(RlimitCPU).Max; uint64(seconds) >= hard {
		g.beginExit(SIGKILL)
	} else if uint64(seconds) >= limit && seconds > g.cpuLimit {
		g.cpuLimit = seconds
		info := KernelInfo(SIGXCPU)
		g.sendLocked(&info, nil)
	}
}
