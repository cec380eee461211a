package syscall

import (
	errno "syscall"

	"yolk/fs"
	"yolk/proc"
)

func init() {
	Register(82, "rename", sysRename)
	Register(83, "mkdir", sysMkdir)
	Register(84, "rmdir", sysRmdir)
	Register(86, "link", sysLink)
	Register(87, "unlink", sysUnlink)
	Register(88, "symlink", sysSymlink)
	Register(133, "mknod", sysMknod)
	Register(258, "mkdirat", sysMkdirat)
	Register(259, "mknodat", sysMknodat)
	Register(263, "unlinkat", sysUnlinkat)
	Register(264, "renameat", sysRenameat)
	Register(265, "linkat", sysLinkat)
	Register(266, "symlinkat", sysSymlinkat)
	Register(316, "renameat2", sysRenameat2)
}

func mkdirAt(t *proc.Task, dirfd, addr, mode uintptr) (uintptr, errno.Errno) {
	at, path, e := atPath(t, dirfd, addr)
	if e != 0 {
		return 0, e
	}
	return 0, t.Caller().Mkdir(at, path, uint32(mode))
}

func sysMkdir(t *proc.Task, a *Args) (uintptr, errno.Errno) { return mkdirAt(t, cwdArg, a[0], a[1]) }

func sysMkdirat(t *proc.Task, a *Args) (uintptr, errno.Errno) { return mkdirAt(t, a[0], a[1], a[2]) }

func mknodAt(t *proc.Task, dirfd, addr, mode, dev uintptr) (uintptr, errno.Errno) {
	at, path, e := atPath(t, dirfd, addr)
	if e != 0 {
		return 0, e
	}
	return 0, t.Caller().Mknod(at, path, uint32(mode), uint64(dev))
}

func sysMknod(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return mknodAt(t, cwdArg, a[0], a[1], a[2])
}

func sysMknodat(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return mknodAt(t, a[0], a[1], a[2], a[3])
}

func unlinkAt(t *proc.Task, dirfd, addr, flags uintptr) (uintptr, errno.Errno) {
	if flags&^atRemoveDir != 0 {
		return 0, errno.EINVAL
	}
	at, path, e := atPath(t, dirfd, addr)
	if e != 0 {
		return 0, e
	}
	if flags&atRemoveDir != 0 {
		return 0, t.Caller().Rmdir(at, path)
	}
	return 0, t.Caller().Unlink(at, path)
}

func sysUnlink(t *proc.Task, a *Args) (uintptr, errno.Errno) { return unlinkAt(t, cwdArg, a[0], 0) }

func sysRmdir(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return unlinkAt(t, cwdArg, a[0], atRemoveDir)
}

func sysUnlinkat(t *proc.Task, a *Args) (uintptr, errno.Errno) { return unlinkAt(t, a[0], a[1], a[2]) }

func renameAt(t *proc.Task, oldfd, oldAddr, newfd, newAddr, flags uintptr) (uintptr, errno.Errno) {
	oldAt, oldPath, e := atPath(t, oldfd, oldAddr)
	if e != 0 {
		return 0, e
	}
	newAt, newPath, e := atPath(t, newfd, newAddr)
	if e != 0 {
		return 0, e
	}
	return 0, t.Caller().Rename(oldAt, oldPath, newAt, newPath, uint32(flags))
}

func sysRename(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return renameAt(t, cwdArg, a[0], cwdArg, a[1], 0)
}

func sysRenameat(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return renameAt(t, a[0], a[1], a[2], a[3], 0)
}

func sysRenameat2(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return renameAt(t, a[0], a[1], a[2], a[3], a[4])
}

func linkAt(t *proc.Task, oldfd, oldAddr, newfd, newAddr, flags uintptr) (uintptr, errno.Errno) {
	if flags&^(atSymlinkFollow|atEmptyPath) != 0 {
		return 0, errno.EINVAL
	}
	how := flags & atEmptyPath
	if flags&atSymlinkFollow == 0 {
		how |= atSymlinkNoFollow
	}
	old, e := resolveAt(t, oldfd, oldAddr, how)
	if e != 0 {
		return 0, e
	}
	at, path, e := atPath(t, newfd, newAddr)
	if e != 0 {
		return 0, e
	}
	return 0, t.Caller().Link(old, at, path)
}

func sysLink(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return linkAt(t, cwdArg, a[0], cwdArg, a[1], 0)
}

func sysLinkat(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return linkAt(t, a[0], a[1], a[2], a[3], a[4])
}

func symlinkAt(t *proc.Task, textAddr, dirfd, addr uintptr) (uintptr, errno.Errno) {
	text, e := pathArg(t, textAddr)
	if e != 0 {
		return 0, e
	}
	if len(text) >= fs.PathMax {
		return 0, errno.ENAMETOOLONG
	}
	at, path, e := atPath(t, dirfd, addr)
	if e != 0 {
		return 0, e
	}
	return 0, t.Caller().Symlink(text, at, path)
}

func sysSymlink(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return symlinkAt(t, a[0], cwdArg, a[1])
}

func sysSymlinkat(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return symlinkAt(t, a[0], a[1], a[2])
}
