package unixsock

import (
	"math"
	"syscall"
	"time"
)

// Options of level SOL_SOCKET, as in setsockopt(2).
const (
	SoDebug      = 1
	SoReuseAddr  = 2
	SoType       = 3
	SoError      = 4
	SoDontRoute  = 5
	SoBroadcast  = 6
	SoSndBuf     = 7
	SoRcvBuf     = 8
	SoKeepAlive  = 9
	SoOOBInline  = 10
	SoPriority   = 12
	SoLinger     = 13
	SoReusePort  = 15
	SoPassCred   = 16
	SoPeerCred   = 17
	SoRcvLowat   = 18
	SoSndLowat   = 19
	SoRcvTimeo   = 20
	SoSndTimeo   = 21
	SoTimestamp  = 29
	SoAcceptConn = 30
	SoProtocol   = 38
	SoDomain     = 39
)

// NoCred is SO_PEERCRED of a socket that nobody is connected to.
var NoCred = Cred{0, math.MaxUint32, math.MaxUint32}

// Option returns an option whose value is an int. ENOPROTOOPT.
func (s *Socket) Option(which int) (int32, syscall.Errno) {
	is := func(b bool) (int32, syscall.Errno) {
		if b {
			return 1, 0
		}
		return 0, 0
	}
	switch which {
	case SoType:
		return int32(s.typ), 0
	case SoDomain:
		return syscall.AF_UNIX, 0
	case SoProtocol:
		return 0, 0
	case SoError:
		return int32(s.failure()), 0
	case SoAcceptConn:
		return is(s.state.Load() == listening)
	case SoSndBuf:
		return s.opts.sndbuf.Load(), 0
	case SoRcvBuf:
		return s.opts.rcvbuf.Load(), 0
	case SoRcvLowat:
		return s.opts.lowat.Load(), 0
	case SoSndLowat:
		return 1, 0
	case SoPriority:
		return s.opts.priority.Load(), 0
	case SoPassCred:
		return is(s.opts.passCred.Load())
	}
	if !remembered(which) {
		return 0, syscall.ENOPROTOOPT
	}
	return is(s.opts.flags.Load()>>which&1 != 0)
}

// remembered are options that have a value and no meaning between tasks of one machine.
func remembered(which int) bool {
	switch which {
	case SoDebug, SoReuseAddr, SoDontRoute, SoBroadcast, SoKeepAlive, SoOOBInline, SoReusePort, SoTimestamp:
		return true
	}
	return false
}

// SetOption sets one of those. ENOPROTOOPT: there is none to set; EACCES: SO_DEBUG
// without privilege; EPERM: a priority likewise.
func (s *Socket) SetOption(which int, v int32, privileged bool) syscall.Errno {
	switch which {
	case SoSndBuf:
		s.opts.sndbuf.Store(max(2*min(max(v, 0), bufferDefault), minSndbuf))
		s.wq.WakeAll()
	case SoRcvBuf:
		s.opts.rcvbuf.Store(max(2*min(max(v, 0), bufferDefault), minRcvbuf))
	case SoRcvLowat:
		if v < 0 {
			v = math.MaxInt32
		}
		s.opts.lowat.Store(max(v, 1))
	case SoPriority:
		if !privileged && (v < 0 || v > 6) {
			return syscall.EPERM
		}
		s.opts.priority.Store(v)
	case SoPassCred:
		s.opts.passCred.Store(v != 0)
	case SoDebug:
		if v != 0 && !privileged {
			return syscall.EACCES
		}
		s.remember(which, v != 0)
	default:
		if !remembered(which) {
			return syscall.ENOPROTOOPT
		}
		s.remember(which, v != 0)
	}
	return 0
}

func (s *Socket) remember(which int, on bool) {
	if on {
		s.opts.flags.Or(1 << which)
	} else {
		s.opts.flags.And(^uint32(1 << which))
	}
}

// Timeout is SO_RCVTIMEO or SO_SNDTIMEO; 0: for ever.
func (s *Socket) Timeout(which int) time.Duration {
	if which == SoRcvTimeo {
		return time.Duration(s.opts.rcvTimeo.Load())
	}
	return time.Duration(s.opts.sndTimeo.Load())
}

// SetTimeout sets one of those.
func (s *Socket) SetTimeout(which int, d time.Duration) {
	if which == SoRcvTimeo {
		s.opts.rcvTimeo.Store(int64(d))
	} else {
		s.opts.sndTimeo.Store(int64(d))
	}
}

// Linger is SO_LINGER, a struct linger: remembered, for closing never waits here.
func (s *Socket) Linger() (on, seconds int32) {
	v := s.opts.linger.Load()
	return int32(v), int32(v >> 32)
}

// SetLinger sets it.
func (s *Socket) SetLinger(on, seconds int32) {
	if on != 0 {
		on = 1
	}
	s.opts.linger.Store(uint64(uint32(on)) | uint64(uint32(seconds))<<32)
}

// PeerCred is SO_PEERCRED.
func (s *Socket) PeerCred() Cred {
	if c := s.peerCred.Load(); c != nil {
		return *c
	}
	return NoCred
}

// PassCred reports whether a receiver gets the sender's identity.
func (s *Socket) PassCred() bool { return s.opts.passCred.Load() }

// Lowat is how many of size bytes a receiving call on a stream waits for: all of them
// with MSG_WAITALL, else SO_RCVLOWAT.
func (s *Socket) Lowat(all bool, size int) int {
	if all {
		return size
	}
	return min(int(s.opts.lowat.Load()), size)
}
