package syscall

import (
	errno "syscall"
	"time"

	"yolk/fs/unixsock"
	"yolk/mm"
	"yolk/proc"
)

func init() {
	Register(54, "setsockopt", sysSetsockopt)
	Register(55, "getsockopt", sysGetsockopt)
}

// Timeouts have a second number each, for where time_t has another size.
const (
	soRcvTimeoNew = 66
	soSndTimeoNew = 67
)

func optionArg(a uintptr) int {
	switch int32(a) {
	case soRcvTimeoNew:
		return unixsock.SoRcvTimeo
	case soSndTimeoNew:
		return unixsock.SoSndTimeo
	}
	return int(int32(a))
}

// linger is struct linger.
type linger struct{ On, Seconds int32 }

// sysSetsockopt: EOPNOTSUPP: a level beside SOL_SOCKET; ENOPROTOOPT, EINVAL, EFAULT, EDOM.
func sysSetsockopt(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	s, f, e := sockArg(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	size := int32(a[4])
	switch which := optionArg(a[2]); {
	case size < 0:
		return 0, errno.EINVAL
	case int32(a[1]) != errno.SOL_SOCKET:
		return 0, errno.EOPNOTSUPP
	case size < 4:
		return 0, errno.EINVAL
	case which == unixsock.SoRcvTimeo || which == unixsock.SoSndTimeo:
		return 0, setTimeout(t, s, which, a[3], size)
	case which == unixsock.SoLinger:
		if size < 8 {
			return 0, errno.EINVAL
		}
		var l linger
		e = getStruct(t, &l, a[3])
		if e == 0 {
			s.SetLinger(l.On, l.Seconds)
		}
		return 0, e
	default:
		var v int32
		if e := getStruct(t, &v, a[3]); e != 0 {
			return 0, e
		}
		return 0, s.SetOption(which, v, t.Creds().Capable(proc.CapNetAdmin))
	}
}

// setTimeout: EINVAL, EFAULT; EDOM: microseconds.
func setTimeout(t *proc.Task, s *unixsock.Socket, which int, addr uintptr, size int32) errno.Errno {
	if size < 16 {
		return errno.EINVAL
	}
	var v timeval
	if e := getStruct(t, &v, addr); e != 0 {
		return e
	}
	if v.Usec < 0 || v.Usec >= 1e6 {
		return errno.EDOM
	}
	if v.Sec < 0 {
		s.SetTimeout(which, time.Nanosecond) // it has passed
		return 0
	}
	d, e := v.duration()
	if e == 0 {
		s.SetTimeout(which, d)
	}
	return e
}

// sysGetsockopt: as sysSetsockopt.
func sysGetsockopt(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	s, f, e := sockArg(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	if int32(a[1]) != errno.SOL_SOCKET {
		return 0, errno.EOPNOTSUPP
	}
	var room int32
	if e := getStruct(t, &room, a[4]); e != 0 {
		return 0, e
	}
	if room < 0 {
		return 0, errno.EINVAL
	}
	n, e := formatOption(t.Scratch[:], s, optionArg(a[2]))
	if e != 0 {
		return 0, e
	}
	n = min(n, int(room))
	if e := mm.CopyToUser(t.MM, a[3], t.Scratch[:n]); e != 0 {
		return 0, e
	}
	size := int32(n)
	return 0, putStruct(t, a[4], &size)
}

// formatOption puts an option's value into b and returns its size. ENOPROTOOPT.
func formatOption(b []byte, s *unixsock.Socket, which int) (int, errno.Errno) {
	switch which {
	case unixsock.SoRcvTimeo, unixsock.SoSndTimeo:
		v := valOf(s.Timeout(which))
		return copy(b, structBytes(&v)), 0
	case unixsock.SoLinger:
		var l linger
		l.On, l.Seconds = s.Linger()
		return copy(b, structBytes(&l)), 0
	case unixsock.SoPeerCred:
		c := s.PeerCred()
		return copy(b, structBytes(&c)), 0
	}
	v, e := s.Option(which)
	return copy(b, structBytes(&v)), e
}
