package syscall

import (
	"encoding/binary"
	errno "syscall"
	"time"

	"yolk/fs"
	"yolk/locks"
	"yolk/mm"
	"yolk/proc"
)

func init() {
	Register(7, "poll", sysPoll)
	Register(271, "ppoll", sysPpoll)
}

const pollfdSize = 8

// pollSet is the argument of poll(2), copied in, and the files it names.
type pollSet struct {
	raw   []byte // struct pollfd
	files []*fs.File
}

// getPollSet copies the array in. EINVAL: more than RLIMIT_NOFILE; ENOMEM, EFAULT.
func getPollSet(t *proc.Task, addr, n uintptr) (*pollSet, errno.Errno) {
	n = uintptr(uint32(n))
	if n > uintptr(maxFiles(t)) {
		return nil, errno.EINVAL
	}
	s := &pollSet{raw: mm.MakeSlice[byte](int(n * pollfdSize)), files: mm.MakeSlice[*fs.File](int(n))}
	if s.raw == nil || s.files == nil {
		return nil, errno.ENOMEM
	}
	if e := mm.CopyFromUser(t.MM, s.raw, addr); e != 0 {
		return nil, e
	}
	for k := range s.files {
		s.files[k] = t.Files.Lookup(int(int32(binary.LittleEndian.Uint32(s.raw[k*pollfdSize:]))))
	}
	return s, 0
}

func (s *pollSet) put() {
	for _, f := range s.files {
		if f != nil {
			f.Put()
		}
	}
}

// scan fills in revents and returns how many are not 0.
func (s *pollSet) scan(t *fs.PollTable) int {
	n := 0
	for k, f := range s.files {
		fd := s.raw[k*pollfdSize:]
		ev := fs.PollEvents(0)
		switch {
		case int32(binary.LittleEndian.Uint32(fd)) < 0:
		case f == nil:
			ev = fs.PollNval
		default:
			ev = f.Poll(t, fs.PollEvents(binary.LittleEndian.Uint16(fd[4:])))
		}
		binary.LittleEndian.PutUint16(fd[6:], uint16(ev))
		if ev != 0 {
			n++
		}
	}
	return n
}

// doPoll waits for up to d, for ever if negative.
func doPoll(t *proc.Task, addr, n uintptr, d time.Duration) (uintptr, errno.Errno) {
	s, e := getPollSet(t, addr, n)
	if e != 0 {
		return 0, e
	}
	defer s.put()
	ready, r := fs.PollWait(s.scan, d)
	if ready == 0 && r == locks.Interrupted {
		return 0, errno.EINTR
	}
	return uintptr(ready), mm.CopyToUser(t.MM, addr, s.raw)
}

// sysPoll: EINVAL, EFAULT, EINTR. Without a handler it goes on with the time that is left.
func sysPoll(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	d := locks.Forever
	if ms := int32(a[2]); ms >= 0 {
		d = time.Duration(ms) * time.Millisecond
	}
	end := time.Now().Add(d)
	n, e := doPoll(t, a[0], a[1], d)
	if e != errno.EINTR {
		return n, e
	}
	addr, count := a[0], a[1]
	var again proc.RestartFunc
	again = func(t *proc.Task) (uintptr, errno.Errno) {
		left := locks.Forever
		if d >= 0 {
			left = max(time.Until(end), 0)
		}
		n, e := doPoll(t, addr, count, left)
		if e == errno.EINTR {
			e = t.SetRestart(again)
		}
		return n, e
	}
	return 0, t.SetRestart(again)
}

// timeLeft is the timeout of ppoll, select and pselect: it is written back.
type timeLeft struct {
	d   time.Duration // for ever if negative
	end time.Time
}

func leftOf(d time.Duration) timeLeft { return timeLeft{d, time.Now().Add(d)} }

// specArg reads the timeout of ppoll and pselect. EFAULT, EINVAL.
func specArg(t *proc.Task, addr uintptr) (timeLeft, errno.Errno) {
	if addr == 0 {
		return leftOf(locks.Forever), 0
	}
	d, e := getDuration(t, addr)
	return leftOf(d), e
}

// putSpec writes back what is left. That it cannot be written is no error.
func (l timeLeft) putSpec(t *proc.Task, addr uintptr) {
	if addr != 0 {
		s := specOf(max(time.Until(l.end), 0))
		_ = putStruct(t, addr, &s)
	}
}

// sysPpoll: EINVAL, EFAULT, EINTR.
func sysPpoll(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	left, e := specArg(t, a[2])
	if e == 0 {
		e = useMask(t, a[3], a[4])
	}
	if e != 0 {
		return 0, e
	}
	n, e := doPoll(t, a[0], a[1], left.d)
	left.putSpec(t, a[2])
	if e == errno.EINTR {
		e = proc.ERESTARTNOHAND
	}
	return n, e
}
