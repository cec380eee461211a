package syscall

import (
	errno "syscall"

	"yolk/proc"
)

func init() {
	Register(165, "mount", sysMount)
	Register(166, "umount2", sysUmount)
}

// optionalString copies a string in; no address is the empty one. EFAULT, ENAMETOOLONG.
func optionalString(t *proc.Task, addr uintptr) (string, errno.Errno) {
	if addr == 0 {
		return "", 0
	}
	return pathArg(t, addr)
}

// sysMount: fs.Caller.Mount, and what copying and resolving can give.
func sysMount(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	var text [3]string // type, options, source
	for k, addr := range [...]uintptr{a[2], a[4], a[0]} {
		var e errno.Errno
		if text[k], e = optionalString(t, addr); e != 0 {
			return 0, e
		}
	}
	if text[2] == "" {
		text[2] = "none"
	}
	d, e := resolveAt(t, cwdArg, a[1], 0)
	if e != 0 {
		return 0, e
	}
	return 0, t.Caller().Mount(text[2], d, text[0], a[3], text[1])
}

// sysUmount: fs.Caller.Unmount, and what copying and resolving can give.
func sysUmount(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	const noFollow = 8 // UMOUNT_NOFOLLOW
	if a[1]&^15 != 0 {
		return 0, errno.EINVAL
	}
	flags := uintptr(0)
	if a[1]&noFollow != 0 {
		flags = atSymlinkNoFollow
	}
	d, e := resolveAt(t, cwdArg, a[0], flags)
	if e != 0 {
		return 0, e
	}
	return 0, t.Caller().Unmount(d, a[1])
}
