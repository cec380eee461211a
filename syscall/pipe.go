package syscall

import (
	"encoding/binary"
	errno "syscall"

	"yolk/fs"
	"yolk/mm"
	"yolk/proc"
)

func init() {
	Register(22, "pipe", sysPipe)
	Register(293, "pipe2", sysPipe2)
}

func sysPipe(t *proc.Task, a *Args) (uintptr, errno.Errno) { return pipe2(t, a[0], 0) }

func sysPipe2(t *proc.Task, a *Args) (uintptr, errno.Errno) { return pipe2(t, a[0], uint32(a[1])) }

func pipe2(t *proc.Task, addr uintptr, flags uint32) (uintptr, errno.Errno) {
	if flags&^(errno.O_CLOEXEC|errno.O_NONBLOCK|errno.O_DIRECT) != 0 {
		return 0, errno.EINVAL
	}
	cloexec := flags&errno.O_CLOEXEC != 0
	r, w, e := fs.NewPipe(t.Caller().Cred, flags&^errno.O_CLOEXEC)
	if e != 0 {
		return 0, e
	}
	return 0, installPair(t, r, w, addr, cloexec)
}

// installPair gives two files descriptors, stores these at addr, and takes over the
// references. EMFILE, EFAULT.
func installPair(t *proc.Task, r, w *fs.File, addr uintptr, cloexec bool) errno.Errno {
	rfd, e := installFile(t, r, cloexec)
	if e != 0 {
		w.Put()
		return e
	}
	wfd, e := installFile(t, w, cloexec)
	if e == 0 {
		var b [8]byte
		binary.LittleEndian.PutUint32(b[:], uint32(rfd))
		binary.LittleEndian.PutUint32(b[4:], uint32(wfd))
		if e = mm.CopyToUser(t.MM, addr, b[:]); e == 0 {
			return 0
		}
		t.Files.Close(int(wfd))
	}
	t.Files.Close(int(rfd))
	return e
}
