package syscall

import (
	errno "syscall"

	"yolk/fs"
	"yolk/proc"
)

func init() { Register(72, "fcntl", sysFcntl) }

// Commands of fcntl(2).
const (
	fDupfd        = 0
	fGetfd        = 1
	fSetfd        = 2
	fGetfl        = 3
	fSetfl        = 4
	fGetlk        = 5
	fSetlk        = 6
	fSetlkw       = 7
	fSetown       = 8
	fGetown       = 9
	fOFDGetlk     = 36
	fOFDSetlk     = 37
	fOFDSetlkw    = 38
	fDupfdCloexec = 1030
	fSetpipeSize  = 1031
	fGetpipeSize  = 1032
	fAddSeals     = 1033
	fGetSeals     = 1034
)

func sysFcntl(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	f, e := getFile(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	switch cmd := int32(a[1]); cmd {
	case fDupfd, fDupfdCloexec:
		fd, e := t.Files.Install(f.Get(), fdArg(a[2]), maxFiles(t), cmd == fDupfdCloexec)
		if e != 0 {
			f.Put()
			return 0, e
		}
		return uintptr(fd), 0
	case fGetfd:
		on, e := t.Files.Cloexec(fdArg(a[0]))
		if on {
			return 1, e
		}
		return 0, e
	case fSetfd:
		return 0, t.Files.SetCloexec(fdArg(a[0]), a[2]&1 != 0)
	case fGetfl:
		return uintptr(f.Flags()), 0
	}
	if f.Flags()&fs.OPath != 0 {
		return 0, errno.EBADF
	}
	switch cmd := int32(a[1]); cmd {
	case fGetlk, fSetlk, fSetlkw, fOFDGetlk, fOFDSetlk, fOFDSetlkw:
		return 0, recordLock(t, f, cmd, a[2])
	}
	return fcntlFile(f, int32(a[1]), a[2])
}

// fcntlFile handles the commands about the open file itself.
func fcntlFile(f *fs.File, cmd int32, arg uintptr) (uintptr, errno.Errno) {
	switch cmd {
	case fSetfl:
		f.SetFlags(uint32(arg))
		return 0, 0
	case fSetown:
		f.SetOwner(int32(arg))
		return 0, 0
	case fGetown:
		return uintptr(f.Owner()), 0
	case fSetpipeSize:
		n, e := f.SetPipeSize(int(int32(arg)))
		return uintptr(n), e
	case fGetpipeSize:
		n, ok := f.PipeSize()
		if !ok {
			return 0, errno.EBADF
		}
		return uintptr(n), 0
	case fAddSeals:
		return 0, f.AddSeals(uint32(arg))
	case fGetSeals:
		s, e := f.Seals()
		return uintptr(s), e
	}
	return 0, errno.EINVAL
}
