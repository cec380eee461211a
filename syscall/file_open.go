package syscall

import (
	errno "syscall"

	"yolk/fs"
	"yolk/proc"
)

func init() {
	Register(2, "open", sysOpen)
	Register(3, "close", sysClose)
	Register(8, "lseek", sysLseek)
	Register(32, "dup", sysDup)
	Register(33, "dup2", sysDup2)
	Register(85, "creat", sysCreat)
	Register(257, "openat", sysOpenat)
	Register(292, "dup3", sysDup3)
	Register(436, "close_range", sysCloseRange)
}

// openFlags are the flags of open(2) that mean anything; Linux ignores the rest.
const openFlags = errno.O_ACCMODE | errno.O_CREAT | errno.O_EXCL | errno.O_NOCTTY | errno.O_TRUNC |
	errno.O_APPEND | errno.O_NONBLOCK | errno.O_DSYNC | errno.O_SYNC | errno.O_ASYNC | errno.O_DIRECT |
	errno.O_LARGEFILE | errno.O_DIRECTORY | errno.O_NOFOLLOW | errno.O_NOATIME | errno.O_CLOEXEC | fs.OPath | 0x400000

func openAt(t *proc.Task, dirfd, addr, flags, mode uintptr) (uintptr, errno.Errno) {
	at, path, e := atPath(t, dirfd, addr)
	if e != 0 {
		return 0, e
	}
	f, e := t.Caller().Open(at, path, uint32(flags)&openFlags, uint32(mode))
	if e != 0 {
		return 0, e
	}
	return installFile(t, f, flags&errno.O_CLOEXEC != 0)
}

func sysOpen(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return openAt(t, cwdArg, a[0], a[1], a[2])
}

func sysCreat(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return openAt(t, cwdArg, a[0], errno.O_CREAT|errno.O_WRONLY|errno.O_TRUNC, a[1])
}

func sysOpenat(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return openAt(t, a[0], a[1], a[2], a[3])
}

func sysClose(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return 0, t.Files.Close(fdArg(a[0]))
}

func sysLseek(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	f, e := getFile(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	pos, e := f.Lseek(int64(a[1]), int(int32(a[2])))
	return uintptr(pos), e
}

func sysDup(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	f, e := getFile(t, a[0])
	if e != 0 {
		return 0, e
	}
	return installFile(t, f, false)
}

// dupTo makes newfd mean what oldfd means.
func dupTo(t *proc.Task, oldfd, newfd uintptr, cloexec bool) (uintptr, errno.Errno) {
	f, e := getFile(t, oldfd)
	if e != 0 {
		return 0, e
	}
	if e := t.Files.InstallAt(f, fdArg(newfd), maxFiles(t), cloexec); e != 0 {
		f.Put()
		return 0, e
	}
	return uintptr(fdArg(newfd)), 0
}

func sysDup2(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if fdArg(a[0]) == fdArg(a[1]) {
		if e := checkFD(t, a[0]); e != 0 {
			return 0, e
		}
		return uintptr(fdArg(a[0])), 0
	}
	return dupTo(t, a[0], a[1], false)
}

func sysDup3(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if uint32(a[2])&^errno.O_CLOEXEC != 0 || fdArg(a[0]) == fdArg(a[1]) {
		return 0, errno.EINVAL
	}
	return dupTo(t, a[0], a[1], a[2]&errno.O_CLOEXEC != 0)
}

// sysCloseRange is close_range(2), with CLOSE_RANGE_UNSHARE (2) and CLOSE_RANGE_CLOEXEC (4).
func sysCloseRange(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	first, last, flags := uint32(a[0]), uint32(a[1]), a[2]
	if first > last || flags&^6 != 0 {
		return 0, errno.EINVAL
	}
	if flags&2 != 0 && t.Files.Shared() {
		own := t.Files.Copy()
		if own == nil {
			return 0, errno.ENOMEM
		}
		t.Files.Put()
		t.Files = own
	}
	t.Files.CloseRange(int(first), int(last), flags&4 != 0)
	return 0, 0
}
