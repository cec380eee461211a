package fs

import (
	"encoding/binary"
	"math"
	"syscall"

	"yolk/locks"
)

// eventFD is the counter behind eventfd2(2).
type eventFD struct {
	NoFile
	semaphore bool

	lock  locks.SpinLock // guards count
	count uint64

	rq, wq             locks.WaitQueue // sleepers for a count, for room
	readable, writable func() bool     // the conditions of those sleeps
	adding             uint64          // what the writer in wq wants to add; guarded by wmu
	wmu                locks.Mutex     // one sleeping writer at a time
}

// NewEventFD is eventfd2(2) without the descriptor. flags: O_NONBLOCK.
func NewEventFD(count uint64, semaphore bool, flags uint32) (*File, syscall.Errno) {
	v := &eventFD{semaphore: semaphore, count: count}
	v.lock.Init(locks.PipeLock)
	v.wmu.Init(locks.PipeSem)
	v.readable = func() bool { return v.value() > 0 }
	v.writable = func() bool { return v.value() <= math.MaxUint64-1-v.adding }
	return newAnonFile("anon_inode:[eventfd]", syscall.O_RDWR|flags, v)
}

func (v *eventFD) value() uint64 {
	v.lock.Lock()
	defer v.lock.Unlock()
	return v.count
}

// Read takes the count, or 1 of it. EINVAL: fewer than 8 bytes.
func (v *eventFD) Read(f *File, p []byte, off int64) (int, syscall.Errno) {
	if off == NoWait {
		return 0, syscall.EAGAIN // one number for each call
	}
	if len(p) < 8 {
		return 0, syscall.EINVAL
	}
	for {
		v.lock.Lock()
		n := v.count
		if n > 0 && v.semaphore {
			n = 1
		}
		v.count -= n
		v.lock.Unlock()
		switch {
		case n > 0:
			binary.LittleEndian.PutUint64(p, n)
			v.wq.WakeAll()
			return 8, 0
		case f.nonblock():
			return 0, syscall.EAGAIN
		case !v.rq.WaitInterruptible(v.readable):
			return 0, ERESTARTSYS
		}
	}
}

// Write adds to the count. EINVAL: fewer than 8 bytes, or the largest number.
func (v *eventFD) Write(f *File, p []byte, _ int64) (int, int64, syscall.Errno) {
	if len(p) < 8 {
		return 0, 0, syscall.EINVAL
	}
	n := binary.LittleEndian.Uint64(p)
	if n == math.MaxUint64 {
		return 0, 0, syscall.EINVAL
	}
	for !v.add(n) {
		if f.nonblock() {
			return 0, 0, syscall.EAGAIN
		}
		v.wmu.Lock()
		v.adding = n
		ok := v.wq.WaitInterruptible(v.writable)
		v.wmu.Unlock()
		if !ok {
			return 0, 0, ERESTARTSYS
		}
	}
	v.rq.WakeAll()
	return len(p), 0, 0
}

// add adds n if there is room.
func (v *eventFD) add(n uint64) bool {
	v.lock.Lock()
	defer v.lock.Unlock()
	if v.count > math.MaxUint64-1-n {
		return false
	}
	v.count += n
	return true
}

// Poll reports a count, and room for at least 1.
func (v *eventFD) Poll(_ *File, t *PollTable) PollEvents {
	t.Add(&v.rq)
	t.Add(&v.wq)
	ev := PollEvents(0)
	switch n := v.value(); {
	case n == 0:
		ev = PollOut | PollWrNorm
	case n < math.MaxUint64-1:
		ev = PollIn | PollRdNorm | PollOut | PollWrNorm
	default:
		ev = PollIn | PollRdNorm
	}
	return ev
}
