package unixsock

import (
	"syscall"
	"time"

	"yolk/fs"
)

// Listen is listen(2); c is who listens. EOPNOTSUPP: datagrams; EINVAL: it has no name,
// or is connected. Takes connLock.
func (s *Socket) Listen(backlog int, c Cred) syscall.Errno {
	if s.typ == Datagram {
		return syscall.EOPNOTSUPP
	}
	connLock.Lock()
	defer connLock.Unlock()
	if s.name.Load() == nil || s.state.Load() == connected {
		return syscall.EINVAL
	}
	if backlog < 0 || backlog > maxBacklog {
		backlog = maxBacklog
	}
	s.limit.Store(int32(backlog))
	s.peerCred.Store(&c)
	s.state.Store(listening)
	s.roomq.WakeAll() // there may be more of it
	return 0
}

// Connect is connect(2) for c, who is who. A stream or sequence waits, up to wait, while the
// listener has too many to accept. ECONNREFUSED, ENOENT, EACCES, EPROTOTYPE; EISCONN; EINVAL: it
// listens itself; EPERM: a datagram socket that hears only its own peer; ENFILE; as await.
// Takes tree locks and connLock; may sleep.
func (s *Socket) Connect(c fs.Caller, to Name, who Cred, wait time.Duration) syscall.Errno {
	if e := s.nameForCreds(); e != 0 {
		return e
	}
	if s.typ == Datagram {
		other, e := find(c, to, s.typ)
		if e != 0 {
			return e
		}
		return s.setPeer(other)
	}
	end, e := newSocket(s.typ)
	if e != 0 {
		return e
	}
	for {
		l, e := find(c, to, s.typ)
		if e == 0 {
			e = s.call(l, end, who)
		}
		if e == syscall.EAGAIN {
			if e = await(&l.roomq, l.roomy, &wait); e == 0 {
				continue
			}
		}
		if e != 0 {
			end.end(true)
			return e
		}
		l.rq.WakeAll()
		return 0
	}
}

// call makes end the other end of s, and leaves it with listener l. ECONNREFUSED, EISCONN,
// EINVAL; EAGAIN: there are too many already.
func (s *Socket) call(l, end *Socket, who Cred) syscall.Errno {
	connLock.Lock()
	defer connLock.Unlock()
	if l.state.Load() != listening || l.ended(shutRead) {
		return syscall.ECONNREFUSED
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.dead.Load():
		return syscall.ECONNREFUSED
	case l.full():
		return syscall.EAGAIN
	case s.state.Load() == connected:
		return syscall.EISCONN
	case s.state.Load() == listening:
		return syscall.EINVAL
	}
	end.name.Store(l.name.Load())
	end.opts.passCred.Store(l.opts.passCred.Load())
	join(s, end, who, *l.peerCred.Load())
	if l.last == nil {
		l.first = end
	} else {
		l.last.nextToCome = end
	}
	l.last = end
	l.count.Add(1)
	return 0
}

// setPeer connects a datagram socket to other, nil for nobody. What others have sent is
// lost, and a former peer that was connected to s is told. EPERM.
func (s *Socket) setPeer(other *Socket) syscall.Errno {
	connLock.Lock()
	if other != nil && other.peer.Load() != nil && other.peer.Load() != s {
		connLock.Unlock()
		return syscall.EPERM
	}
	old := s.peer.Swap(other)
	connLock.Unlock()
	if old != nil && old != other {
		s.forget(old)
	}
	return 0
}

// Disconnect is connect(2) to AF_UNSPEC. EINVAL: only datagram sockets can.
func (s *Socket) Disconnect() syscall.Errno {
	if s.typ != Datagram {
		return syscall.EINVAL
	}
	return s.setPeer(nil)
}

// Accept is accept(2) without the descriptor: the file of the new end, which has owner's
// user, and the socket. EOPNOTSUPP: datagrams; EINVAL: it does not listen, or no more; as await.
func (s *Socket) Accept(owner *fs.Cred, flags uint32, wait time.Duration) (*fs.File, *Socket, syscall.Errno) {
	switch {
	case s.typ == Datagram:
		return nil, nil, syscall.EOPNOTSUPP
	case s.state.Load() != listening:
		return nil, nil, syscall.EINVAL
	}
	for {
		_, ended := s.atEnd()
		if end := s.answer(); end != nil {
			s.roomq.WakeAll()
			f, e := end.open(owner, flags)
			if e != 0 {
				end.end(true)
			}
			return f, end, e
		}
		if ended {
			return nil, nil, syscall.EINVAL
		}
		if e := await(&s.rq, s.readable, &wait); e != 0 {
			return nil, nil, e
		}
	}
}

// answer takes the oldest connection off the queue, or returns nil.
func (s *Socket) answer() *Socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	end := s.first
	if end == nil {
		return nil
	}
	if s.first = end.nextToCome; s.first == nil {
		s.last = nil
	}
	end.nextToCome = nil
	s.count.Add(-1)
	return end
}

// Shutdown is shutdown(2). EINVAL: how.
func (s *Socket) Shutdown(how int) syscall.Errno {
	if how < syscall.SHUT_RD || how > syscall.SHUT_RDWR {
		return syscall.EINVAL
	}
	dirs := uint32(how + 1)
	s.shut.Or(dirs)
	s.wakeAll()
	if p := s.peer.Load(); p != nil && s.typ != Datagram {
		p.shut.Or(dirs>>1 | dirs<<1&shutBoth) // what one end sends the other receives
		p.wakeAll()
	}
	return 0
}

// Release ends the socket with its file.
func (s *Socket) Release(*fs.File) { s.end(false) }

// end closes s: its name is free, its peer is told, what waits in its queue is lost. unheard:
// nobody has accepted it. Takes connLock, then scmLock; may sleep.
func (s *Socket) end(unheard bool) {
	connLock.Lock()
	s.mu.Lock()
	s.dead.Store(true)
	s.shut.Or(shutBoth)
	lost, first := s.takeAll(), s.first
	s.first, s.last = nil, nil
	s.mu.Unlock()
	path := s.unbind()
	s.unlist()
	if p := s.peer.Load(); p != nil {
		if s.typ == Datagram {
			s.peer.Store(nil)
		} else {
			p.hangUp(lost != nil || unheard)
		}
	}
	connLock.Unlock()
	sockets.Add(-1)
	s.wakeAll()
	if path != nil {
		path.Release()
	}
	for first != nil {
		next := first.nextToCome
		first.end(true)
		first = next
	}
	discard(lost)
}

// hangUp tells s that its peer is gone, and with reset that something of it was lost.
func (s *Socket) hangUp(reset bool) {
	if reset {
		s.fail.Store(uint32(syscall.ECONNRESET))
	}
	s.shut.Or(shutBoth)
	s.wakeAll()
}
