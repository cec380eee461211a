package syscall

import (
	errno "syscall"

	"yolk/fs"
	"yolk/proc"
)

func init() {
	Register(76, "truncate", sysTruncate)
	Register(77, "ftruncate", sysFtruncate)
	Register(90, "chmod", sysChmod)
	Register(91, "fchmod", sysFchmod)
	Register(92, "chown", sysChown)
	Register(93, "fchown", sysFchown)
	Register(94, "lchown", sysLchown)
	Register(132, "utime", sysUtime)
	Register(235, "utimes", sysUtimes)
	Register(260, "fchownat", sysFchownat)
	Register(261, "futimesat", sysFutimesat)
	Register(268, "fchmodat", sysFchmodat)
	Register(280, "utimensat", sysUtimensat)
	Register(285, "fallocate", sysFallocate)
	Register(452, "fchmodat2", sysFchmodat2)
}

func sysTruncate(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if int64(a[1]) < 0 {
		return 0, errno.EINVAL
	}
	d, e := resolveAt(t, cwdArg, a[0], 0)
	if e != 0 {
		return 0, e
	}
	if e := mayGrow(t, d.Inode(), int64(a[1])); e != 0 {
		return 0, e
	}
	return 0, t.Caller().Truncate(d, int64(a[1]))
}

func sysFtruncate(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if int64(a[1]) < 0 {
		return 0, errno.EINVAL
	}
	f, e := getFile(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	if e := mayGrow(t, f.Inode(), int64(a[1])); e != 0 {
		return 0, e
	}
	return 0, f.Truncate(int64(a[1]))
}

// mayGrow checks a new size against RLIMIT_FSIZE. EFBIG, with SIGXFSZ.
func mayGrow(t *proc.Task, i *fs.Inode, size int64) errno.Errno {
	if i.Type() == errno.S_IFREG && size > i.Size() && uint64(size) > t.Group.Limits.Cur(proc.RlimitFsize) {
		info := proc.KernelInfo(proc.SIGXFSZ)
		t.Send(&info)
		return errno.EFBIG
	}
	return 0
}

func sysFallocate(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	f, e := getFile(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	return 0, f.Allocate(uint32(a[1]), int64(a[2]), int64(a[3]))
}

func chmodAt(t *proc.Task, dirfd, addr, mode, flags uintptr) (uintptr, errno.Errno) {
	if flags&^(atSymlinkNoFollow|atEmptyPath) != 0 {
		return 0, errno.EINVAL
	}
	d, e := resolveAt(t, dirfd, addr, flags)
	if e != 0 {
		return 0, e
	}
	return 0, t.Caller().Chmod(d.Inode(), uint32(mode))
}

func sysChmod(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return chmodAt(t, cwdArg, a[0], a[1], 0)
}

func sysFchmodat(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return chmodAt(t, a[0], a[1], a[2], 0)
}

func sysFchmodat2(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return chmodAt(t, a[0], a[1], a[2], a[3])
}

// ofFile runs do on the inode of a descriptor that was not opened with O_PATH.
func ofFile(t *proc.Task, fd uintptr, do func(i *fs.Inode) errno.Errno) (uintptr, errno.Errno) {
	f, e := getFile(t, fd)
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	if f.Flags()&fs.OPath != 0 {
		return 0, errno.EBADF
	}
	return 0, do(f.Inode())
}

func sysFchmod(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return ofFile(t, a[0], func(i *fs.Inode) errno.Errno { return t.Caller().Chmod(i, uint32(a[1])) })
}

func chownAt(t *proc.Task, dirfd, addr, uid, gid, flags uintptr) (uintptr, errno.Errno) {
	if flags&^(atSymlinkNoFollow|atEmptyPath) != 0 {
		return 0, errno.EINVAL
	}
	d, e := resolveAt(t, dirfd, addr, flags)
	if e != 0 {
		return 0, e
	}
	return 0, t.Caller().Chown(d.Inode(), uint32(uid), uint32(gid))
}

func sysChown(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return chownAt(t, cwdArg, a[0], a[1], a[2], 0)
}

func sysLchown(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return chownAt(t, cwdArg, a[0], a[1], a[2], atSymlinkNoFollow)
}

func sysFchownat(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return chownAt(t, a[0], a[1], a[2], a[3], a[4])
}

func sysFchown(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return ofFile(t, a[0], func(i *fs.Inode) errno.Errno {
		return t.Caller().Chown(i, uint32(a[1]), uint32(a[2]))
	})
}

// timePair copies in two struct timespec, or struct timeval when unit is 1000.
// No address means now. EFAULT, EINVAL.
func timePair(t *proc.Task, addr uintptr, unit int64) (at, mt fs.Time, e errno.Errno) {
	if addr == 0 {
		now := fs.Time{Nsec: fs.UtimeNow}
		return now, now, 0
	}
	var raw [4]int64
	if e := getStruct(t, &raw, addr); e != 0 {
		return at, mt, e
	}
	if unit != 1 && (uint64(raw[1]) >= 1e6 || uint64(raw[3]) >= 1e6) {
		return at, mt, errno.EINVAL
	}
	return fs.Time{Sec: raw[0], Nsec: raw[1] * unit}, fs.Time{Sec: raw[2], Nsec: raw[3] * unit}, 0
}

// setTimes is utimensat(2) after its times were copied in; without a path the
// descriptor itself is meant.
func setTimes(t *proc.Task, dirfd, addr uintptr, at, mt fs.Time, flags uintptr) (uintptr, errno.Errno) {
	if flags&^(atSymlinkNoFollow|atEmptyPath) != 0 {
		return 0, errno.EINVAL
	}
	if addr == 0 && fdArg(dirfd) != atFdcwd {
		return ofFile(t, dirfd, func(i *fs.Inode) errno.Errno { return t.Caller().Utimes(i, at, mt) })
	}
	if addr == 0 {
		return 0, errno.EFAULT
	}
	d, e := resolveAt(t, dirfd, addr, flags)
	if e != 0 {
		return 0, e
	}
	return 0, t.Caller().Utimes(d.Inode(), at, mt)
}

func sysUtimensat(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	at, mt, e := timePair(t, a[2], 1)
	if e != 0 {
		return 0, e
	}
	return setTimes(t, a[0], a[1], at, mt, a[3])
}

func sysFutimesat(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	at, mt, e := timePair(t, a[2], 1000)
	if e != 0 {
		return 0, e
	}
	return setTimes(t, a[0], a[1], at, mt, 0)
}

func sysUtimes(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	at, mt, e := timePair(t, a[1], 1000)
	if e != 0 {
		return 0, e
	}
	return setTimes(t, cwdArg, a[0], at, mt, 0)
}

func sysUtime(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	at, mt, e := timePair(t, 0, 1)
	if a[1] != 0 {
		var raw [2]int64
		e = getStruct(t, &raw, a[1])
		at, mt = fs.Time{Sec: raw[0]}, fs.Time{Sec: raw[1]}
	}
	if e != 0 {
		return 0, e
	}
	return setTimes(t, cwdArg, a[0], at, mt, 0)
}
