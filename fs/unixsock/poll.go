package unixsock

import (
	"syscall"

	"yolk/fs"
)

// Poll reports messages, connections to accept, room, and the ends of both directions.
// Source: Linux's unix_poll and unix_dgram_poll.
func (s *Socket) Poll(_ *fs.File, t *fs.PollTable) fs.PollEvents {
	t.Add(&s.rq)
	t.Add(&s.wq)
	ev := fs.PollEvents(0)
	shut, state := s.shut.Load(), s.state.Load()
	if s.fail.Load() != 0 {
		ev |= fs.PollErr
	}
	if shut == shutBoth || s.typ != Datagram && state == idle {
		ev |= fs.PollHup
	}
	if shut&shutRead != 0 {
		ev |= fs.PollRdHup | fs.PollIn | fs.PollRdNorm
	}
	if s.count.Load() > 0 {
		ev |= fs.PollIn | fs.PollRdNorm
	}
	if state != listening && s.mostlyEmpty() && s.peerHasRoom(t) {
		ev |= fs.PollOut | fs.PollWrNorm | fs.PollWrBand
	}
	return ev
}

// peerHasRoom reports whether the queue of a datagram socket's peer is not full.
func (s *Socket) peerHasRoom(t *fs.PollTable) bool {
	if s.typ != Datagram {
		return true
	}
	p := s.peer.Load()
	if p == nil || p.peer.Load() == s {
		return true
	}
	t.Add(&p.roomq)
	return p.roomy()
}

// Requests of ioctl(2) beside fs.FIONREAD.
const siocOutQ = 0x5411

// Ioctl knows FIONREAD (SIOCINQ) and SIOCOUTQ. EINVAL: s listens; ENOTTY.
func (s *Socket) Ioctl(_ *fs.File, req uint32, u fs.UserMem, arg uintptr) (uintptr, syscall.Errno) {
	n := 0
	switch {
	case req != fs.FIONREAD && req != siocOutQ:
		return 0, syscall.ENOTTY
	case s.state.Load() == listening:
		return 0, syscall.EINVAL
	case req == siocOutQ:
		n = int(s.sent.Load())
	default:
		n = s.waiting()
	}
	b := [4]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}
	return 0, u.CopyOut(arg, b[:])
}

// waiting is the number of bytes that could be received: of a datagram socket those of
// the next message.
func (s *Socket) waiting() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := s.head; p != nil; p = p.next {
		n += p.left()
		if s.typ == Datagram {
			break
		}
	}
	return n
}

// Sync refuses, as fsync(2) says for sockets.
func (s *Socket) Sync(*fs.File) syscall.Errno { return syscall.EINVAL }
