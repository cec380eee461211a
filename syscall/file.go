package syscall

import (
	errno "syscall"

	"yolk/fs"
	"yolk/locks"
	"yolk/mm"
	"yolk/proc"
)

// What the file calls have in common: descriptors, paths, buffers.

// Values of a descriptor argument and of AT_ flags.
const (
	atRemoveDir     = 0x200
	atEaccess       = 0x200
	atSymlinkFollow = 0x400
	atNoAutomount   = 0x800
)

// fdArg is a descriptor argument: Linux looks at its low 32 bits.
func fdArg(a uintptr) int { return int(int32(a)) }

// getFile returns the open file behind a descriptor, with a reference. EBADF.
func getFile(t *proc.Task, a uintptr) (*fs.File, errno.Errno) {
	f := t.Files.Lookup(fdArg(a))
	if f == nil {
		return nil, errno.EBADF
	}
	return f, 0
}

// maxFiles is RLIMIT_NOFILE.
func maxFiles(t *proc.Task) int {
	return int(min(t.Group.Limits.Cur(proc.RlimitNofile), fs.MaxFDs))
}

// installFile gives f a descriptor and takes over the reference. EMFILE.
func installFile(t *proc.Task, f *fs.File, cloexec bool) (uintptr, errno.Errno) {
	fd, e := t.Files.Install(f, 0, maxFiles(t), cloexec)
	if e != 0 {
		f.Put()
		return 0, e
	}
	return uintptr(fd), 0
}

// pathArg copies a path in. EFAULT, ENAMETOOLONG.
func pathArg(t *proc.Task, addr uintptr) (string, errno.Errno) {
	b := smallBufs.get()
	defer smallBufs.put(b)
	n, e := mm.CopyStringFromUser(t.MM, addr, b.b)
	if e != 0 {
		return "", e
	}
	return string(b.b[:n]), 0
}

// dirArg is where a path relative to descriptor a starts; nil is the working
// directory, also when path does not need to know. EBADF.
func dirArg(t *proc.Task, a uintptr, path string) (*fs.Dentry, errno.Errno) {
	if fdArg(a) == atFdcwd || path != "" && path[0] == '/' {
		return nil, 0
	}
	f, e := getFile(t, a)
	if e != 0 {
		return nil, e
	}
	defer f.Put()
	return f.Dentry(), 0
}

// atPath is a path argument together with where it starts.
func atPath(t *proc.Task, dirfd, addr uintptr) (*fs.Dentry, string, errno.Errno) {
	path, e := pathArg(t, addr)
	if e != 0 {
		return nil, "", e
	}
	at, e := dirArg(t, dirfd, path)
	return at, path, e
}

// cwdArg is the dirfd of calls that have none.
const cwdArg = ^uintptr(99) // -100

// resolveAt finds what dirfd, path and the AT_ flags name.
func resolveAt(t *proc.Task, dirfd, addr, flags uintptr) (*fs.Dentry, errno.Errno) {
	path, e := "", errno.Errno(0)
	if addr != 0 || flags&atEmptyPath == 0 {
		path, e = pathArg(t, addr)
	}
	if e != 0 {
		return nil, e
	}
	if path == "" && flags&atEmptyPath != 0 {
		if fdArg(dirfd) == atFdcwd {
			_, cwd := t.FS.Dirs()
			return cwd, 0
		}
		f, e := getFile(t, dirfd)
		if e != 0 {
			return nil, e
		}
		defer f.Put()
		return f.Dentry(), 0
	}
	at, e := dirArg(t, dirfd, path)
	if e != 0 {
		return nil, e
	}
	return t.Caller().Resolve(at, path, flags&atSymlinkNoFollow == 0)
}

// userMem is the memory of the calling program, for package fs.
type userMem struct{ m *mm.MM }

// CopyIn fills dst. EFAULT.
func (u userMem) CopyIn(dst []byte, addr uintptr) errno.Errno {
	return mm.CopyFromUser(u.m, dst, addr)
}

// CopyOut stores src. EFAULT.
func (u userMem) CopyOut(addr uintptr, src []byte) errno.Errno {
	return mm.CopyToUser(u.m, addr, src)
}

// Data moves between files and programs through buffers of two sizes: those for
// streams, whose holder may sleep for long, are small.
const (
	smallBuf = 4096
	bigBuf   = 32 << 10
)

var (
	smallBufs = bufPool{size: smallBuf}
	bigBufs   = bufPool{size: bigBuf}
)

func init() {
	smallBufs.free.Init(locks.FilesLock, 32)
	bigBufs.free.Init(locks.FilesLock, 4)
}

type ioBuf struct{ b []byte }

// bufPool has the buffers of one size.
type bufPool struct {
	size int // immutable
	free mm.FreeList[ioBuf]
}

func (p *bufPool) get() *ioBuf {
	b := p.free.Get()
	if b == nil {
		b = &ioBuf{make([]byte, p.size)}
	}
	return b
}

func (p *bufPool) put(b *ioBuf) { p.free.Put(b) }
