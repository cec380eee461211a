package unixsock

import (
	"sync/atomic"
	"syscall"
	"time"

	"yolk/fs"
	"yolk/locks"
)

// Types of sockets, as socket(2) numbers them.
const (
	Stream    = syscall.SOCK_STREAM
	Datagram  = syscall.SOCK_DGRAM
	SeqPacket = syscall.SOCK_SEQPACKET
)

// States of a socket. Datagram sockets stay idle, whatever their peer.
const (
	idle = iota
	listening
	connected
)

// Bits of Socket.shut: which directions have ended.
const (
	shutRead  = 1
	shutWrite = 2
	shutBoth  = shutRead | shutWrite
)

// Cred is who sends or connects: struct ucred. The zero Cred is the kernel.
type Cred struct {
	PID      int32
	UID, GID uint32
}

// Socket is one end, and the FileOps of its open file. One that waits to be accepted
// has no file yet.
type Socket struct {
	fs.NoFile

	// Immutable.
	typ    int
	serial uint64

	// Written under connLock.
	state    atomic.Uint32
	peer     atomic.Pointer[Socket] // of a stream or a sequence it stays until the end
	name     atomic.Pointer[binding]
	peerCred atomic.Pointer[Cred] // SO_PEERCRED; nil: nobody yet
	binds    bool                 // a bind is under way; guarded by connLock
	next     *Socket              // in the list of all, by serial; guarded by connLock
	prev     *Socket              // likewise

	shut  atomic.Uint32
	fail  atomic.Uint32 // SO_ERROR: an errno, told once
	dead  atomic.Bool   // the last file is closed; set under mu
	count atomic.Int32  // packets, or connections to accept; written under mu
	limit atomic.Int32  // of count: beyond it the queue is full
	sent  atomic.Int64  // charged for what this socket has sent

	mu         locks.Mutex // guards what follows: the receive queue
	head, tail *Packet
	first      *Socket // connections to accept, oldest first
	last       *Socket
	nextToCome *Socket // the one that came after this one; guarded by the listener's mu

	// Whoever waits: to receive or accept; for room to send; for room in this queue.
	rq, wq, roomq locks.WaitQueue

	// The conditions of those sleeps, made once so that a sleep allocates nothing.
	readable, writable, roomy func() bool

	opts options

	file *fs.File // without a reference; set once, before anybody can see it

	// In flight; guarded by scmLock.
	inflight int  // references to file in messages
	inner    int  // of a collection: those from messages that are in flight themselves
	suspect  bool // of a collection: all references are in messages
}

// options are what setsockopt sets.
type options struct {
	sndbuf, rcvbuf     atomic.Int32
	lowat              atomic.Int32
	rcvTimeo, sndTimeo atomic.Int64 // time.Duration; 0: for ever
	passCred           atomic.Bool
	flags              atomic.Uint32 // those that are remembered and mean nothing here
	linger             atomic.Uint64
	priority           atomic.Int32
}

// connLock guards names, states and peers, and the list of all sockets.
var connLock locks.Mutex

// all is that list.
var all struct {
	first, last *Socket
	serial      uint64
}

func init() { connLock.Init(locks.SockSem) }

// newSocket makes a socket without a file. ENFILE: there are too many. Takes scmLock
// and connLock; may sleep.
func newSocket(typ int) (*Socket, syscall.Errno) {
	if !countSocket() {
		return nil, syscall.ENFILE
	}
	s := &Socket{typ: typ}
	s.mu.Init(locks.PipeSem)
	s.limit.Store(queueLength)
	s.opts.sndbuf.Store(bufferDefault)
	s.opts.rcvbuf.Store(bufferDefault)
	s.opts.lowat.Store(1)
	s.readable = func() bool {
		return s.count.Load() > 0 || s.shut.Load()&shutRead != 0 || s.fail.Load() != 0
	}
	s.writable = func() bool {
		return s.hasRoom() || s.shut.Load()&shutWrite != 0 || s.fail.Load() != 0
	}
	s.roomy = func() bool {
		return s.count.Load() <= s.limit.Load() || s.dead.Load() || s.shut.Load()&shutRead != 0
	}
	connLock.Lock()
	all.serial++
	s.serial = all.serial
	s.prev = all.last
	if all.last == nil {
		all.first = s
	} else {
		all.last.next = s
	}
	all.last = s
	connLock.Unlock()
	return s, 0
}

// unlist takes s out of the list of all. connLock held.
func (s *Socket) unlist() {
	if s.prev == nil {
		all.first = s.next
	} else {
		s.prev.next = s.next
	}
	if s.next == nil {
		all.last = s.prev
	} else {
		s.next.prev = s.prev
	}
	s.prev, s.next = nil, nil // or whoever still knows of s would keep all that ended after it
}

// open gives s its file.
func (s *Socket) open(owner *fs.Cred, flags uint32) (*fs.File, syscall.Errno) {
	f, e := fs.NewSocketFile(owner, flags, s)
	s.file = f
	return f, e
}

// New is socket(2) without the descriptor. flags: O_NONBLOCK. ESOCKTNOSUPPORT; ENFILE.
// Takes scmLock and connLock; may sleep.
func New(owner *fs.Cred, typ int, flags uint32) (*fs.File, syscall.Errno) {
	switch typ {
	case Stream, Datagram, SeqPacket:
	case syscall.SOCK_RAW: // an old name
		typ = Datagram
	default:
		return nil, syscall.ESOCKTNOSUPPORT
	}
	s, e := newSocket(typ)
	if e != 0 {
		return nil, e
	}
	f, e := s.open(owner, flags)
	if e != 0 {
		s.end(true)
	}
	return f, e
}

// NewPair is socketpair(2) without the descriptors; c is who asks. Errno as New.
func NewPair(owner *fs.Cred, typ int, flags uint32, c Cred) (a, b *fs.File, e syscall.Errno) {
	if a, e = New(owner, typ, flags); e != 0 {
		return nil, nil, e
	}
	if b, e = New(owner, typ, flags); e != 0 {
		a.Put()
		return nil, nil, e
	}
	connLock.Lock()
	join(Of(a), Of(b), c, c)
	connLock.Unlock()
	return a, b, 0
}

// join connects two sockets; ca and cb are who they belong to. connLock held.
func join(a, b *Socket, ca, cb Cred) {
	connLock.AssertHeld()
	a.peerCred.Store(&cb)
	b.peerCred.Store(&ca)
	b.peer.Store(a)
	a.peer.Store(b)
	if a.typ != Datagram {
		b.state.Store(connected)
		a.state.Store(connected)
	}
}

// Of returns the socket that f is of, or nil.
func Of(f *fs.File) *Socket {
	s, _ := f.Ops().(*Socket)
	return s
}

// Type is SO_TYPE.
func (s *Socket) Type() int { return s.typ }

// Packets reports whether each call sends and receives one whole message.
func (s *Socket) Packets() bool { return s.typ != Stream }

// await sleeps on q until cond holds. left is how long it may: what it took is taken
// off. EAGAIN: it may not, or no longer; ERESTARTSYS, and EINTR if there was a limit: a signal.
func await(q *locks.WaitQueue, cond func() bool, left *time.Duration) syscall.Errno {
	if *left == 0 {
		return syscall.EAGAIN
	}
	start := time.Time{}
	if *left > 0 {
		start = time.Now()
	}
	r := q.WaitTimeout(cond, *left, true)
	if *left > 0 {
		*left = max(*left-time.Since(start), 0)
	}
	switch {
	case r == locks.TimedOut:
		return syscall.EAGAIN
	case r == locks.Interrupted && *left != locks.Forever:
		return syscall.EINTR
	case r == locks.Interrupted:
		return fs.ERESTARTSYS
	}
	return 0
}

// failure takes the pending error, if there is one.
func (s *Socket) failure() syscall.Errno {
	if s.fail.Load() == 0 {
		return 0
	}
	return syscall.Errno(s.fail.Swap(0))
}

// ended reports whether a direction has ended.
func (s *Socket) ended(dir uint32) bool { return s.shut.Load()&dir != 0 }

// atEnd reports whether there is an error to tell, and whether nothing more will come.
// Who receives asks before it looks into the queue: what it does not find there then
// was not sent before the end either.
func (s *Socket) atEnd() (failed, ended bool) {
	return s.fail.Load() != 0, s.ended(shutRead)
}

// wakeAll wakes whoever waits for anything about s.
func (s *Socket) wakeAll() {
	s.rq.WakeAll()
	s.wq.WakeAll()
	s.roomq.WakeAll()
}

// hasRoom reports whether s may send: a stream that was full only when three quarters
// of that are gone, so that a writer and its reader do not wake each other for each packet.
func (s *Socket) hasRoom() bool {
	if s.typ == Stream {
		return s.mostlyEmpty()
	}
	return s.sent.Load() < int64(s.opts.sndbuf.Load())
}

// mostlyEmpty is what poll(2) calls writable (unix_writable).
func (s *Socket) mostlyEmpty() bool { return s.sent.Load()*4 <= int64(s.opts.sndbuf.Load()) }
