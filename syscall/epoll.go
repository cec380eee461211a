package syscall

import (
	"encoding/binary"
	"math"
	errno "syscall"
	"time"

	"yolk/fs"
	"yolk/locks"
	"yolk/mm"
	"yolk/proc"
)

func init() {
	Register(213, "epoll_create", sysEpollCreate)
	Register(232, "epoll_wait", sysEpollWait)
	Register(233, "epoll_ctl", sysEpollCtl)
	Register(281, "epoll_pwait", sysEpollPwait)
	Register(291, "epoll_create1", sysEpollCreate1)
	Register(441, "epoll_pwait2", sysEpollPwait2)
}

// struct epoll_event is packed on x86-64.
const epollEventSize = 12

const (
	// maxEpollEvents bounds what one call reports; the rest waits for the next.
	maxEpollEvents = 64
	// epollRoom is the largest room that a program may say it has.
	epollRoom = math.MaxInt32 / epollEventSize
)

func newEpoll(t *proc.Task, cloexec bool) (uintptr, errno.Errno) {
	f, e := fs.NewEpoll()
	if e != 0 {
		return 0, e
	}
	return installFile(t, f, cloexec)
}

func sysEpollCreate(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if int32(a[0]) <= 0 {
		return 0, errno.EINVAL
	}
	return newEpoll(t, false)
}

func sysEpollCreate1(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if uint32(a[0])&^errno.O_CLOEXEC != 0 {
		return 0, errno.EINVAL
	}
	return newEpoll(t, a[0]&errno.O_CLOEXEC != 0)
}

// sysEpollCtl: fs.EpollCtl, EBADF and EFAULT.
func sysEpollCtl(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	var ev fs.EpollEvent
	op := int(int32(a[1]))
	if op != fs.EpollCtlDel {
		var raw [epollEventSize]byte
		if e := getStruct(t, &raw, a[3]); e != 0 {
			return 0, e
		}
		ev.Events = binary.LittleEndian.Uint32(raw[:])
		ev.Data = binary.LittleEndian.Uint64(raw[4:])
	}
	ep, e := getFile(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer ep.Put()
	f, e := getFile(t, a[2])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	return 0, fs.EpollCtl(ep, op, f, fdArg(a[2]), ev)
}

// epollWait waits for up to d, for ever if negative.
func epollWait(t *proc.Task, a *Args, d time.Duration) (uintptr, errno.Errno) {
	n := int(int32(a[2]))
	if n <= 0 || n > epollRoom {
		return 0, errno.EINVAL
	}
	ep, e := getFile(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer ep.Put()
	var events [maxEpollEvents]fs.EpollEvent
	n, e = fs.EpollWait(ep, events[:min(n, maxEpollEvents)], d)
	if e != 0 || n == 0 {
		return 0, e
	}
	buf := smallBufs.get()
	defer smallBufs.put(buf)
	raw := buf.b[:n*epollEventSize]
	for k, ev := range events[:n] {
		binary.LittleEndian.PutUint32(raw[k*epollEventSize:], ev.Events)
		binary.LittleEndian.PutUint64(raw[k*epollEventSize+4:], ev.Data)
	}
	return uintptr(n), mm.CopyToUser(t.MM, a[1], raw)
}

// millis is a timeout in milliseconds, negative for ever.
func millis(a uintptr) time.Duration {
	if ms := int32(a); ms >= 0 {
		return time.Duration(ms) * time.Millisecond
	}
	return locks.Forever
}

// sysEpollWait: EBADF, EINVAL, EFAULT, EINTR.
func sysEpollWait(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return epollWait(t, a, millis(a[3]))
}

func sysEpollPwait(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if e := useMask(t, a[4], a[5]); e != 0 {
		return 0, e
	}
	return epollWait(t, a, millis(a[3]))
}

func sysEpollPwait2(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	d := locks.Forever
	if a[3] != 0 {
		var e errno.Errno
		if d, e = getDuration(t, a[3]); e != 0 {
			return 0, e
		}
	}
	if e := useMask(t, a[4], a[5]); e != 0 {
		return 0, e
	}
	return epollWait(t, a, d)
}
