package fs

import (
	"sync/atomic"
	"syscall"

	"yolk/locks"
	"yolk/mm"
)

// Results of an interrupted sleep that never reach a program: package proc turns
// them into EINTR or starts the call again, as Linux does with the same numbers.
const (
	ERESTARTSYS    = syscall.Errno(512) // restart if the handler has SA_RESTART
	ERESTARTNOHAND = syscall.Errno(514) // restart only if no handler ran
)

// File is an open file description: what descriptors made by dup and fork share.
type File struct {
	// Immutable once open.
	dentry *Dentry
	inode  *Inode
	ops    FileOps
	kind   fileKind

	refs  atomic.Int32
	flags atomic.Uint32 // O_ access mode and status flags; F_SETFL changes some

	// posLock guards pos and holds off other transfers that move it. Taken only
	// for files that have an offset.
	posLock locks.Mutex
	pos     int64

	owner atomic.Int32 // F_SETOWN

	heard, heardFS mm.ErrMark // of errors of a file on a disk, and of the file system's own

	// watch are the epoll items that name this file; the last Put removes them.
	// Guarded by watchLock.
	watchLock locks.SpinLock
	watch     *epollItem
}

// fileKind says how the common code treats a file.
type fileKind uint8

const (
	kindStream fileKind = iota // no offset: pipes, terminals
	kindSeek                   // offset and pread: regular files, directories, /proc
	kindAny                    // pread and lseek are allowed and mean nothing: /dev/zero
)

// FileOps is what an open file can do. p is always kernel memory. The calls hold
// no lock but, for files with an offset that move it, posLock; all may sleep.
type FileOps interface {
	// Read fills p from offset off. 0 is the end of file. Streams have no offset, but
	// off may be NoWait.
	// EAGAIN with O_NONBLOCK, ERESTARTSYS when a signal ended the wait.
	Read(f *File, p []byte, off int64) (int, syscall.Errno)
	// Write takes p; AppendOffset for off is the end of the file, whatever it is by then.
	// next is the offset behind what was written.
	Write(f *File, p []byte, off int64) (n int, next int64, e syscall.Errno)
	// ReadDir lists entries from cookie pos on until emit refuses one.
	ReadDir(f *File, pos int64, emit DirEmit) (next int64, e syscall.Errno)
	// End is the length that SEEK_END counts from.
	End(f *File) (int64, syscall.Errno)
	// Poll says what is ready now, after entering t (unless nil) in the queues that
	// tell of more.
	Poll(f *File, t *PollTable) PollEvents
	// Ioctl handles requests that are the object's own; arg is opaque here.
	// ENOTTY: none of mine.
	Ioctl(f *File, req uint32, u UserMem, arg uintptr) (uintptr, syscall.Errno)
	// Map is f_op->mmap. ENODEV.
	Map(f *File, v *mm.VMA) syscall.Errno
	// Sync writes dirty data out.
	Sync(f *File) syscall.Errno
	// Release comes once, with the last reference.
	Release(f *File)
}

// DirEmit takes one directory entry; cookie is the position behind it. It
// returns false when it has no room for the entry.
type DirEmit func(name string, ino uint64, typ uint32, cookie int64) bool

// NoWait instead of an offset asks a stream for no more than is there: EAGAIN.
const NoWait = int64(-1)

// AppendOffset stands for the end of the file in FileOps.Write.
const AppendOffset = int64(-1)

// UserMem is the memory of the calling program, for ioctl arguments. EFAULT.
type UserMem interface {
	CopyIn(dst []byte, addr uintptr) syscall.Errno
	CopyOut(addr uintptr, src []byte) syscall.Errno
}

// NoFile answers for files that lack an operation. It is always ready.
type NoFile struct{}

// Read refuses.
func (NoFile) Read(*File, []byte, int64) (int, syscall.Errno) { return 0, syscall.EINVAL }

// Write refuses.
func (NoFile) Write(*File, []byte, int64) (int, int64, syscall.Errno) { return 0, 0, syscall.EINVAL }

// ReadDir refuses.
func (NoFile) ReadDir(*File, int64, DirEmit) (int64, syscall.Errno) { return 0, syscall.ENOTDIR }

// End is 0.
func (NoFile) End(*File) (int64, syscall.Errno) { return 0, 0 }

// Poll is always ready.
func (NoFile) Poll(*File, *PollTable) PollEvents { return PollIn | PollOut | PollRdNorm | PollWrNorm }

// Ioctl knows no request.
func (NoFile) Ioctl(*File, uint32, UserMem, uintptr) (uintptr, syscall.Errno) {
	return 0, syscall.ENOTTY
}

// Map refuses.
func (NoFile) Map(*File, *mm.VMA) syscall.Errno { return syscall.ENODEV }

// Sync has nothing to do.
func (NoFile) Sync(*File) syscall.Errno { return 0 }

// Release has nothing to do.
func (NoFile) Release(*File) {}

// newFile makes an open file of d with one reference. ENOENT: its contents are gone.
func newFile(d *Dentry, flags uint32) (*File, syscall.Errno) {
	if e := d.inode.get(); e != 0 {
		return nil, e
	}
	f := &File{dentry: d, inode: d.inode}
	f.flags.Store(flags)
	f.refs.Store(1)
	f.posLock.Init(locks.FilePosSem)
	f.watchLock.Init(locks.WatchLock)
	return f, 0
}

// Get takes another reference.
func (f *File) Get() *File {
	f.refs.Add(1)
	return f
}

// Put drops a reference; the last one closes the file. May sleep.
func (f *File) Put() {
	if n := f.refs.Add(-1); n > 0 {
		return
	} else if n < 0 {
		panic("fs: Put of a closed file")
	}
	f.unwatch()
	f.inode.dropLocks(f)
	f.inode.dropLocks(openOwner{f})
	if f.ops != nil {
		f.ops.Release(f)
	}
	f.inode.endWrite(f)
	f.inode.put()
}

// Flags are the access mode and status flags, as F_GETFL gives them.
func (f *File) Flags() uint32 { return f.flags.Load() }

// settable are the flags that F_SETFL may change.
const settable = syscall.O_APPEND | syscall.O_NONBLOCK | syscall.O_ASYNC | syscall.O_NOATIME | syscall.O_DIRECT

// SetFlags is F_SETFL.
func (f *File) SetFlags(flags uint32) {
	for {
		old := f.flags.Load()
		if f.flags.CompareAndSwap(old, old&^settable|flags&settable) {
			return
		}
	}
}

// SetOwner is F_SETOWN.
func (f *File) SetOwner(pid int32) { f.owner.Store(pid) }

// Owner is F_GETOWN.
func (f *File) Owner() int32 { return f.owner.Load() }

// Inode is the file's inode.
func (f *File) Inode() *Inode { return f.inode }

// Fsync writes the file out (vfs_fsync). EIO, ENOSPC; EINVAL: it is none that could be.
func (f *File) Fsync() syscall.Errno { return f.ops.Sync(f) }

// Dentry is the name the file was opened by.
func (f *File) Dentry() *Dentry { return f.dentry }

// Ops are the file's operations.
func (f *File) Ops() FileOps { return f.ops }

// Seekable reports whether the file has an offset.
func (f *File) Seekable() bool { return f.kind != kindStream }

// nonblock reports O_NONBLOCK.
func (f *File) nonblock() bool { return f.flags.Load()&syscall.O_NONBLOCK != 0 }

// OPath is O_PATH, which package syscall of the standard library lacks.
const OPath = 0x200000

// CanRead reports whether the file is open for reading.
func (f *File) CanRead() bool {
	fl := f.flags.Load()
	return fl&OPath == 0 && fl&syscall.O_ACCMODE != syscall.O_WRONLY
}

// CanWrite reports whether the file is open for writing.
func (f *File) CanWrite() bool {
	fl := f.flags.Load()
	return fl&OPath == 0 && fl&syscall.O_ACCMODE != syscall.O_RDONLY
}
