package fs

import (
	"sync/atomic"
	"syscall"

	"yolk/locks"
	"yolk/mm"
)

// FDTable maps descriptors to open files (files_struct). Each slot in use holds
// one reference to its file.
type FDTable struct {
	refs atomic.Int32 // tasks that share the table

	lock locks.SpinLock // guards what follows
	fds  []fdSlot
	next int // no free slot lies below
}

type fdSlot struct {
	file    *File
	cloexec bool
}

// firstFDs is the size of a new table.
const firstFDs = 16

// MaxFDs bounds every table, whatever RLIMIT_NOFILE says (Linux's NR_OPEN).
const MaxFDs = 1 << 20

// NewFDTable returns an empty table with one reference.
func NewFDTable() *FDTable { return newFDTable(firstFDs) }

// newFDTable returns nil if there is not that much memory.
func newFDTable(size int) *FDTable {
	fds := mm.MakeSlice[fdSlot](size)
	if fds == nil {
		return nil
	}
	t := &FDTable{fds: fds}
	t.refs.Store(1)
	t.lock.Init(locks.FilesLock)
	return t
}

// Get takes another reference, for a task that shares the table (CLONE_FILES).
func (t *FDTable) Get() *FDTable {
	t.refs.Add(1)
	return t
}

// Put drops a reference; the last one closes all files. May sleep.
func (t *FDTable) Put() {
	if t.refs.Add(-1) != 0 {
		return
	}
	for fd := range t.fds {
		if f := t.take(fd, false); f != nil {
			t.closed(f)
		}
	}
}

// closed drops the reference of a slot that was emptied, and with it all record
// locks of the process on that file, as POSIX has it. May sleep.
func (t *FDTable) closed(f *File) {
	f.inode.dropLocks(t)
	f.Put()
}

// Shared reports whether another task uses the table too (exec unshares it).
func (t *FDTable) Shared() bool { return t.refs.Load() > 1 }

// Copy returns a table with the same files, for fork; nil: no memory. May sleep.
func (t *FDTable) Copy() *FDTable {
	for {
		t.lock.Lock()
		size := len(t.fds)
		t.lock.Unlock()
		c := newFDTable(size)
		if c == nil {
			return nil
		}
		t.lock.Lock()
		if len(t.fds) <= size {
			for fd, s := range t.fds {
				if s.file != nil {
					s.file.Get()
				}
				c.fds[fd] = s
			}
			c.next = t.next
			t.lock.Unlock()
			return c
		}
		t.lock.Unlock()
	}
}

// Lookup returns the open file behind fd with a reference for the caller, or nil (EBADF).
func (t *FDTable) Lookup(fd int) *File {
	t.lock.Lock()
	defer t.lock.Unlock()
	if fd < 0 || fd >= len(t.fds) || t.fds[fd].file == nil {
		return nil
	}
	return t.fds[fd].file.Get()
}

// Install gives f the lowest free descriptor from min on, and takes over the
// caller's reference unless it fails. EMFILE: none is free below limit
// (RLIMIT_NOFILE); ENOMEM. EINVAL: min is not below limit (F_DUPFD).
func (t *FDTable) Install(f *File, min, limit int, cloexec bool) (int, syscall.Errno) {
	if limit > MaxFDs {
		limit = MaxFDs
	}
	if min < 0 || min >= limit {
		if min > 0 || min < 0 {
			return -1, syscall.EINVAL
		}
		return -1, syscall.EMFILE
	}
	for {
		t.lock.Lock()
		fd := t.lowestFree(min)
		if fd >= limit {
			t.lock.Unlock()
			return -1, syscall.EMFILE
		}
		if fd < len(t.fds) {
			t.fds[fd] = fdSlot{f, cloexec}
			if fd == t.next {
				t.next++
			}
			t.lock.Unlock()
			return fd, 0
		}
		t.lock.Unlock()
		if !t.grow(fd + 1) {
			return -1, syscall.ENOMEM
		}
	}
}

// lowestFree finds a free descriptor not below min; it may lie beyond the table. Lock held.
func (t *FDTable) lowestFree(min int) int {
	fd := max(min, t.next)
	for fd < len(t.fds) && t.fds[fd].file != nil {
		fd++
	}
	if min <= t.next {
		t.next = fd
	}
	return fd
}

// HasRoom reports whether there is a free descriptor below limit.
func (t *FDTable) HasRoom(limit int) bool {
	t.lock.Lock()
	defer t.lock.Unlock()
	return t.lowestFree(0) < limit
}

// grow makes room for n descriptors, and says if there was memory for it. No
// lock held; may sleep.
func (t *FDTable) grow(n int) bool {
	size := firstFDs
	for size < n {
		size *= 2
	}
	bigger := mm.MakeSlice[fdSlot](size)
	if bigger == nil {
		return false
	}
	t.lock.Lock()
	if len(t.fds) < size {
		copy(bigger, t.fds)
		t.fds = bigger
	}
	t.lock.Unlock()
	return true
}

// InstallAt puts f at fd, closing what is there (dup2, dup3), and takes over the
// caller's reference unless it fails. EBADF: fd is not below limit; ENOMEM. May sleep.
func (t *FDTable) InstallAt(f *File, fd, limit int, cloexec bool) syscall.Errno {
	if fd < 0 || fd >= min(limit, MaxFDs) {
		return syscall.EBADF
	}
	for {
		t.lock.Lock()
		if fd < len(t.fds) {
			old := t.fds[fd].file
			t.fds[fd] = fdSlot{f, cloexec}
			t.lock.Unlock()
			if old != nil {
				t.closed(old)
			}
			return 0
		}
		t.lock.Unlock()
		if !t.grow(fd + 1) {
			return syscall.ENOMEM
		}
	}
}

// take empties slot fd and returns its file, or nil; with only, just if it is close-on-exec.
func (t *FDTable) take(fd int, only bool) *File {
	t.lock.Lock()
	defer t.lock.Unlock()
	if fd < 0 || fd >= len(t.fds) || only && !t.fds[fd].cloexec {
		return nil
	}
	f := t.fds[fd].file
	t.fds[fd] = fdSlot{}
	if f != nil && fd < t.next {
		t.next = fd
	}
	return f
}

// Close frees fd. EBADF. May sleep.
func (t *FDTable) Close(fd int) syscall.Errno {
	f := t.take(fd, false)
	if f == nil {
		return syscall.EBADF
	}
	t.closed(f)
	return 0
}

// CloseOnExec closes what exec must not inherit. May sleep.
func (t *FDTable) CloseOnExec() {
	for fd := 0; fd < t.Size(); fd++ {
		if f := t.take(fd, true); f != nil {
			t.closed(f)
		}
	}
}

// CloseRange is close_range(2) for [first, last]; with cloexec it only marks. May sleep.
func (t *FDTable) CloseRange(first, last int, cloexec bool) {
	for fd := first; fd < t.Size() && fd <= last; fd++ {
		if cloexec {
			t.SetCloexec(fd, true)
		} else if f := t.take(fd, false); f != nil {
			t.closed(f)
		}
	}
}

// Size returns the number of slots: no descriptor lies beyond.
func (t *FDTable) Size() int {
	t.lock.Lock()
	defer t.lock.Unlock()
	return len(t.fds)
}

// Cloexec reads the close-on-exec bit. EBADF.
func (t *FDTable) Cloexec(fd int) (bool, syscall.Errno) {
	t.lock.Lock()
	defer t.lock.Unlock()
	if fd < 0 || fd >= len(t.fds) || t.fds[fd].file == nil {
		return false, syscall.EBADF
	}
	return t.fds[fd].cloexec, 0
}

// SetCloexec changes the close-on-exec bit. EBADF.
func (t *FDTable) SetCloexec(fd int, on bool) syscall.Errno {
	t.lock.Lock()
	defer t.lock.Unlock()
	if fd < 0 || fd >= len(t.fds) || t.fds[fd].file == nil {
		return syscall.EBADF
	}
	t.fds[fd].cloexec = on
	return 0
}

// Next returns the first descriptor in use from fd on, or -1: for /proc/PID/fd.
func (t *FDTable) Next(fd int) int {
	t.lock.Lock()
	defer t.lock.Unlock()
	for fd = max(fd, 0); fd < len(t.fds); fd++ {
		if t.fds[fd].file != nil {
			return fd
		}
	}
	return -1
}
