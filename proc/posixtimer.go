package proc

import (
	"encoding/binary"
	"math"
	errno "syscall"
	"time"
)

// POSIX timers (timer_create). One that is to repeat is set anew when its signal is
// taken, and then says how many expiries that signal stands for: a program that does
// not keep up, or blocks the signal, has one signal of each timer at most. Source:
// Linux's kernel/time/posix-timers.c.

// TimerClock is the clock of a timer.
type TimerClock uint8

// The clocks.
const (
	TimerMonotonic TimerClock = iota
	TimerWall
	TimerProcessCPU // looked at on each tick
	TimerThreadCPU
)

// TimerEvent is what a timer does when it expires.
type TimerEvent struct {
	Signal int    // 0: nothing
	TID    int    // the thread that gets it; 0: the process
	Value  uint64 // si_value
}

// posixTimer is one timer; guarded by sigLock.
type posixTimer struct {
	id       int
	clock    TimerClock
	of       *Task // TimerThreadCPU's thread
	event    TimerEvent
	at       time.Duration // next expiry by its clock; 0: off
	interval time.Duration
	signal   queued // in a queue from an expiry until it is taken
	again    bool   // once it is taken the timer goes on
	overrun  int32  // expiries beyond the first that the last signal taken stood for
	goTimer  *time.Timer
}

// now reads a timer's clock.
func (g *ThreadGroup) timerNow(p *posixTimer) time.Duration {
	switch p.clock {
	case TimerProcessCPU:
		return g.clock(ItimerProf)
	case TimerThreadCPU:
		u := p.of.Times()
		return time.Duration(u.User + u.System)
	case TimerWall:
		return time.Duration(time.Now().UnixNano())
	}
	return Uptime()
}

// onCPU reports whether p's clock is one of CPU time.
func (p *posixTimer) onCPU() bool { return p.clock >= TimerProcessCPU }

// CreateTimer makes a timer that is off, and returns its number. event nil: SIGALRM
// with the number as value. EINVAL: no such thread; EAGAIN: too many.
func (t *Task) CreateTimer(clock TimerClock, event *TimerEvent) (int, errno.Errno) {
	g := t.Group
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	if uint64(len(g.timers.posix)) >= g.Limits.Cur(RlimitSigpending) {
		return 0, errno.EAGAIN
	}
	p := &posixTimer{clock: clock, of: t}
	for g.timerLocked(p.id) != nil {
		p.id++
	}
	if event == nil {
		event = &TimerEvent{Signal: SIGALRM, Value: uint64(p.id)}
	}
	if p.event = *event; event.TID != 0 && g.threadLocked(event.TID) == nil {
		return 0, errno.EINVAL
	}
	g.timers.posix = append(g.timers.posix, p)
	return p.id, 0
}

func (g *ThreadGroup) timerLocked(id int) *posixTimer {
	for _, p := range g.timers.posix {
		if p.id == id {
			return p
		}
	}
	return nil
}

func (g *ThreadGroup) threadLocked(tid int) *Task {
	for _, t := range g.threads {
		if t.TID == tid && t.state != stateDead {
			return t
		}
	}
	return nil
}

// SetTimer sets a timer to expire at value by its clock, or after value, and then each
// interval; 0 turns it off. It returns what was left and the old interval. EINVAL: no
// such timer.
func (g *ThreadGroup) SetTimer(id int, value, interval time.Duration, absolute bool) (left, old time.Duration, e errno.Errno) {
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	p := g.timerLocked(id)
	if p == nil {
		return 0, 0, errno.EINVAL
	}
	left, old = g.timerLeft(p)
	p.at, p.interval, p.again = 0, interval, false
	if value != 0 {
		if !absolute {
			value += g.timerNow(p)
		}
		p.at = max(value, 1) // one of the past is at once
	}
	g.armTimer(p)
	return left, old, 0
}

// Timer returns what is left and the interval. EINVAL: no such timer.
func (g *ThreadGroup) Timer(id int) (left, interval time.Duration, e errno.Errno) {
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	p := g.timerLocked(id)
	if p == nil {
		return 0, 0, errno.EINVAL
	}
	left, interval = g.timerLeft(p)
	return left, interval, 0
}

// TimerOverrun returns how many expiries went without a signal of their own before the
// last that was taken. EINVAL: no such timer.
func (g *ThreadGroup) TimerOverrun(id int) (int, errno.Errno) {
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	p := g.timerLocked(id)
	if p == nil {
		return 0, errno.EINVAL
	}
	return int(p.overrun), 0
}

// DeleteTimer removes a timer; a signal of it that is on its way stays so. EINVAL: no
// such timer.
func (g *ThreadGroup) DeleteTimer(id int) errno.Errno {
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	for i, p := range g.timers.posix {
		if p.id == id {
			p.off()
			g.timers.posix = append(g.timers.posix[:i], g.timers.posix[i+1:]...)
			return 0
		}
	}
	return errno.EINVAL
}

// off turns a timer off for good.
func (p *posixTimer) off() {
	p.at, p.again = 0, false
	if p.goTimer != nil {
		p.goTimer.Stop()
	}
}

// timerLeft is the time to the next expiry, one that waits for its signal to be taken
// included, and the interval.
func (g *ThreadGroup) timerLeft(p *posixTimer) (left, interval time.Duration) {
	if p.at == 0 {
		return 0, p.interval
	}
	now := g.timerNow(p)
	if at := p.at; at > now {
		return at - now, p.interval
	}
	if p.interval == 0 {
		if p.event.Signal == 0 {
			return 0, 0 // it has expired, unseen
		}
		return 1, 0 // it is about to
	}
	step := p.step()
	return step - (now-p.at)%step, p.interval
}

// step is the interval as it is kept.
func (p *posixTimer) step() time.Duration { return max(p.interval, minInterval) }

// armTimer has somebody look when p expires. One without a signal needs nobody.
func (g *ThreadGroup) armTimer(p *posixTimer) {
	g.sigLock.AssertHeld()
	switch {
	case p.at == 0 || p.event.Signal == 0:
		if p.goTimer != nil {
			p.goTimer.Stop()
		}
	case p.onCPU():
		g.timers.cpuArmed.Store(true)
	case p.goTimer == nil:
		p.goTimer = time.AfterFunc(p.at-g.timerNow(p), func() {
			g.sigLock.Lock()
			defer g.sigLock.Unlock()
			g.timerLook(p)
			if !p.again {
				g.armTimer(p) // it was early, or goes on
			}
		})
	default:
		p.goTimer.Reset(p.at - g.timerNow(p))
	}
}

// timerLook sends p's signal if p has expired and the last one has been taken.
func (g *ThreadGroup) timerLook(p *posixTimer) {
	g.sigLock.AssertHeld()
	if p.at == 0 || p.again || g.timerNow(p) < p.at || g.nlive == 0 {
		return
	}
	if p.signal.in || !g.sendTimer(p) {
		// It waits from a setting before, or is ignored.
		g.timerNext(p)
		return
	}
	if p.interval == 0 {
		p.at = 0
		return
	}
	p.again = true
}

// timerNext moves p on to its first expiry after now, and returns how many it passed.
func (g *ThreadGroup) timerNext(p *posixTimer) (passed int64) {
	if p.interval == 0 {
		p.at = 0
		return 0
	}
	step := p.step()
	passed = int64((g.timerNow(p)-p.at)/step) + 1
	p.at += time.Duration(passed) * step
	return passed
}

// sendTimer queues p's signal; false when nobody would take it.
func (g *ThreadGroup) sendTimer(p *posixTimer) bool {
	sig := p.event.Signal
	var to *Task
	if p.event.TID != 0 {
		if to = g.threadLocked(p.event.TID); to == nil {
			return false
		}
	}
	if g.exiting {
		return false
	}
	g.stopOrContinue(sig)
	if g.ignoredBy(sig, to) {
		return false
	}
	info := SigInfo{Signo: int32(sig), Code: SITimer}
	binary.LittleEndian.PutUint32(info.Data[0:], uint32(p.id))
	binary.LittleEndian.PutUint64(info.Data[8:], p.event.Value)
	p.signal = queued{info: info, timer: p}
	q := &g.shared
	if to != nil {
		q = &to.pending
	}
	g.nsignals.Add(1)
	q.add(sig, &p.signal)
	g.complete(sig, to)
	return true
}

// timerTaken is called when p's signal is taken: it learns what it stands for.
func (g *ThreadGroup) timerTaken(p *posixTimer, info *SigInfo) {
	g.sigLock.AssertHeld()
	if !p.again {
		p.overrun = 0
		return
	}
	p.again = false
	p.overrun = int32(min(g.timerNext(p)-1, math.MaxInt32))
	binary.LittleEndian.PutUint32(info.Data[4:], uint32(p.overrun))
	g.armTimer(p)
}

// timersTick looks at the timers of CPU time, and reports whether there are some on.
func (g *ThreadGroup) timersTick() (armed bool) {
	for _, p := range g.timers.posix {
		if p.onCPU() && p.at != 0 && p.event.Signal != 0 {
			g.timerLook(p)
			armed = armed || p.at != 0 && !p.again
		}
	}
	return armed
}

// dropTimers is exec's part, and the end of the process.
func (g *ThreadGroup) dropTimers() {
	g.sigLock.AssertHeld()
	for _, p := range g.timers.posix {
		p.off()
	}
	g.timers.posix = nil
}
