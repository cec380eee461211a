package syscall

import (
	errno "syscall"

	"yolk/proc"
)

// No file system here keeps extended attributes. Programs that ask, ls among
// them, know EOPNOTSUPP for that (xattr(7)); ENOSYS they complain about.
func init() {
	for i, name := range [...]string{
		"setxattr", "lsetxattr", "fsetxattr", "getxattr", "lgetxattr", "fgetxattr",
		"listxattr", "llistxattr", "flistxattr", "removexattr", "lremovexattr", "fremovexattr",
	} {
		Register(errno.SYS_SETXATTR+i, name, sysXattr)
	}
}

func sysXattr(*proc.Task, *Args) (uintptr, errno.Errno) { return 0, errno.EOPNOTSUPP }
