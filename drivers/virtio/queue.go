package virtio

import (
	"sync/atomic"
	"unsafe"
)

// Buf is one physically contiguous buffer of a chain.
type Buf struct {
	Phys  uint64
	Len   uint32
	Write bool // the device writes it
}

// Queue is a split virtqueue (2.7). The driver fills descriptors and puts the
// first one of each chain, the head, into the available ring; the device puts
// it into the used ring when it is done with the chain.
//
// The 16-bit indices are published and read together with the flags beside
// them as one 32-bit word, because sync/atomic has nothing smaller. A store
// through sync/atomic is also a full barrier, which the protocol wants
// between publishing an index and reading the other side's event index.
//
// Invariants: a head is either free or in flight (chain[head] > 0); nfree plus
// the lengths of the chains in flight is size. What the device writes is
// never trusted: Pop checks it against chain.
type Queue struct {
	// immutable
	size       uint16
	table      int // entries of an indirect table; 0: chain in the ring itself
	eventIdx   bool
	phys       [3]uint64 // of descriptors, available ring, used ring
	desc       []desc
	tables     []desc // size tables of `table` entries
	tablesPhys uint64
	avail      *uint32 // flags (always 0: interrupt me) and index
	availRing  []uint16
	usedEvent  *uint32
	used       *uint32
	usedRing   []usedElem
	availEvent *uint32

	// guarded by the owning driver's lock
	next     []uint16 // free list, and the rest of a chain in flight
	chain    []uint16 // by head: descriptors in flight, 0 if not a head in flight
	free     uint16
	nfree    uint16
	inFlight uint16 // heads
	availIdx uint16 // chains added
	kicked   uint16 // chains published
	lastUsed uint16 // chains taken back
}

// NewQueue lays a queue of size descriptors, a power of two, into mem (see
// QueueBytes). With table > 0 each chain goes into an indirect table of so many
// entries and costs one descriptor. eventIdx says that VIRTIO_F_EVENT_IDX was
// agreed on.
func NewQueue(mem Memory, size uint16, table int, eventIdx bool) *Queue {
	n := uintptr(size)
	d := mem.cut(n * descSize)
	a := mem.cut(ringHeader + 2*n + eventWord)
	u := mem.cut(ringHeader + usedElemSize*n + eventWord)
	q := &Queue{
		size:       size,
		table:      table,
		eventIdx:   eventIdx,
		phys:       [3]uint64{d.Phys, a.Phys, u.Phys},
		desc:       unsafe.Slice((*desc)(d.Ptr), size),
		avail:      (*uint32)(a.Ptr),
		availRing:  unsafe.Slice((*uint16)(unsafe.Add(a.Ptr, ringHeader)), size),
		usedEvent:  (*uint32)(unsafe.Add(a.Ptr, ringHeader+2*n)),
		used:       (*uint32)(u.Ptr),
		usedRing:   unsafe.Slice((*usedElem)(unsafe.Add(u.Ptr, ringHeader)), size),
		availEvent: (*uint32)(unsafe.Add(u.Ptr, ringHeader+usedElemSize*n)),
		next:       make([]uint16, size),
		chain:      make([]uint16, size),
		nfree:      size,
	}
	if table > 0 {
		t := mem.cut(n * uintptr(table) * descSize)
		q.tables = unsafe.Slice((*desc)(t.Ptr), int(size)*table)
		q.tablesPhys = t.Phys
	}
	for i := range q.next {
		q.next[i] = uint16(i + 1)
	}
	return q
}

// Size returns the number of descriptors.
func (q *Queue) Size() uint16 { return q.size }

// Room says whether a chain of n buffers can be added now.
func (q *Queue) Room(n int) bool {
	if q.table > 0 {
		return n <= q.table && q.nfree > 0
	}
	return n <= int(q.nfree)
}

// NextHead returns the head that the next chain will get. There is Room.
func (q *Queue) NextHead() uint16 { return q.free }

// Add puts a chain of buffers into the available ring, for which there is
// Room, and returns its head. Buffers that the device reads come first. The
// device sees the chain after the next Kick.
func (q *Queue) Add(bufs []Buf) (head uint16) {
	head = q.free
	last := head
	if q.table > 0 {
		q.addIndirect(head, bufs)
		q.chain[head] = 1
	} else {
		last = q.addDirect(head, bufs)
		q.chain[head] = uint16(len(bufs))
	}
	q.free = q.next[last]
	q.nfree -= q.chain[head]
	q.inFlight++
	q.availRing[q.availIdx&(q.size-1)] = head
	q.availIdx++
	return head
}

func (q *Queue) addDirect(head uint16, bufs []Buf) (last uint16) {
	at := head
	for i := range bufs {
		last = at
		q.desc[at] = descriptor(&bufs[i])
		if i < len(bufs)-1 {
			at = q.next[at]
			q.desc[last].flags |= descNext
			q.desc[last].next = at
		}
	}
	return last
}

func (q *Queue) addIndirect(head uint16, bufs []Buf) {
	first := int(head) * q.table
	t := q.tables[first : first+q.table]
	for i := range bufs {
		t[i] = descriptor(&bufs[i])
		if i < len(bufs)-1 {
			t[i].flags |= descNext
			t[i].next = uint16(i + 1)
		}
	}
	q.desc[head] = desc{
		addr:  q.tablesPhys + uint64(first)*descSize,
		len:   uint32(len(bufs)) * descSize,
		flags: descIndirect,
	}
}

func descriptor(b *Buf) desc {
	d := desc{addr: b.Phys, len: b.Len}
	if b.Write {
		d.flags = descWrite
	}
	return d
}

// Kick shows the device the chains added since the last Kick. It returns true
// if the device is to be notified of them; the caller then rings the doorbell,
// with or without its lock.
func (q *Queue) Kick() (notify bool) {
	old, now := q.kicked, q.availIdx
	if old == now {
		return false
	}
	q.kicked = now
	atomic.StoreUint32(q.avail, uint32(now)<<16)
	if q.eventIdx {
		event := uint16(atomic.LoadUint32(q.availEvent))
		return now-event-1 < now-old
	}
	// Without event indexes the device's wish not to be notified is ignored:
	// it would be read before our index is sure to be visible.
	return true
}

// PopResult says what Pop found.
type PopResult uint8

const (
	PopNothing PopResult = iota
	PopChain             // a chain came back
	PopGarbage           // the used ring makes no sense: the device is broken
)

// Pop takes back one chain that the device has used: its head, and the number
// of bytes the device claims to have written. The chain's descriptors are free
// again.
func (q *Queue) Pop() (head uint16, written uint32, result PopResult) {
	idx := uint16(atomic.LoadUint32(q.used) >> 16)
	if idx == q.lastUsed {
		return 0, 0, PopNothing
	}
	if idx-q.lastUsed > q.inFlight {
		return 0, 0, PopGarbage
	}
	e := q.usedRing[q.lastUsed&(q.size-1)]
	if e.id >= uint32(q.size) || q.chain[e.id] == 0 {
		return 0, 0, PopGarbage
	}
	q.lastUsed++
	head = uint16(e.id)
	q.release(head)
	return head, e.len, PopChain
}

// release returns the chain at head to the free list, in order.
func (q *Queue) release(head uint16) {
	n := q.chain[head]
	last := head
	for range n - 1 {
		last = q.next[last]
	}
	q.next[last] = q.free
	q.free = head
	q.nfree += n
	q.chain[head] = 0
	q.inFlight--
}

// Rearm asks for an interrupt when the next chain is used. It returns true if
// one came back meanwhile: the caller must Pop again, for the device may have
// looked before the request was made.
func (q *Queue) Rearm() (more bool) {
	if q.eventIdx {
		atomic.StoreUint32(q.usedEvent, uint32(q.lastUsed))
	}
	return uint16(atomic.LoadUint32(q.used)>>16) != q.lastUsed
}

// InFlight returns the number of chains the device has.
func (q *Queue) InFlight() int { return int(q.inFlight) }
