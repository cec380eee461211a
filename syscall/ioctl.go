package syscall

import (
	errno "syscall"

	"yolk/fs"
	"yolk/proc"
)

func init() { Register(16, "ioctl", sysIoctl) }

func sysIoctl(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	f, e := getFile(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	if f.Flags()&fs.OPath != 0 {
		return 0, errno.EBADF
	}
	switch req := uint32(a[1]); req {
	case fs.FIOCLEX, fs.FIONCLEX:
		return 0, t.Files.SetCloexec(fdArg(a[0]), req == fs.FIOCLEX)
	case fs.FIONBIO, fs.FIOASYNC:
		var b [4]byte
		if e := (userMem{t.MM}).CopyIn(b[:], a[2]); e != 0 {
			return 0, e
		}
		flag := uint32(errno.O_NONBLOCK)
		if req == fs.FIOASYNC {
			flag = errno.O_ASYNC
		}
		if b == [4]byte{} {
			f.SetFlags(f.Flags() &^ flag)
		} else {
			f.SetFlags(f.Flags() | flag)
		}
		return 0, 0
	default:
		return f.Ops().Ioctl(f, req, userMem{t.MM}, a[2])
	}
}
