package syscall

import (
	errno "syscall"
	"time"

	"yolk/fs"
	"yolk/locks"
	"yolk/mm"
	"yolk/proc"
)

func init() {
	Register(23, "select", sysSelect)
	Register(270, "pselect6", sysPselect6)
}

// What puts a file into the sets of select(2) for reading, writing and exceptions.
var selectEvents = [3]fs.PollEvents{
	fs.PollRdNorm | fs.PollRdBand | fs.PollIn | fs.PollHup | fs.PollErr,
	fs.PollWrBand | fs.PollWrNorm | fs.PollOut | fs.PollErr,
	fs.PollPri,
}

// selectSet is the argument of select(2), copied in.
type selectSet struct {
	n     int
	in    [3][]byte // the sets; nil if not given
	out   [3][]byte
	files []*fs.File
}

// getSelectSet copies the sets in. EINVAL: n; EFAULT; EBADF.
func getSelectSet(t *proc.Task, n int, addr [3]uintptr) (*selectSet, errno.Errno) {
	if n < 0 {
		return nil, errno.EINVAL
	}
	s := &selectSet{n: min(n, t.Files.Size())} // as in Linux: what lies beyond is not looked at
	size := (s.n + 63) / 64 * 8
	for k := range s.in {
		if addr[k] == 0 {
			continue
		}
		s.in[k], s.out[k] = make([]byte, size), make([]byte, size)
		if e := mm.CopyFromUser(t.MM, s.in[k], addr[k]); e != 0 {
			return nil, e
		}
	}
	s.files = make([]*fs.File, s.n)
	for fd := range s.files {
		if s.events(fd) == 0 {
			continue
		}
		if s.files[fd] = t.Files.Lookup(fd); s.files[fd] == nil {
			s.put()
			return nil, errno.EBADF
		}
	}
	return s, 0
}

// events are those that the sets ask of fd.
func (s *selectSet) events(fd int) fs.PollEvents {
	ev := fs.PollEvents(0)
	for k, in := range s.in {
		if in != nil && in[fd/8]>>(fd%8)&1 != 0 {
			ev |= selectEvents[k]
		}
	}
	return ev
}

func (s *selectSet) put() {
	for _, f := range s.files {
		if f != nil {
			f.Put()
		}
	}
}

// scan fills the result sets and returns the number of bits in them.
func (s *selectSet) scan(t *fs.PollTable) int {
	n := 0
	for fd, f := range s.files {
		if f == nil {
			continue
		}
		ev := f.Poll(t, s.events(fd))
		for k, in := range s.in {
			if in == nil {
				continue
			}
			bit := in[fd/8] & (1 << (fd % 8))
			s.out[k][fd/8] &^= bit
			if bit != 0 && ev&selectEvents[k] != 0 {
				s.out[k][fd/8] |= bit
				n++
			}
		}
	}
	return n
}

// doSelect waits for up to d, for ever if negative. EINTR when a signal ended it.
func doSelect(t *proc.Task, n int, addr [3]uintptr, d time.Duration) (uintptr, errno.Errno) {
	s, e := getSelectSet(t, n, addr)
	if e != 0 {
		return 0, e
	}
	defer s.put()
	ready, r := fs.PollWait(s.scan, d)
	if ready == 0 && r == locks.Interrupted {
		return 0, proc.ERESTARTNOHAND
	}
	for k, out := range s.out {
		if out != nil && e == 0 {
			e = mm.CopyToUser(t.MM, addr[k], out)
		}
	}
	return uintptr(ready), e
}

// sysSelect: EINVAL, EBADF, EFAULT, EINTR.
func sysSelect(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	left := leftOf(locks.Forever)
	if a[4] != 0 {
		var v timeval
		if e := getStruct(t, &v, a[4]); e != 0 {
			return 0, e
		}
		v.Sec, v.Usec = v.Sec+v.Usec/1e6, v.Usec%1e6 // Linux takes large microseconds
		d, e := v.duration()
		if e != 0 {
			return 0, e
		}
		left = leftOf(d)
	}
	n, e := doSelect(t, fdArg(a[0]), [3]uintptr{a[1], a[2], a[3]}, left.d)
	if a[4] != 0 {
		v := valOf(max(time.Until(left.end), 0))
		_ = putStruct(t, a[4], &v)
	}
	return n, e
}

// sysPselect6: EINVAL, EBADF, EFAULT, EINTR.
func sysPselect6(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	left, e := specArg(t, a[4])
	if e != 0 {
		return 0, e
	}
	if a[5] != 0 {
		var sig struct{ addr, size uintptr }
		if e := getStruct(t, &sig, a[5]); e != 0 {
			return 0, e
		}
		if e := useMask(t, sig.addr, sig.size); e != 0 {
			return 0, e
		}
	}
	n, e := doSelect(t, fdArg(a[0]), [3]uintptr{a[1], a[2], a[3]}, left.d)
	left.putSpec(t, a[4])
	return n, e
}
