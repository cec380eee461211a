package unixsock

import (
	"sync/atomic"
	"syscall"

	"yolk/fs"
	"yolk/locks"
	"yolk/mm"
)

// Packet is what lies in a receive queue: a message, or a run of a stream's bytes that
// one sender sent. Its memory is charged to the sender until it is freed.
type Packet struct {
	next *Packet // in a queue; in a list of those to be freed

	data []byte
	off  int // data before it has been received, of a stream
	cost int64
	from *Socket
	cred Cred

	files  []*fs.File // in flight, one reference each
	uid    uint32     // whose they count as
	closed bool       // of a stream: it has, or had, files; nothing is added to it

	refs atomic.Int32 // the queue's, and those of calls that have it
}

// packetCost is charged for a packet beside its bytes: about its size, with Go's.
const packetCost = 256

// Packets of up to these sizes are used again, so that sending allocates nothing while
// the receiver keeps up. A stream's are no larger.
const (
	smallPacket = 512
	bigPacket   = 4096
)

var pools = [...]packetPool{{size: smallPacket}, {size: bigPacket}}

// packetPool has packets of one size.
type packetPool struct {
	size int // immutable
	free mm.FreeList[Packet]
}

func init() {
	pools[0].free.Init(locks.FilesLock, 64)
	pools[1].free.Init(locks.FilesLock, 16)
}

// poolOf returns the pool of packets for n bytes, or nil.
func poolOf(n int) *packetPool {
	for k := range pools {
		if n <= pools[k].size {
			return &pools[k]
		}
	}
	return nil
}

func (l *packetPool) get() *Packet {
	p := l.free.Get()
	if p == nil {
		p = &Packet{data: make([]byte, l.size)}
	}
	return p
}

// newPacket makes a packet with room for n bytes and none in it, charged to from.
// ENOBUFS: there is no memory. May sleep.
func newPacket(from *Socket, n int) (*Packet, syscall.Errno) {
	pool, size := poolOf(n), n
	if pool != nil {
		size = pool.size
	}
	cost := int64(size + packetCost)
	if !charge(cost) {
		return nil, syscall.ENOBUFS
	}
	var p *Packet
	if pool != nil {
		p = pool.get()
	} else if b := mm.MakeSlice[byte](n); b != nil {
		p = &Packet{data: b}
	} else {
		queued.Add(-cost)
		return nil, syscall.ENOBUFS
	}
	p.next, p.data, p.off, p.cost, p.from = nil, p.data[:0], 0, cost, from
	p.refs.Store(1)
	from.sent.Add(cost)
	return p, 0
}

// Bytes is the message.
func (p *Packet) Bytes() []byte { return p.data }

// Done gives back a packet that a call has had. The last one frees it, and tells its
// sender of the room. It has no files any more.
func (p *Packet) Done() {
	if p.refs.Add(-1) > 0 {
		return
	}
	from := p.from
	from.sent.Add(-p.cost)
	queued.Add(-p.cost)
	if from.hasRoom() {
		from.wq.WakeAllSync()
	}
	p.from, p.cred, p.closed = nil, Cred{}, false
	if pool := poolOf(cap(p.data)); pool != nil && pool.size == cap(p.data) {
		pool.free.Put(p)
	}
}

// left is how many bytes of a stream's packet wait.
func (p *Packet) left() int { return len(p.data) - p.off }

// push puts p at the end of s's queue. mu held.
func (s *Socket) push(p *Packet) {
	s.mu.AssertHeld()
	if s.tail == nil {
		s.head = p
	} else {
		s.tail.next = p
	}
	s.tail = p
	s.count.Add(1)
}

// pop takes the first packet off. mu held.
func (s *Socket) pop() *Packet {
	s.mu.AssertHeld()
	p := s.head
	if s.head = p.next; s.head == nil {
		s.tail = nil
	}
	p.next = nil
	s.count.Add(-1)
	return p
}

// takeAll empties the queue. mu held.
func (s *Socket) takeAll() (list *Packet) {
	s.mu.AssertHeld()
	if list = s.head; list != nil {
		s.head, s.tail = nil, nil
		s.count.Store(0)
	}
	return list
}
