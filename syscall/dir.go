package syscall

import (
	"encoding/binary"
	errno "syscall"

	"yolk/fs"
	"yolk/mm"
	"yolk/proc"
)

func init() {
	Register(78, "getdents", sysGetdents)
	Register(79, "getcwd", sysGetcwd)
	Register(80, "chdir", sysChdir)
	Register(81, "fchdir", sysFchdir)
	Register(95, "umask", sysUmask)
	Register(161, "chroot", sysChroot)
	Register(217, "getdents64", sysGetdents64)
}

// maxDents bounds the bytes that one getdents call fills.
const maxDents = bigBuf

// getdents lists a directory into the buffer that the program gave. header is
// the size of an entry before its name, typeLast whether the type is its last byte.
func getdents(t *proc.Task, a *Args, header int, typeLast bool) (uintptr, errno.Errno) {
	f, e := getFile(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	pool := &smallBufs
	if a[2] > smallBuf {
		pool = &bigBufs
	}
	buf := pool.get()
	defer pool.put(buf)
	out := buf.b[:min(uintptr(uint32(a[2])), uintptr(len(buf.b)), maxDents)]
	used := 0
	emit := func(name string, ino uint64, typ uint32, cookie int64) bool {
		size := (header + len(name) + 1 + 7) &^ 7
		if typeLast {
			size = (header + len(name) + 2 + 7) &^ 7
		}
		if used+size > len(out) {
			return false
		}
		b := out[used : used+size]
		clear(b)
		binary.LittleEndian.PutUint64(b, ino)
		binary.LittleEndian.PutUint64(b[8:], uint64(cookie))
		binary.LittleEndian.PutUint16(b[16:], uint16(size))
		if typeLast {
			b[size-1] = byte(typ >> 12)
		} else {
			b[18] = byte(typ >> 12)
		}
		copy(b[header:], name)
		used += size
		return true
	}
	pos := f.LockPos()
	next, e := f.Ops().ReadDir(f, pos, emit)
	if e == 0 && used == 0 && next == pos && len(out) < fs.NameMax+header && f.MoreEntries(pos) {
		e = errno.EINVAL // not even one entry fits
	}
	if e == 0 {
		e = mm.CopyToUser(t.MM, a[1], out[:used])
	}
	if e != 0 {
		next = pos
	}
	f.UnlockPos(next)
	return uintptr(used), e
}

func sysGetdents(t *proc.Task, a *Args) (uintptr, errno.Errno) { return getdents(t, a, 18, true) }

func sysGetdents64(t *proc.Task, a *Args) (uintptr, errno.Errno) { return getdents(t, a, 19, false) }

// sysGetcwd returns the length with the NUL, unlike the C function.
func sysGetcwd(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	path, e := t.FS.Getcwd()
	if e != 0 {
		return 0, e
	}
	if uintptr(len(path)+1) > a[1] {
		return 0, errno.ERANGE
	}
	return uintptr(len(path) + 1), mm.CopyToUser(t.MM, a[0], append([]byte(path), 0))
}

func sysChdir(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	d, e := resolveAt(t, cwdArg, a[0], 0)
	if e != 0 {
		return 0, e
	}
	return 0, t.Caller().Chdir(d)
}

func sysFchdir(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	f, e := getFile(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	return 0, t.Caller().Chdir(f.Dentry())
}

func sysChroot(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	d, e := resolveAt(t, cwdArg, a[0], 0)
	if e != 0 {
		return 0, e
	}
	return 0, t.Caller().Chroot(d)
}

func sysUmask(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return uintptr(t.FS.SetUmask(uint32(a[0]))), 0
}
