package proc

import (
	"sync/atomic"
	errno "syscall"
	"time"
	"unsafe"

	"yolk/arch"
	"yolk/locks"
	"yolk/mm"
)

// Futexes: tasks sleep on a word of user memory until another says that it
// changed. Waiters stand in hash buckets, in order of arrival; a bucket's lock
// makes "the word still has this value" and "I am in the queue" one step.

// futexAnyBit is the bitset of plain waits and wakes.
const futexAnyBit = ^uint32(0)

// futexKey names a word: private memory by address space and address, shared
// memory by the object mapped and the offset in it.
type futexKey struct {
	obj any
	off uint64
}

// futexWaiter is a task's place in a bucket. It is part of the task, so waiting
// allocates nothing.
type futexWaiter struct {
	woken atomic.Bool
	isSet func() bool // woken.Load; made once
	q     locks.WaitQueue

	// bucket is where the waiter stands, nil when in none. Changed under the lock
	// of the old and the new bucket.
	bucket atomic.Pointer[futexBucket]

	// Guarded by bucket.lock.
	key        futexKey
	bitset     uint32
	next, prev *futexWaiter
}

func (t *Task) initFutex() { t.futex.isSet = t.futex.woken.Load }

// futexBucket is one list of waiters.
type futexBucket struct {
	lock        locks.SpinLock
	first, last *futexWaiter // guarded by lock
}

var futexTable [256]futexBucket

func init() {
	for i := range futexTable {
		futexTable[i].lock.Init(locks.FutexLock)
	}
}

func (k *futexKey) bucket() *futexBucket {
	h := k.off >> 2
	h = (h ^ h>>16) * 0x9e3779b97f4a7c15
	return &futexTable[h>>32%uint64(len(futexTable))]
}

func (b *futexBucket) add(w *futexWaiter) {
	b.lock.AssertHeld()
	w.bucket.Store(b)
	w.next, w.prev = nil, b.last
	if b.last == nil {
		b.first = w
	} else {
		b.last.next = w
	}
	b.last = w
}

func (b *futexBucket) remove(w *futexWaiter) {
	b.lock.AssertHeld()
	if w.prev == nil {
		b.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		b.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.next, w.prev = nil, nil
	w.bucket.Store(nil)
}

// futexKeyOf returns the key of the word at addr. EINVAL: not aligned; EFAULT:
// not mapped. private says that no other address space waits on it, which saves
// the look at the mapping.
func (t *Task) futexKeyOf(addr uintptr, private bool) (futexKey, errno.Errno) {
	if addr&3 != 0 {
		return futexKey{}, errno.EINVAL
	}
	if addr >= arch.TaskSize {
		return futexKey{}, errno.EFAULT
	}
	key := futexKey{t.MM, uint64(addr)}
	if private {
		return key, 0
	}
	t.MM.MmapSem.Lock()
	defer t.MM.MmapSem.Unlock()
	v := mm.FindVMA(t.MM, addr)
	switch {
	case v == nil || addr < v.VMStart:
		return key, errno.EFAULT
	case v.VMFlags&mm.VMShared == 0:
		return key, 0
	case v.VMFile != nil:
		key.obj = v.VMFile
		if m := v.VMFile.IMmap(); m != nil {
			key.obj = m
		}
	default:
		key.obj = v.PrivateData
	}
	key.off = v.VMPgoff<<arch.PageShift + uint64(addr-v.VMStart)
	return key, 0
}

// loadUnder reads the word at addr with b locked. When it faults, b is unlocked,
// the fault resolved and again true: start over. EFAULT.
func (t *Task) loadUnder(b *futexBucket, addr uintptr) (v uint32, again bool, e errno.Errno) {
	v, ok := arch.LoadUser32(&t.MM.Ctx, addr)
	if ok {
		return v, false, 0
	}
	b.lock.Unlock()
	_, e = mm.LoadUser32(t.MM, addr)
	return 0, true, e
}

// FutexWait sleeps until a wake-up on the word at addr that meets bitset, if the
// word is val now. A negative d waits for ever. EAGAIN: the word is not val;
// ETIMEDOUT; EINTR is for the caller to make of Interrupted: it gets ERESTARTSYS.
// EINVAL, EFAULT. No locks at entry; sleeps.
func (t *Task) FutexWait(addr uintptr, val, bitset uint32, d time.Duration, private bool) errno.Errno {
	key, e := t.futexKeyOf(addr, private)
	if e != 0 {
		return e
	}
	w := &t.futex
	w.woken.Store(false)
	b := key.bucket()
	for {
		b.lock.Lock()
		v, again, e := t.loadUnder(b, addr)
		if e != 0 {
			return e
		}
		if again {
			continue
		}
		if v != val {
			b.lock.Unlock()
			return errno.EAGAIN
		}
		w.key, w.bitset = key, bitset
		b.add(w)
		b.lock.Unlock()
		break
	}
	result := w.q.WaitTimeout(w.isSet, d, true)
	w.leave()
	switch {
	case w.woken.Load() || result == locks.Woken:
		return 0
	case result == locks.TimedOut:
		return errno.ETIMEDOUT
	}
	return ERESTARTSYS
}

// leave takes w out of whatever bucket it stands in by now.
func (w *futexWaiter) leave() {
	for {
		b := w.bucket.Load()
		if b == nil {
			break
		}
		b.lock.Lock()
		if w.bucket.Load() == b {
			b.remove(w)
		}
		b.lock.Unlock()
	}
	w.key.obj = nil
}

// FutexWake wakes up to n waiters on the word at addr whose bitset meets bitset,
// and returns how many. EINVAL, EFAULT. No locks at entry.
func (t *Task) FutexWake(addr uintptr, n int, bitset uint32, private bool) (int, errno.Errno) {
	key, e := t.futexKeyOf(addr, private)
	if e != 0 {
		return 0, e
	}
	b := key.bucket()
	b.lock.Lock()
	defer b.lock.Unlock()
	return b.wake(&key, n, bitset), 0
}

func (b *futexBucket) wake(key *futexKey, n int, bitset uint32) int {
	b.lock.AssertHeld()
	woken := 0
	for w := b.first; w != nil && woken < n; {
		next := w.next
		if w.key == *key && w.bitset&bitset != 0 {
			b.remove(w)
			w.woken.Store(true)
			w.q.WakeAllSync()
			woken++
		}
		w = next
	}
	return woken
}

// lockPair locks two buckets, which may be one, in the order of their addresses.
func lockPair(a, b *futexBucket) {
	switch {
	case a == b:
		a.lock.Lock()
	case a.index() < b.index():
		a.lock.Lock()
		b.lock.Lock()
	default:
		b.lock.Lock()
		a.lock.Lock()
	}
}

func unlockPair(a, b *futexBucket) {
	a.lock.Unlock()
	if a != b {
		b.lock.Unlock()
	}
}

func (b *futexBucket) index() uintptr { return uintptr(unsafe.Pointer(b)) }

// FutexRequeue wakes up to wake waiters on from, and moves up to move others to
// the queue of to, without waking them. With compare, only if the word at from
// is *compare (EAGAIN). It returns how many were woken and moved. EINVAL, EFAULT.
func (t *Task) FutexRequeue(from, to uintptr, wake, move int, compare *uint32, private bool) (woken, moved int, e errno.Errno) {
	k1, e := t.futexKeyOf(from, private)
	if e != 0 {
		return 0, 0, e
	}
	k2, e := t.futexKeyOf(to, private)
	if e != 0 {
		return 0, 0, e
	}
	b1, b2 := k1.bucket(), k2.bucket()
	for {
		lockPair(b1, b2)
		if compare == nil {
			break
		}
		v, ok := arch.LoadUser32(&t.MM.Ctx, from)
		if ok && v == *compare {
			break
		}
		unlockPair(b1, b2)
		if ok {
			return 0, 0, errno.EAGAIN
		}
		if _, e := mm.LoadUser32(t.MM, from); e != 0 {
			return 0, 0, e
		}
	}
	woken = b1.wake(&k1, wake, futexAnyBit)
	moved = b1.move(&k1, b2, &k2, move)
	unlockPair(b1, b2)
	return woken, moved, 0
}

// move puts up to n waiters of b with key from at the end of bucket to.
func (b *futexBucket) move(from *futexKey, to *futexBucket, key *futexKey, n int) int {
	moved := 0
	last := b.last
	for w := b.first; w != nil && moved < n; {
		next := w.next
		end := w == last
		if w.key == *from {
			moved++
			if *from != *key {
				b.remove(w)
				w.key = *key
				to.add(w)
			}
		}
		if end {
			break // what follows was moved here just now
		}
		w = next
	}
	return moved
}

// FutexWakeOp changes the word at second as op says, wakes up to wake waiters on
// first, and if the old value meets op's comparison up to wake2 on second. It
// returns how many were woken. EINVAL, EFAULT, ENOSYS: unknown operation.
func (t *Task) FutexWakeOp(first, second uintptr, wake, wake2 int, op uint32, private bool) (int, errno.Errno) {
	k1, e := t.futexKeyOf(first, private)
	if e != 0 {
		return 0, e
	}
	k2, e := t.futexKeyOf(second, private)
	if e != 0 {
		return 0, e
	}
	if e := checkWakeOp(op); e != 0 {
		return 0, e
	}
	b1, b2 := k1.bucket(), k2.bucket()
	for {
		lockPair(b1, b2)
		old, ok := t.applyWakeOp(second, op)
		if ok {
			n := b1.wake(&k1, wake, futexAnyBit)
			if wakeOpMeets(old, op) {
				n += b2.wake(&k2, wake2, futexAnyBit)
			}
			unlockPair(b1, b2)
			return n, 0
		}
		unlockPair(b1, b2)
		// The word must be writable: a swap of equal values makes it so.
		v, e := mm.LoadUser32(t.MM, second)
		if e == 0 {
			_, e = mm.CompareAndSwapUser32(t.MM, second, v, v)
		}
		if e != 0 {
			return 0, e
		}
	}
}
