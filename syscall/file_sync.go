package syscall

import (
	errno "syscall"

	"yolk/fs"
	"yolk/proc"
)

func init() {
	Register(74, "fsync", sysFsync)
	Register(75, "fdatasync", sysFsync)
	Register(162, "sync", sysSync)
	Register(187, "readahead", sysReadahead)
	Register(221, "fadvise64", sysFadvise)
	Register(306, "syncfs", sysSyncfs)
}

func sysFsync(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	f, e := getFile(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	if f.Flags()&fs.OPath != 0 {
		return 0, errno.EBADF
	}
	return 0, f.Ops().Sync(f)
}

// sysSync writes everything, and has nobody to tell of errors.
func sysSync(*proc.Task, *Args) (uintptr, errno.Errno) {
	fs.Sync()
	return 0, 0
}

// sysSyncfs is sync with an answer: EBADF, EIO.
func sysSyncfs(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if e := checkFD(t, a[0]); e != 0 {
		return 0, e
	}
	return 0, fs.Sync()
}

func sysReadahead(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	f, e := getFile(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	switch {
	case !f.CanRead():
		return 0, errno.EBADF
	case f.Inode().Type() != errno.S_IFREG:
		return 0, errno.EINVAL
	}
	return 0, 0
}

// sysFadvise checks its arguments; pages of files in RAM cannot be dropped.
func sysFadvise(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	f, e := getFile(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	switch {
	case f.Flags()&fs.OPath != 0:
		return 0, errno.EBADF
	case f.Inode().Type() == errno.S_IFIFO:
		return 0, errno.ESPIPE
	case int64(a[2]) < 0 || a[3] > 5:
		return 0, errno.EINVAL
	}
	return 0, 0
}
