package fs

import (
	"encoding/binary"
	"math"
	"syscall"
	"time"

	"yolk/locks"
)

// timerFD is the timer behind timerfd_create(2). Moments are those of the Go
// clock; the caller converts from the timer's own.
type timerFD struct {
	NoFile
	realtime bool // immutable

	lock     locks.SpinLock // guards what follows
	next     time.Time      // when it expires next; zero: disarmed
	interval time.Duration  // 0: once

	timer *time.Timer // wakes rq

	rq      locks.WaitQueue
	expired func() bool // the condition of that sleep
}

// NewTimerFD is timerfd_create(2) without the descriptor. flags: O_NONBLOCK.
func NewTimerFD(realtime bool, flags uint32) (*File, syscall.Errno) {
	v := &timerFD{realtime: realtime}
	v.lock.Init(locks.PipeLock)
	v.expired = func() bool {
		v.lock.Lock()
		defer v.lock.Unlock()
		return v.count(time.Now()) > 0
	}
	v.timer = time.AfterFunc(math.MaxInt64, v.rq.WakeAll)
	return newAnonFile("anon_inode:[timerfd]", syscall.O_RDWR|flags, v)
}

// count is the number of expirations up to now that were not read. lock held.
func (v *timerFD) count(now time.Time) uint64 {
	if v.next.IsZero() || now.Before(v.next) {
		return 0
	}
	if v.interval == 0 {
		return 1
	}
	return 1 + uint64(now.Sub(v.next)/v.interval)
}

// TimerRealtime reports whether f is a timer of the wall clock. EINVAL: no timer.
func (f *File) TimerRealtime() (bool, syscall.Errno) {
	v, ok := f.ops.(*timerFD)
	if !ok {
		return false, syscall.EINVAL
	}
	return v.realtime, 0
}

// SetTimer sets a timer to expire at next (zero: never) and each interval from
// then on, and returns what was left of the old setting. EINVAL: no timer.
func (f *File) SetTimer(next time.Time, interval time.Duration) (left, every time.Duration, e syscall.Errno) {
	v, ok := f.ops.(*timerFD)
	if !ok {
		return 0, 0, syscall.EINVAL
	}
	v.lock.Lock()
	left, every = v.left()
	v.next, v.interval = next, interval
	v.lock.Unlock()
	v.rearm()
	return left, every, 0
}

// rearm starts the Go timer for the next expiration, outside lock: it has locks of its own.
func (v *timerFD) rearm() {
	v.lock.Lock()
	next := v.next
	v.lock.Unlock()
	if next.IsZero() {
		v.timer.Stop()
		return
	}
	v.timer.Reset(max(time.Until(next), 0))
}

// TimerLeft is timerfd_gettime(2). EINVAL: no timer.
func (f *File) TimerLeft() (left, every time.Duration, e syscall.Errno) {
	v, ok := f.ops.(*timerFD)
	if !ok {
		return 0, 0, syscall.EINVAL
	}
	v.lock.Lock()
	defer v.lock.Unlock()
	left, every = v.left()
	return left, every, 0
}

// left is the time to the next expiration, and the interval. lock held.
func (v *timerFD) left() (left, every time.Duration) {
	if v.next.IsZero() {
		return 0, v.interval
	}
	now := time.Now()
	next := v.next
	if n := v.count(now); n > 0 {
		if v.interval == 0 {
			return 0, 0
		}
		next = next.Add(time.Duration(n) * v.interval)
	}
	return next.Sub(now), v.interval
}

// Read waits for an expiration and gives their number. EINVAL: fewer than 8 bytes.
func (v *timerFD) Read(f *File, p []byte, off int64) (int, syscall.Errno) {
	if off == NoWait {
		return 0, syscall.EAGAIN // one number for each call
	}
	if len(p) < 8 {
		return 0, syscall.EINVAL
	}
	for {
		v.lock.Lock()
		n := v.count(time.Now())
		switch {
		case n > 0 && v.interval == 0:
			v.next = time.Time{}
		case n > 0:
			v.next = v.next.Add(time.Duration(n) * v.interval)
		}
		v.lock.Unlock()
		switch {
		case n > 0:
			v.rearm()
			binary.LittleEndian.PutUint64(p, n)
			return 8, 0
		case f.nonblock():
			return 0, syscall.EAGAIN
		case !v.rq.WaitInterruptible(v.expired):
			return 0, ERESTARTSYS
		}
	}
}

// Poll reports an expiration.
func (v *timerFD) Poll(_ *File, t *PollTable) PollEvents {
	t.Add(&v.rq)
	if v.expired() {
		return PollIn | PollRdNorm
	}
	return 0
}

// Release stops the timer.
func (v *timerFD) Release(*File) { v.timer.Stop() }
