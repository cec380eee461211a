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

// File systems in RAM have nothing to write out.
func sysSync(*proc.Task, *Args) (uintptr, errno.Errno) { return 0, 0 }

func sysSyncfs(t *proc.Task, a *Args) (uintptr, errno.Errno) { return 0, checkFD(t, a[0]) }

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
