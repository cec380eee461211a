package syscall

import (
	"fmt"
	"strings"
	errno "syscall"

	"yolk/arch"
	"yolk/mm"
	"yolk/proc"
)

// Process life: clone, exec, exit.

func init() {
	Register(errno.SYS_CLONE, "clone", sysClone)
	Register(errno.SYS_FORK, "fork", sysFork)
	Register(errno.SYS_VFORK, "vfork", sysVfork)
	Register(nrClone3, "clone3", sysClone3)
	Register(errno.SYS_EXIT, "exit", sysExit)
	Register(errno.SYS_EXIT_GROUP, "exit_group", sysExitGroup)
	Register(errno.SYS_SET_TID_ADDRESS, "set_tid_address", sysSetTIDAddress)
	Register(errno.SYS_ARCH_PRCTL, "arch_prctl", sysArchPrctl)
	Register(errno.SYS_EXECVE, "execve", sysExecve)
	Register(nrExecveat, "execveat", sysExecveat)
}

// Calls that are younger than the standard library's table.
const (
	nrExecveat = 322
	nrClone3   = 435
)

// sysClone: proc.Task.Clone. The exit signal is in the low byte of the flags.
func sysClone(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return clone(t, &proc.CloneArgs{
		Flags: uint64(uint32(a[0])) &^ proc.CloneSignalMask, ExitSignal: int(a[0] & proc.CloneSignalMask),
		Stack: a[1], ParentTID: a[2], ChildTID: a[3], TLS: a[4],
	})
}

func clone(t *proc.Task, c *proc.CloneArgs) (uintptr, errno.Errno) {
	nr, e := t.Clone(c)
	return uintptr(nr), e
}

func sysFork(t *proc.Task, _ *Args) (uintptr, errno.Errno) {
	return clone(t, &proc.CloneArgs{ExitSignal: proc.SIGCHLD})
}

func sysVfork(t *proc.Task, _ *Args) (uintptr, errno.Errno) {
	return clone(t, &proc.CloneArgs{Flags: proc.CloneVM | proc.CloneVFork, ExitSignal: proc.SIGCHLD})
}

// cloneArgs is struct clone_args.
type cloneArgs struct {
	Flags, PidFD, ChildTID, ParentTID, ExitSignal uint64
	Stack, StackSize, TLS                         uint64
	SetTID, SetTIDSize, Cgroup                    uint64
}

// Sizes of clone_args in its versions.
const (
	cloneArgsV0  = 64
	cloneArgsMax = 88
)

// sysClone3: E2BIG: the structure has fields unknown here that are not zero;
// EINVAL; else as clone.
func sysClone3(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	size := a[1]
	if size > arch.PageSize {
		return 0, errno.E2BIG
	}
	if size < cloneArgsV0 {
		return 0, errno.EINVAL
	}
	c, e := getCloneArgs(t, a[0], size)
	if e != 0 {
		return 0, e
	}
	const legacy = proc.CloneSignalMask | proc.CloneDetached
	switch {
	case c.Flags&legacy != 0, c.ExitSignal > proc.NSIG,
		c.Flags&(proc.CloneThread|proc.CloneParent) != 0 && c.ExitSignal != 0,
		(c.Stack == 0) != (c.StackSize == 0),
		c.Flags>>34 != 0, c.Flags&cloneIntoCgroup != 0,
		c.SetTID != 0 || c.SetTIDSize != 0,
		c.Stack >= arch.TaskSize || c.StackSize > arch.TaskSize-c.Stack:
		return 0, errno.EINVAL
	}
	return clone(t, &proc.CloneArgs{
		Flags: c.Flags, ExitSignal: int(c.ExitSignal), Stack: uintptr(c.Stack + c.StackSize),
		TLS: uintptr(c.TLS), ParentTID: uintptr(c.ParentTID), ChildTID: uintptr(c.ChildTID),
	})
}

const cloneIntoCgroup = 1 << 33

// getCloneArgs copies the structure in the size the program knows. E2BIG, EFAULT.
func getCloneArgs(t *proc.Task, addr, size uintptr) (c cloneArgs, e errno.Errno) {
	for at := uintptr(cloneArgsMax); at < size; at++ {
		var b [1]byte
		if e := mm.CopyFromUser(t.MM, b[:], addr+at); e != 0 {
			return c, e
		}
		if b[0] != 0 {
			return c, errno.E2BIG
		}
	}
	e = mm.CopyFromUser(t.MM, structBytes(&c)[:min(size, cloneArgsMax)], addr)
	return c, e
}

func sysExit(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	t.Exit(int32(a[0]&0xff) << 8)
	return 0, 0
}

func sysExitGroup(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	t.ExitGroup(int32(a[0]&0xff) << 8)
	return 0, 0
}

// sysSetTIDAddress never fails.
func sysSetTIDAddress(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	t.SetClearTID(a[0])
	return uintptr(t.TID), 0
}

// Codes of arch_prctl.
const (
	archSetGS, archSetFS, archGetFS, archGetGS = 0x1001, 0x1002, 0x1003, 0x1004
)

// sysArchPrctl: EPERM: the address is not in user space; EINVAL: the code;
// EFAULT. The codes about CPUID faulting and shadow stacks are unknown.
func sysArchPrctl(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	switch a[0] {
	case archSetFS, archSetGS:
		if a[1] >= arch.TaskSize {
			return 0, errno.EPERM
		}
		if a[0] == archSetFS {
			t.Ctx.FSBase = uint64(a[1])
		} else {
			t.Ctx.SaveFPU()
			t.Ctx.GSBase = uint64(a[1])
		}
		return 0, 0
	case archGetFS:
		return 0, putStruct(t, a[1], &t.Ctx.FSBase)
	case archGetGS:
		t.Ctx.SaveFPU()
		return 0, putStruct(t, a[1], &t.Ctx.GSBase)
	}
	return 0, errno.EINVAL
}

// sysExecve: proc.Task.Exec, and what copying the path can give.
func sysExecve(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	path, e := pathFromUser(t, a[0])
	if e != 0 {
		return 0, e
	}
	return 0, t.Exec(t.UserExec(path, a[1], a[2]))
}

const (
	atFdcwd           = -100
	atSymlinkNoFollow = 0x100
	atEmptyPath       = 0x1000
)

// sysExecveat: EINVAL: flags; EBADF; ENOTDIR; ELOOP: a symbolic link and
// AT_SYMLINK_NOFOLLOW; else as execve.
func sysExecveat(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	fd, flags := int(int32(a[0])), a[4]
	if flags&^(atEmptyPath|atSymlinkNoFollow) != 0 {
		return 0, errno.EINVAL
	}
	path, e := pathFromUser(t, a[1])
	if e == errno.ENOENT && flags&atEmptyPath != 0 {
		e = 0
	}
	if e != 0 {
		return 0, e
	}
	x := t.UserExec(path, a[2], a[3])
	if fd != atFdcwd && (path == "" || path[0] != '/') {
		f := t.Files.Lookup(fd)
		if f == nil {
			return 0, errno.EBADF
		}
		defer f.Put()
		x.At = f.Dentry()
		x.Name = strings.TrimSuffix(fmt.Sprintf("/dev/fd/%d/%s", fd, path), "/")
	}
	if path != "" && flags&atSymlinkNoFollow != 0 {
		d, e := t.Caller().Resolve(x.At, path, false)
		if e != 0 {
			return 0, e
		}
		if d.Inode().Type() == errno.S_IFLNK {
			return 0, errno.ELOOP
		}
	}
	return 0, t.Exec(x)
}
