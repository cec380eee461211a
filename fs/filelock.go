package fs

import (
	"math"
	"slices"
	"syscall"

	"yolk/locks"
)

// LockKind is what an advisory lock does.
type LockKind int16

// The kinds, with the values of F_RDLCK and its kin.
const (
	LockShared    LockKind = 0
	LockExclusive LockKind = 1
	LockNone      LockKind = 2
)

// FileLock is one advisory lock on the bytes [Start, End) of a file. The owner is the
// open file (flock), the descriptor table, which stands for the process (fcntl), or an
// openOwner (fcntl's F_OFD commands). Those of flock and of fcntl do not see each other.
type FileLock struct {
	Kind       LockKind
	Start, End int64
	PID        int // who holds it, for F_GETLK; -1: an open file
	owner      any
}

// openOwner is an open file as the owner of locks of fcntl.
type openOwner struct{ f *File }

// LockToEnd as the end of a lock is the end of the file, however long it grows.
const LockToEnd = math.MaxInt64

// fileLocks are the advisory locks of one inode.
type fileLocks struct {
	mu    locks.Mutex // guards held
	held  []FileLock
	freed locks.WaitQueue // sleepers for a lock to go
}

// lockTable returns the inode's advisory locks, made if need be.
func (i *Inode) lockTable() *fileLocks {
	if t := i.locks.Load(); t != nil {
		return t
	}
	t := new(fileLocks)
	t.mu.Init(locks.FlockSem)
	if !i.locks.CompareAndSwap(nil, t) {
		t = i.locks.Load()
	}
	return t
}

// record reports whether the lock is one of fcntl, not of flock.
func (l *FileLock) record() bool {
	_, flock := l.owner.(*File)
	return !flock
}

// conflict finds the first lock of somebody else that is in the way of l. mu held.
func (t *fileLocks) conflict(l *FileLock) (first *FileLock) {
	for k := range t.held {
		h := &t.held[k]
		if h.owner != l.owner && h.record() == l.record() && h.Start < l.End && l.Start < h.End &&
			(h.Kind == LockExclusive || l.Kind == LockExclusive) && (first == nil || h.Start < first.Start) {
			first = h
		}
	}
	return first
}

// set gives l to its owner, in place of what that held of the same bytes; with locks
// beside it of the same kind it becomes one. mu held.
func (t *fileLocks) set(l FileLock) {
	var kept []FileLock
	for _, h := range t.held {
		if h.owner == l.owner && h.Kind == l.Kind && h.Start <= l.End && l.Start <= h.End {
			l.Start, l.End = min(l.Start, h.Start), max(l.End, h.End)
			continue
		}
		if h.owner != l.owner || h.End <= l.Start || l.End <= h.Start {
			kept = append(kept, h)
			continue
		}
		if left := h; left.Start < l.Start {
			left.End = l.Start
			kept = append(kept, left)
		}
		if right := h; right.End > l.End {
			right.Start = l.End
			kept = append(kept, right)
		}
	}
	if l.Kind != LockNone {
		kept = append(kept, l)
	}
	t.held = kept
}

// acquire sets l, waiting for locks in its way if wait is set. EAGAIN, ERESTARTSYS.
func (t *fileLocks) acquire(l FileLock, wait bool) syscall.Errno {
	try := func() bool {
		t.mu.Lock()
		defer t.mu.Unlock()
		if l.Kind != LockNone && t.conflict(&l) != nil {
			return false
		}
		t.set(l)
		return true
	}
	switch {
	case !wait && !try():
		return syscall.EAGAIN
	case wait && !t.freed.WaitInterruptible(try):
		return ERESTARTSYS
	}
	t.freed.WakeAll() // a lock may have shrunk or become a shared one
	return 0
}

// Flock is flock(2). EAGAIN: somebody else has it, and wait is not set; ERESTARTSYS.
func (f *File) Flock(kind LockKind, wait bool) syscall.Errno {
	return f.inode.lockTable().acquire(FileLock{Kind: kind, End: LockToEnd, owner: f}, wait)
}

// RecordLock is F_SETLK, or F_SETLKW with wait, by the process with table t, or if that
// is nil by the open file itself (F_OFD_SETLK, F_OFD_SETLKW). EAGAIN, ERESTARTSYS.
// Deadlocks are not looked for: a signal ends them.
func (f *File) RecordLock(t *FDTable, l FileLock, wait bool) syscall.Errno {
	f.ownLock(t, &l)
	return f.inode.lockTable().acquire(l, wait)
}

func (f *File) ownLock(t *FDTable, l *FileLock) {
	if l.owner = t; t == nil {
		l.owner, l.PID = openOwner{f}, -1
	}
}

// TestLock is F_GETLK, or without t F_OFD_GETLK: the lock in the way of l, or l itself as LockNone.
func (f *File) TestLock(t *FDTable, l FileLock) FileLock {
	f.ownLock(t, &l)
	table := f.inode.lockTable()
	table.mu.Lock()
	defer table.mu.Unlock()
	if h := table.conflict(&l); h != nil {
		return *h
	}
	l.Kind = LockNone
	return l
}

// dropLocks takes all locks of an owner. May sleep.
func (i *Inode) dropLocks(owner any) {
	t := i.locks.Load()
	if t == nil {
		return
	}
	t.mu.Lock()
	t.held = slices.DeleteFunc(t.held, func(h FileLock) bool { return h.owner == owner })
	t.mu.Unlock()
	t.freed.WakeAll()
}
