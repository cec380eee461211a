package unixsock

import (
	"sync/atomic"
	"syscall"
	"time"

	"yolk/fs"
	"yolk/locks"
)

// NewPacket makes a packet for a message of n bytes, which the caller fills and sends,
// or drops with Done. named: the call has an address. EPIPE, ENOTCONN; EMSGSIZE: SO_SNDBUF has
// no room for it; ENOBUFS; a pending error; as await.
func (s *Socket) NewPacket(n int, m *Message, named bool) (*Packet, syscall.Errno) {
	if s.typ == SeqPacket {
		if e := s.failure(); e != 0 {
			return nil, e
		}
		if s.state.Load() != connected {
			return nil, syscall.ENOTCONN
		}
	} else if !named && s.peer.Load() == nil {
		return nil, syscall.ENOTCONN
	}
	if n > int(s.opts.sndbuf.Load())-32 {
		return nil, syscall.EMSGSIZE
	}
	for {
		if e := s.failure(); e != 0 {
			return nil, e
		}
		if s.ended(shutWrite) {
			return nil, syscall.EPIPE
		}
		if s.hasRoom() {
			break
		}
		if e := await(&s.wq, s.writable, &m.Wait); e != 0 {
			return nil, e
		}
	}
	p, e := newPacket(s, n)
	if e == 0 {
		p.data = p.data[:n]
	}
	return p, e
}

// Send sends a packet, to the socket that has the name to in c's eyes, or to the peer if
// named is false. It takes the packet over unless it fails. ECONNREFUSED, ENOENT, EACCES, EPROTOTYPE,
// as in Connect; ENOTCONN; EPERM: it hears only its own peer; EPIPE: it receives no
// more; as await, when its queue is full.
func (s *Socket) Send(c fs.Caller, p *Packet, m *Message, to Name, named bool) syscall.Errno {
	for {
		dest := s.peer.Load()
		if named && s.typ == Datagram {
			var e syscall.Errno
			if dest, e = find(c, to, s.typ); e != 0 {
				return e
			}
		}
		if dest == nil {
			return syscall.ENOTCONN
		}
		switch e := s.deliver(dest, p, m); e {
		default:
			return e
		case errDead:
			if s.typ == SeqPacket {
				return syscall.EPIPE
			}
			if s.leave(dest) {
				return syscall.ECONNREFUSED
			}
		case syscall.EAGAIN:
			if e := await(&dest.roomq, dest.roomy, &m.Wait); e != 0 {
				return e
			}
		}
	}
}

// errDead is what deliver says of a socket that is closed.
const errDead = syscall.EBADF

// deliver puts p into dest's queue. errDead; EPERM, EPIPE; EAGAIN: the queue is full.
func (s *Socket) deliver(dest *Socket, p *Packet, m *Message) syscall.Errno {
	dest.mu.Lock()
	peer := dest.peer.Load()
	e := syscall.Errno(0)
	switch {
	case dest.dead.Load():
		e = errDead
	case peer != nil && peer != s:
		e = syscall.EPERM
	case dest.ended(shutRead):
		e = syscall.EPIPE
	case dest != s && peer != s && dest.full():
		e = syscall.EAGAIN
	default:
		m.attach(p)
		dest.push(p)
	}
	dest.mu.Unlock()
	if e == 0 {
		dest.rq.WakeAllSync()
	}
	return e
}

// full reports whether the queue takes no more of strangers. The peer is bounded by
// SO_SNDBUF only.
func (s *Socket) full() bool { return s.count.Load() > s.limit.Load() }

// leave ends a datagram socket's connection to dest, which is closed, and reports
// whether there was one. What dest has sent is lost with it.
func (s *Socket) leave(dest *Socket) bool {
	connLock.Lock()
	left := s.peer.CompareAndSwap(dest, nil)
	connLock.Unlock()
	if left {
		s.forget(dest)
	}
	return left
}

// forget drops what is in the queue of s, whose peer was old. One that is connected to s
// is told, if that was something.
func (s *Socket) forget(old *Socket) {
	s.mu.Lock()
	lost := s.takeAll()
	s.mu.Unlock()
	if lost != nil && old.peer.Load() == s && !old.dead.Load() {
		old.fail.Store(uint32(syscall.ECONNRESET))
		old.wakeAll()
	}
	s.roomq.WakeAll()
	discard(lost)
}

// Receive takes a message, which is the caller's until Done; nil is the end. ENOTCONN;
// EAGAIN; a pending error; as await.
func (s *Socket) Receive(r *Receipt) (*Packet, syscall.Errno) {
	if s.typ == SeqPacket && s.state.Load() != connected {
		return nil, syscall.ENOTCONN
	}
	for {
		failed, ended := s.atEnd()
		if p := s.receive(r); p != nil {
			return p, 0
		}
		if failed {
			if e := s.failure(); e != 0 {
				return nil, e
			}
			continue
		}
		if ended {
			if s.typ == Datagram && r.Wait == 0 {
				return nil, syscall.EAGAIN
			}
			return nil, 0
		}
		if e := await(&s.rq, s.readable, &r.Wait); e != 0 {
			return nil, e
		}
	}
}

// receive is Receive without waiting.
func (s *Socket) receive(r *Receipt) *Packet {
	var landed []*fs.File
	s.mu.Lock()
	p := s.head
	switch {
	case p == nil:
		s.mu.Unlock()
		return nil
	case r.Peek:
		p.refs.Add(1)
		r.Files = dup(p.files)
	default:
		s.pop()
		landed, p.files = p.files, nil
		r.Files = landed
	}
	s.mu.Unlock()
	r.Any, r.Cred, r.Name = true, p.cred, p.from.Name()
	s.settle(r, landed, p.uid)
	if !r.Peek {
		s.roomq.WakeAll()
	}
	return p
}

// Read and Write are for the kernel's own copies (sendfile); programs' calls come by
// the methods above.

// Read receives; files in the message are closed.
func (s *Socket) Read(f *fs.File, b []byte, off int64) (n int, e syscall.Errno) {
	r := Receipt{Wait: s.RecvWait(f.Flags()&syscall.O_NONBLOCK != 0 || off == fs.NoWait)}
	if s.Packets() {
		var p *Packet
		if p, e = s.Receive(&r); p != nil {
			n = copy(b, p.Bytes())
			p.Done()
		}
	} else {
		n, e = s.Take(b, &r, true)
	}
	for _, f := range r.Files {
		f.Put()
	}
	return n, e
}

// Write sends.
func (s *Socket) Write(f *fs.File, b []byte, _ int64) (n int, next int64, e syscall.Errno) {
	m := Message{Cred: self(), Wait: s.SendWait(f.Flags()&syscall.O_NONBLOCK != 0)}
	if !s.Packets() {
		if n, e = s.Give(b, &m); n > 0 {
			e = 0
		}
		return n, 0, e
	}
	p, e := s.NewPacket(len(b), &m, false)
	if e != 0 {
		return 0, 0, e
	}
	copy(p.Bytes(), b)
	if e = s.Send(fs.Caller{}, p, &m, "", false); e != 0 {
		p.Done()
		return 0, 0, e
	}
	return len(b), 0, 0
}

// self says who runs. Set once, at start-up.
var self = func() Cred { return Cred{} }

// SetSelf connects the package with what knows the running task. Start-up only.
func SetSelf(f func() Cred) { self = f }

// RecvWait is how long a receiving call waits.
func (s *Socket) RecvWait(nonblock bool) time.Duration { return waitOf(&s.opts.rcvTimeo, nonblock) }

// SendWait is how long a sending call waits.
func (s *Socket) SendWait(nonblock bool) time.Duration { return waitOf(&s.opts.sndTimeo, nonblock) }

func waitOf(limit *atomic.Int64, nonblock bool) time.Duration {
	switch d := time.Duration(limit.Load()); {
	case nonblock:
		return 0
	case d > 0:
		return d
	}
	return locks.Forever
}
