package fs

import (
	"sync/atomic"
	"syscall"
	"time"

	"yolk/locks"
)

// Inode is one file, directory, link, device or pipe, apart from its names.
//
// It lives as long as Go code can reach it; what it holds outside the Go heap
// (page frames) is given back by InodeOps.Evict, once, when it has neither a
// name nor an opener.
type Inode struct {
	// Immutable.
	sb   *SuperBlock
	ino  uint64
	typ  uint32 // S_IFMT bits
	rdev uint64
	ops  InodeOps

	locks atomic.Pointer[fileLocks] // advisory locks; made with the first of them

	sem  locks.Mutex  // i_sem: contents and size change under it
	size atomic.Int64 // written under sem

	attrLock locks.SpinLock // guards what follows
	attr     Attr
	refs     int32 // open files and other holders
	dead     bool  // evicted
	writers  int32 // opens for writing; below 0: programs running it
}

// Attr are the attributes of an inode that chmod, chown, link and the like change.
type Attr struct {
	Mode                uint32 // permission bits, without S_IFMT
	UID, GID            uint32
	Nlink               uint32
	Atime, Mtime, Ctime Time
}

// Time is a moment as struct timespec counts it.
type Time struct{ Sec, Nsec int64 }

// Now is the wall-clock time.
func Now() Time {
	t := time.Now()
	return Time{t.Unix(), int64(t.Nanosecond())}
}

// InodeOps is what a kind of inode can do. Embed NoInode for the answers of an
// inode that can do nothing. Lookup, Make, Remove and ReadDir are called with the file
// system's tree lock held (for reading in Lookup and ReadDir), all may sleep.
type InodeOps interface {
	// Lookup finds an entry that is not among the cached children of dir. ENOENT.
	Lookup(dir *Dentry, name string) (*Dentry, syscall.Errno)
	// ReadDir lists entries that are not among the cached children: entry k of
	// them on, until emit returns false.
	ReadDir(dir *Dentry, k int, emit func(name string, ino uint64, typ uint32) bool)
	// Make creates the inode of a new entry of dir; mode has its S_IFMT bits.
	Make(dir *Dentry, mode uint32, rdev uint64, target string) (*Inode, syscall.Errno)
	// Remove agrees to an entry's end or renaming. EPERM, EROFS.
	Remove(dir *Dentry, victim *Dentry) syscall.Errno
	// Enter adds an entry for i to dir, on whatever keeps the names but the dentries;
	// Leave takes victim's away. The tree lock is held for writing.
	Enter(dir *Dentry, name string, i *Inode) syscall.Errno
	Leave(dir, victim *Dentry) syscall.Errno
	// Rename does both at once: src becomes name in dir, in place of dst if there
	// is one, or, in an exchange, dst takes src's place. Its InodeOps are dir's.
	Rename(src, dir *Dentry, name string, dst *Dentry, exchange bool) syscall.Errno
	// Empty reports whether a directory has no entries that are no dentries.
	Empty(i *Inode) (bool, syscall.Errno)
	// Dirty says that attributes have changed. No spinlock held; may sleep.
	Dirty(i *Inode)
	// Readlink is the text of a symbolic link.
	Readlink(i *Inode) (string, syscall.Errno)
	// Follow is where a link of /proc leads that no path could describe; ok is
	// false for ordinary links.
	Follow(i *Inode) (to *Dentry, ok bool, e syscall.Errno)
	// Open gives f its operations. It may sleep (a FIFO waits for its other end).
	Open(f *File) syscall.Errno
	// Truncate sets the size of a regular file; the caller holds no lock.
	Truncate(i *Inode, size int64) syscall.Errno
	// Allocate is fallocate(2) with its mode bits.
	Allocate(i *Inode, mode uint32, off, n int64) syscall.Errno
	// Blocks is the memory or disk space in use, in units of 512 bytes.
	Blocks(i *Inode) int64
	// Evict gives back the contents; nothing will ask for them again.
	Evict(i *Inode)
}

// NoInode answers for inodes that lack an operation.
type NoInode struct{}

// Lookup finds nothing.
func (NoInode) Lookup(*Dentry, string) (*Dentry, syscall.Errno) { return nil, syscall.ENOENT }

// ReadDir lists nothing.
func (NoInode) ReadDir(*Dentry, int, func(string, uint64, uint32) bool) {}

// Make refuses.
func (NoInode) Make(*Dentry, uint32, uint64, string) (*Inode, syscall.Errno) {
	return nil, syscall.EPERM
}

// Remove refuses.
func (NoInode) Remove(*Dentry, *Dentry) syscall.Errno { return syscall.EPERM }

// Enter has nothing to do: the dentries are the names.
func (NoInode) Enter(*Dentry, string, *Inode) syscall.Errno { return 0 }

// Leave has nothing to do.
func (NoInode) Leave(*Dentry, *Dentry) syscall.Errno { return 0 }

// Rename has nothing to do.
func (NoInode) Rename(*Dentry, *Dentry, string, *Dentry, bool) syscall.Errno { return 0 }

// Empty is true: there are no entries but the dentries.
func (NoInode) Empty(*Inode) (bool, syscall.Errno) { return true, 0 }

// Dirty has nothing to do: the attributes are in memory only.
func (NoInode) Dirty(*Inode) {}

// Readlink says that this is no link.
func (NoInode) Readlink(*Inode) (string, syscall.Errno) { return "", syscall.EINVAL }

// Follow leaves the link to its text.
func (NoInode) Follow(*Inode) (*Dentry, bool, syscall.Errno) { return nil, false, 0 }

// Open refuses.
func (NoInode) Open(*File) syscall.Errno { return syscall.ENXIO }

// Truncate refuses.
func (NoInode) Truncate(*Inode, int64) syscall.Errno { return syscall.EINVAL }

// Allocate refuses.
func (NoInode) Allocate(*Inode, uint32, int64, int64) syscall.Errno { return syscall.ENODEV }

// Blocks counts nothing.
func (NoInode) Blocks(*Inode) int64 { return 0 }

// Evict has nothing to give back.
func (NoInode) Evict(*Inode) {}

// NewInode makes an inode with one link, owned by root and dated now.
func (sb *SuperBlock) NewInode(mode uint32, ops InodeOps) *Inode {
	now := Now()
	i := &Inode{sb: sb, ino: sb.nextIno.Add(1), typ: mode & syscall.S_IFMT, ops: ops}
	i.attr = Attr{Mode: mode &^ syscall.S_IFMT, Nlink: 1, Atime: now, Mtime: now, Ctime: now}
	i.sem.Init(locks.ISem)
	i.attrLock.Init(locks.InodeLock)
	return i
}

// Attr returns the attributes. Takes attrLock.
func (i *Inode) Attr() Attr {
	i.attrLock.Lock()
	a := i.attr
	i.attrLock.Unlock()
	return a
}

// Size is the length of a regular file, in bytes.
func (i *Inode) Size() int64 { return i.size.Load() }

// Ino is the inode number.
func (i *Inode) Ino() uint64 { return i.ino }

// Dev is the device number of the file system.
func (i *Inode) Dev() uint64 { return i.sb.dev }

// Type is the S_IFMT part of the mode.
func (i *Inode) Type() uint32 { return i.typ }

// IsDir reports whether i is a directory.
func (i *Inode) IsDir() bool { return i.typ == syscall.S_IFDIR }

// get takes a reference that keeps the contents. ENOENT: they are gone already.
func (i *Inode) get() syscall.Errno {
	i.attrLock.Lock()
	defer i.attrLock.Unlock()
	if i.dead {
		return syscall.ENOENT
	}
	i.refs++
	return 0
}

// put drops a reference; the last one of a nameless inode evicts it. May sleep.
func (i *Inode) put() {
	i.attrLock.Lock()
	i.refs--
	evict := i.lastLocked()
	i.attrLock.Unlock()
	if evict {
		i.ops.Evict(i)
	}
}

// lastLocked marks i dead if nobody can reach its contents any more.
func (i *Inode) lastLocked() bool {
	if i.refs == 0 && i.attr.Nlink == 0 && !i.dead {
		i.dead = true
		return true
	}
	return false
}

// addLinks changes the link count by d and dates the change; at no link and no
// opener the inode is evicted. May sleep.
func (i *Inode) addLinks(d int) {
	now := Now()
	i.attrLock.Lock()
	i.attr.Nlink = uint32(int(i.attr.Nlink) + d)
	i.attr.Ctime = now
	evict := i.lastLocked()
	i.attrLock.Unlock()
	if evict {
		i.ops.Evict(i)
	} else {
		i.ops.Dirty(i)
	}
}

// modified dates a change of contents.
func (i *Inode) modified() {
	now := Now()
	i.attrLock.Lock()
	i.attr.Mtime, i.attr.Ctime = now, now
	i.attrLock.Unlock()
	i.ops.Dirty(i)
}
