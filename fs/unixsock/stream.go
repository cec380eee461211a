package unixsock

import (
	"syscall"
	"time"

	"yolk/fs"
)

// Message is what a sending call sends beside its bytes.
type Message struct {
	Cred  Cred
	Files []*fs.File // in flight already (Launch); they go with the first packet
	UID   uint32     // whose they count as
	Wait  time.Duration
}

// attach gives p what the message has.
func (m *Message) attach(p *Packet) {
	p.cred, p.files, p.uid, p.closed = m.Cred, m.Files, m.UID, m.Files != nil
	m.Files = nil
}

// Receipt is what a receiving call finds beside the bytes. A call may take a stream in
// pieces: all with one Receipt.
type Receipt struct {
	Peek  bool // leave it in the queue
	Wait  time.Duration
	Name  Name // the sender's
	Cred  Cred
	Files []*fs.File // the caller's
	Any   bool       // Name and Cred are somebody's
	End   bool       // what follows is another call's

	peeked int // bytes taken before, with Peek
}

// Ready checks that a stream may send at all. EPIPE, ENOTCONN; EISCONN, EOPNOTSUPP: with
// an address, which is named.
func (s *Socket) Ready(named bool) syscall.Errno {
	switch {
	case named && s.state.Load() == connected:
		return syscall.EISCONN
	case named:
		return syscall.EOPNOTSUPP
	case s.peer.Load() == nil:
		return syscall.ENOTCONN
	case s.ended(shutWrite):
		return syscall.EPIPE
	}
	return 0
}

// Give sends b on a stream: all of it, or as much as m.Wait and signals let it.
// ENOTCONN; EPIPE: the other end receives no more; ENOBUFS; as await.
func (s *Socket) Give(b []byte, m *Message) (done int, e syscall.Errno) {
	for done < len(b) {
		if e = s.Ready(false); e != 0 {
			return done, e
		}
		peer := s.peer.Load()
		n, e := s.extend(peer, b[done:], m)
		if e == 0 && n == 0 {
			n, e = s.giveNew(peer, b[done:], m)
		}
		if e != 0 {
			return done, e
		}
		done += n
	}
	return done, 0
}

// extend adds to the last packet of peer's queue what it has room for, if that is
// one to add to. EPIPE.
func (s *Socket) extend(peer *Socket, b []byte, m *Message) (n int, e syscall.Errno) {
	peer.mu.Lock()
	p := peer.tail
	switch {
	case peer.dead.Load() || peer.ended(shutRead):
		e = syscall.EPIPE
	case p == nil || m.Files != nil || p.closed || p.cred != m.Cred:
	default:
		n = min(len(b), cap(p.data)-len(p.data))
		p.data = append(p.data, b[:n]...)
	}
	peer.mu.Unlock()
	if n > 0 {
		peer.rq.WakeAllSync()
	}
	return n, e
}

// giveNew sends a packet, once there is room for it. ENOBUFS, EPIPE; as await.
func (s *Socket) giveNew(peer *Socket, b []byte, m *Message) (int, syscall.Errno) {
	if s.sent.Load() >= int64(s.opts.sndbuf.Load()) {
		return 0, await(&s.wq, s.writable, &m.Wait)
	}
	p, e := newPacket(s, min(len(b), bigPacket))
	if e != 0 {
		return 0, e
	}
	n := min(len(b), cap(p.data))
	p.data = append(p.data, b[:n]...)
	peer.mu.Lock()
	gone := peer.dead.Load() || peer.ended(shutRead)
	if !gone {
		m.attach(p)
		peer.push(p)
	}
	peer.mu.Unlock()
	if gone {
		p.Done()
		return 0, syscall.EPIPE
	}
	peer.rq.WakeAllSync()
	return n, 0
}

// Take receives from a stream: what is there, up to len(b). Only if wait it waits for
// something to come. 0 bytes are the end, of the stream or (r.End) of what one
// call may take. EINVAL: it is not connected; EAGAIN; a pending error; as await.
func (s *Socket) Take(b []byte, r *Receipt, wait bool) (int, syscall.Errno) {
	if s.state.Load() != connected {
		return 0, syscall.EINVAL
	}
	if len(b) == 0 {
		return 0, 0
	}
	for {
		failed, ended := s.atEnd()
		n := s.takeSome(b, r)
		switch {
		case n > 0 || r.End:
			return n, 0
		case !wait:
			return 0, syscall.EAGAIN
		case failed:
			if e := s.failure(); e != 0 {
				return 0, e
			}
		case ended:
			return 0, 0
		default:
			if e := await(&s.rq, s.readable, &r.Wait); e != 0 {
				return 0, e
			}
		}
	}
}

// takeSome is Take without waiting.
func (s *Socket) takeSome(b []byte, r *Receipt) (n int) {
	var used *Packet // those that are empty now
	var landed []*fs.File
	var uid uint32
	pass := s.opts.passCred.Load()
	skip := r.peeked
	s.mu.Lock()
	for p := s.head; p != nil && n < len(b) && !r.End; {
		if r.Peek && skip >= p.left() {
			skip -= p.left()
			p = p.next
			continue
		}
		if r.Any && pass && p.cred != r.Cred {
			r.End = true // never glue what different writers wrote
			break
		}
		if !r.Any {
			r.Any, r.Cred, r.Name = true, p.cred, p.from.Name()
		}
		k := copy(b[n:], p.data[p.off+skip:])
		n += k
		if p.files != nil && r.Files == nil {
			if r.Files = p.files; r.Peek {
				r.Files = dup(p.files)
			} else {
				landed, uid, p.files = p.files, p.uid, nil
			}
		}
		if r.Peek {
			r.peeked += k
			r.End = r.Files != nil && skip+k == p.left()
			skip, p = 0, p.next
			continue
		}
		if p.off += k; p.left() > 0 {
			break
		}
		r.End = r.Files != nil
		s.pop()
		p.next, used = used, p
		p = s.head
	}
	s.mu.Unlock()
	s.settle(r, landed, uid)
	for p := used; p != nil; {
		next := p.next
		p.Done()
		p = next
	}
	return n
}
