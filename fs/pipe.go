package fs

import (
	"fmt"
	"sync/atomic"
	"syscall"

	"yolk/locks"
	"yolk/mm"
)

// PipeBuf is the size up to which writes to a pipe are not torn.
const PipeBuf = 4096

// pipeSize is a pipe's capacity, pipeFirst the room it starts with: most pipes
// never carry more, and the Go heap is small.
const (
	pipeSize  = 64 << 10
	pipeFirst = PipeBuf
)

// Pipe is the object behind pipe(2) and FIFOs: a ring of bytes with two queues
// of sleepers. It lives as long as its inode is reachable.
type Pipe struct {
	mu      locks.Mutex // guards the ring
	buf     []byte      // a power of two, pipeFirst to max
	head    int         // next byte to read
	max     int         // capacity: F_SETPIPE_SZ
	fill    atomic.Int32
	readers atomic.Int32 // written under mu
	writers atomic.Int32

	// How often each end has been opened: so a FIFO's opener sees a short visit to
	// the other end, but takes nobody at its own end for one. Written under mu.
	readOpens, writeOpens atomic.Uint32

	rq, wq locks.WaitQueue // sleepers for data, for room

	// The conditions of those sleeps, made once so that a sleep allocates nothing.
	readable, writable, roomy func() bool
}

func newPipe() *Pipe {
	p := &Pipe{max: pipeSize}
	p.mu.Init(locks.PipeSem)
	p.readable = func() bool { return p.fill.Load() > 0 || p.writers.Load() == 0 }
	p.writable = func() bool { return p.room() > 0 || p.readers.Load() == 0 }
	p.roomy = func() bool { return p.room() >= PipeBuf || p.readers.Load() == 0 }
	return p
}

// room is the number of bytes that can be written now.
func (p *Pipe) room() int { return p.max - int(p.fill.Load()) }

// pipeInode is the InodeOps of pipes and FIFOs.
type pipeInode struct {
	NoInode
	pipe *Pipe
	fifo bool // has a name in a file system
}

// pipeFS holds the inodes of pipes that have no name.
var pipeFS = newSuper("pipefs", "none", 0x50495045, 0o555, NoInode{})

// NewPipe is pipe2(2): the read end and the write end. flags: O_NONBLOCK, O_DIRECT.
func NewPipe(cred *Cred, flags uint32) (r, w *File, e syscall.Errno) {
	p := newPipe()
	i := pipeFS.NewInode(syscall.S_IFIFO|0o600, &pipeInode{pipe: p})
	i.attr.UID, i.attr.GID = cred.UID, cred.GID
	i.attr.Nlink = 1
	d := newAnon(fmt.Sprintf("pipe:[%d]", i.ino), i)
	if r, e = newFile(d, syscall.O_RDONLY|flags); e != 0 {
		return nil, nil, e
	}
	if w, e = newFile(d, syscall.O_WRONLY|flags); e != 0 {
		r.Put()
		return nil, nil, e
	}
	p.attach(r)
	p.attach(w)
	return r, w, 0
}

// attach makes f an end of p. For a FIFO's opener it says how many hold the end
// that f is not, and how often that has been opened.
func (p *Pipe) attach(f *File) (others int32, visits uint32) {
	p.mu.Lock()
	if f.CanRead() {
		p.readers.Add(1)
		p.readOpens.Add(1)
	}
	if f.CanWrite() {
		p.writers.Add(1)
		p.writeOpens.Add(1)
	}
	holders, opens := p.partner(f)
	others, visits = holders.Load(), opens.Load()
	p.mu.Unlock()
	f.ops = (*pipeFile)(p)
	p.rq.WakeAll()
	p.wq.WakeAll()
	return others, visits
}

// partner is what counts the holders and the opens of the end that f is not.
func (p *Pipe) partner(f *File) (*atomic.Int32, *atomic.Uint32) {
	if f.CanRead() {
		return &p.writers, &p.writeOpens
	}
	return &p.readers, &p.readOpens
}

// Open makes f an end of the pipe. For a FIFO it waits for the other end, as
// open(2) does; an open for both never waits, nor one of a pipe without a name,
// through /proc/PID/fd. ENXIO: a FIFO, O_WRONLY|O_NONBLOCK and no reader.
func (i *pipeInode) Open(f *File) syscall.Errno {
	p := i.pipe
	if i.fifo && f.nonblock() && !f.CanRead() && p.readers.Load() == 0 {
		return syscall.ENXIO
	}
	others, visits := p.attach(f)
	if !i.fifo || f.nonblock() || f.CanRead() && f.CanWrite() || others > 0 {
		return 0
	}
	_, opens := p.partner(f)
	if !p.rq.WaitInterruptible(func() bool { return opens.Load() != visits }) {
		f.ops.Release(f)
		return ERESTARTSYS
	}
	return 0
}

// pipeFile is the FileOps of both ends.
type pipeFile Pipe

// Read takes what is there, and waits only while nothing is and a writer is left.
func (pf *pipeFile) Read(f *File, b []byte, off int64) (int, syscall.Errno) {
	p := (*Pipe)(pf)
	if len(b) == 0 {
		return 0, 0
	}
	for {
		p.mu.Lock()
		n := p.take(b)
		writers := p.writers.Load()
		p.mu.Unlock()
		switch {
		case n > 0:
			p.wq.WakeAllLazily()
			return n, 0
		case writers == 0:
			return 0, 0
		case off == NoWait || f.nonblock():
			return 0, syscall.EAGAIN
		case !p.rq.WaitInterruptible(p.readable):
			return 0, ERESTARTSYS
		}
	}
}

// take moves bytes out of the ring. mu held.
func (p *Pipe) take(b []byte) int {
	total := min(len(b), int(p.fill.Load()))
	for n := 0; n < total; {
		c := copy(b[n:total], p.buf[p.head:])
		p.head = (p.head + c) & (len(p.buf) - 1)
		n += c
	}
	p.fill.Add(-int32(total))
	return total
}

// give moves bytes into the ring, which has room for them, and says if there was
// memory for it. mu held; may sleep.
func (p *Pipe) give(b []byte) bool {
	fill := int(p.fill.Load())
	if fill+len(b) > len(p.buf) && !p.resize(fill+len(b)) {
		return false
	}
	for n := 0; n < len(b); {
		at := (p.head + fill + n) & (len(p.buf) - 1)
		n += copy(p.buf[at:], b[n:])
	}
	p.fill.Add(int32(len(b)))
	return true
}

// resize gives the ring at least n bytes, if there is memory. mu held; may sleep.
func (p *Pipe) resize(n int) bool {
	size := pipeFirst
	for size < n {
		size *= 2
	}
	buf := mm.MakeSlice[byte](size)
	if buf == nil {
		return false
	}
	old, head, fill := p.buf, p.head, int(p.fill.Load())
	p.buf, p.head = buf, 0
	k := copy(p.buf[:fill], old[min(head, len(old)):])
	copy(p.buf[k:fill], old)
	return true
}

// Write puts all of b into the pipe, or as much as a signal or O_NONBLOCK let it.
// Up to PipeBuf bytes go in one piece. EPIPE: no reader; ENOMEM.
func (pf *pipeFile) Write(f *File, b []byte, _ int64) (int, int64, syscall.Errno) {
	p := (*Pipe)(pf)
	done := 0
	for done < len(b) {
		rest := b[done:]
		whole := len(b) <= PipeBuf
		p.mu.Lock()
		readers := p.readers.Load()
		n := min(p.room(), len(rest))
		if whole && n < len(rest) {
			n = 0
		}
		memory := true
		if readers > 0 && n > 0 {
			memory = p.give(rest[:n])
		}
		if readers == 0 || !memory {
			n = 0
		}
		p.mu.Unlock()
		done += n
		if n > 0 {
			p.rq.WakeAllLazily()
			continue
		}
		e := syscall.Errno(0)
		cond := p.writable
		if whole {
			cond = p.roomy
		}
		switch {
		case readers == 0:
			e = syscall.EPIPE
		case !memory:
			e = syscall.ENOMEM
		case f.nonblock():
			e = syscall.EAGAIN
		case !p.wq.WaitInterruptible(cond):
			e = ERESTARTSYS
		default:
			continue
		}
		if done > 0 {
			e = 0
		}
		return done, 0, e
	}
	return done, 0, 0
}

// Poll reports data, room and the absence of the other end.
func (pf *pipeFile) Poll(f *File, t *PollTable) PollEvents {
	p := (*Pipe)(pf)
	ev := PollEvents(0)
	if f.CanRead() {
		t.Add(&p.rq)
		if p.fill.Load() > 0 {
			ev |= PollIn | PollRdNorm
		}
		if p.writers.Load() == 0 {
			ev |= PollHup
		}
	}
	if f.CanWrite() {
		t.Add(&p.wq)
		if p.room() >= PipeBuf {
			ev |= PollOut | PollWrNorm
		}
		if p.readers.Load() == 0 {
			ev |= PollErr
		}
	}
	return ev
}

// Release detaches an end and tells the other one.
func (pf *pipeFile) Release(f *File) {
	p := (*Pipe)(pf)
	p.mu.Lock()
	if f.CanRead() {
		p.readers.Add(-1)
	}
	if f.CanWrite() {
		p.writers.Add(-1)
	}
	if p.readers.Load() == 0 && p.writers.Load() == 0 {
		p.buf, p.head = nil, 0
		p.fill.Store(0)
	}
	p.mu.Unlock()
	p.rq.WakeAll()
	p.wq.WakeAll()
}
