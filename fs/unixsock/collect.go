package unixsock

import "yolk/fs"

// A socket whose only references are in messages can be had only by receiving one of
// these. If they all lie in queues of sockets of the same kind, round in a circle, nobody
// ever will: garbage finds those, as unix_gc did in Linux before 6.10. It runs when a
// socket ends while others are in flight, and before a call fails for the number of sockets or of files
// in flight. Until then the limits of these bound what lies there.
//
// A suspect is a socket in flight to which all references are in flight. No suspect's queue
// can lose anything while scmLock is held: who receives has a reference that is not in
// flight, and gets that only through settle.

// Collect ends what nobody can reach any more. Takes scmLock, and all that the end of a file
// takes; may sleep.
func Collect() { discard(nil) }

// anyFlying reports whether sockets are in flight.
func anyFlying() bool {
	scmLock.Lock()
	defer scmLock.Unlock()
	return len(flying.sockets) > 0
}

// garbage takes the queues of all sockets that nobody can reach any more. Takes scmLock,
// inside it the queues'.
func garbage() (list *Packet) {
	scmLock.Lock()
	defer scmLock.Unlock()
	suspects := 0
	for s := range flying.sockets {
		s.inner = 0
		if s.suspect = s.file.Refs() == s.inflight; s.suspect {
			suspects++
		}
	}
	if suspects == 0 {
		return nil
	}
	for s := range flying.sockets {
		if s.suspect {
			s.eachInner(func(i *Socket) { i.inner++ })
		}
	}
	// Those with a reference from elsewhere are no garbage, nor what they lead to.
	var reached []*Socket
	reach := func(i *Socket) {
		if i.suspect {
			i.suspect = false
			reached = append(reached, i)
		}
	}
	for s := range flying.sockets {
		if s.suspect && s.inner < s.inflight {
			reach(s)
		}
	}
	for len(reached) > 0 {
		s := reached[len(reached)-1]
		reached = reached[:len(reached)-1]
		s.eachInner(reach)
	}
	for s := range flying.sockets {
		if s.suspect {
			list = s.strip(list)
		}
	}
	return list
}

// eachInner calls f for each suspect in the messages that s, a suspect, would receive, or
// those who come to be accepted. Takes queue locks, one at a time.
func (s *Socket) eachInner(f func(*Socket)) {
	s.eachQueue(func(q *Socket) {
		for p := q.head; p != nil; p = p.next {
			p.eachSuspect(f)
		}
	})
}

func (p *Packet) eachSuspect(f func(*Socket)) {
	for _, file := range p.files {
		if i := Of(file); i != nil && i.suspect {
			f(i)
		}
	}
}

// eachQueue calls f with s, and with each that waits to be accepted from it, their
// queues locked. Nobody accepts meanwhile: s is a suspect.
func (s *Socket) eachQueue(f func(q *Socket)) {
	s.mu.Lock()
	f(s)
	next := s.first
	s.mu.Unlock()
	for q := next; q != nil; q = next {
		q.mu.Lock()
		f(q)
		q.mu.Unlock()
		s.mu.Lock()
		next = q.nextToCome
		s.mu.Unlock()
	}
}

// strip takes the packets with files out of s's queues, and returns them before list.
func (s *Socket) strip(list *Packet) *Packet {
	s.eachQueue(func(q *Socket) {
		for p := q.takeAll(); p != nil; {
			next := p.next
			p.next, list = list, p
			p = next
		}
	})
	return list
}

var _ fs.FileOps = (*Socket)(nil)
