package fs

import (
	"sync/atomic"
	"syscall"

	"yolk/arch"
	"yolk/drivers/blk"
	"yolk/locks"
	"yolk/mm"
)

// SwapFile is a file on a disk that is swapped to: a block device whose pages lie
// where the file's do. It goes to the disk past the page cache and the file
// system, so the file's blocks are looked up once, and the file cannot be opened
// for writing meanwhile.
type SwapFile struct {
	file  *File
	node  *extInode
	name  string
	dev   blk.Device
	pages []uint64                  // the sector of each page; 0: its blocks are not adjacent
	split map[uint64]*mm.PageBlocks // where the blocks of those are

	// Requests are split where the file's pages are not adjacent. Both tables
	// are fixed: swapping must not need memory.
	whole [swapWholes]swapWhole
	parts [swapParts]swapPart
	freeQ locks.WaitQueue // an entry of one of them is free
}

const (
	swapWholes     = 16 // requests under way
	swapParts      = 64 // pieces of them
	sectorsPerPage = arch.PageSize / blk.SectorSize
)

// entry is one of a fixed table.
type entry struct{ busy atomic.Bool }

func (e *entry) claim() bool { return e.busy.CompareAndSwap(false, true) }

// tryClaim takes a free entry of a table; nil: there is none.
func tryClaim[T any, E interface {
	*T
	claim() bool
}](table []T) E {
	for i := range table {
		if e := E(&table[i]); e.claim() {
			return e
		}
	}
	return nil
}

// claim is tryClaim that waits for one. It may sleep.
func claim[T any, E interface {
	*T
	claim() bool
}](q *locks.WaitQueue, table []T) E {
	if e := tryClaim[T, E](table); e != nil {
		return e
	}
	var e E
	q.Wait(func() bool {
		e = tryClaim[T, E](table)
		return e != nil
	})
	return e
}

// swapWhole is a request under way.
type swapWhole struct {
	entry
	r    *blk.Request
	left atomic.Int32 // pieces that have not ended, and one while there may be more
	err  atomic.Int32
}

// swapPart is a piece of one.
type swapPart struct {
	entry
	req   blk.Request
	whole *swapWhole
}

// OpenSwapFile prepares the file at d to be swapped to. EINVAL: it is not on a
// disk, has holes, or is shorter than a page; ETXTBSY: open for writing; EBUSY:
// swapped to already; EIO, EUCLEAN: the disk; EROFS; ENOMEM. No lock held; sleeps.
func OpenSwapFile(d *Dentry) (*SwapFile, syscall.Errno) {
	node, ok := d.inode.ops.(*extInode)
	if !ok || d.inode.typ != syscall.S_IFREG {
		return nil, syscall.EINVAL
	}
	f, e := openDentry(d, syscall.O_RDONLY, false)
	if e != 0 {
		return nil, e
	}
	if e := f.DenyWrite(); e != 0 {
		f.Put()
		return nil, e
	}
	name, _ := PathOf(Root(), d)
	s := &SwapFile{file: f, node: node, name: name, dev: node.Device(), split: map[uint64]*mm.PageBlocks{}}
	if !node.swap.CompareAndSwap(nil, s) {
		f.AllowWrite()
		f.Put()
		return nil, syscall.EBUSY
	}
	for i := range s.parts {
		s.parts[i].req.Data, s.parts[i].req.Done = uintptr(i), s.partDone
	}
	if e := s.lookUp(); e != 0 {
		s.Close()
		return nil, e
	}
	return s, 0
}

// SwapFileOf returns the device that the file at d is swapped to as; nil if it is not.
func SwapFileOf(d *Dentry) *SwapFile {
	if node, ok := d.inode.ops.(*extInode); ok {
		return node.swap.Load()
	}
	return nil
}

// Close lets go of the file. No request is under way or follows.
func (s *SwapFile) Close() {
	s.node.swap.Store(nil)
	s.file.AllowWrite()
	s.file.Put()
}

// lookUp writes out what the page cache has, and finds the place of each page.
func (s *SwapFile) lookUp() syscall.Errno {
	if e := s.file.Fsync(); e != 0 {
		return e
	}
	n := uint64(s.file.inode.Size()) / arch.PageSize
	if n == 0 {
		return syscall.EINVAL
	}
	if s.pages = mm.MakeSlice[uint64](int(n)); s.pages == nil {
		return syscall.ENOMEM
	}
	for k := range n {
		if !mm.EnsureHeap() { // there may be an object for each page
			return syscall.ENOMEM
		}
		var at mm.PageBlocks
		if e := s.node.GetBlocks(k, 0, &at); e != 0 {
			return e
		}
		sector := at.Sector[0]
		for i := range at.N {
			if at.Sector[i] == 0 {
				return syscall.EINVAL
			}
			if at.Sector[i] != at.Sector[0]+uint64(i*sectorsPerPage/at.N) {
				sector = 0
			}
		}
		if sector == 0 {
			s.split[k] = &at
		}
		s.pages[k] = sector
	}
	return 0
}

// Name is the path, by which /proc/swaps and swapoff know it.
func (s *SwapFile) Name() string { return s.name }

// Sectors is the capacity.
func (s *SwapFile) Sectors() uint64 { return uint64(len(s.pages)) * sectorsPerPage }

// ReadOnly is the disk's.
func (s *SwapFile) ReadOnly() bool { return s.dev.ReadOnly() }

// Submit starts r, which is of whole pages, on the disk. It may sleep.
func (s *SwapFile) Submit(r *blk.Request) {
	w := claim(&s.freeQ, s.whole[:])
	w.r = r
	w.left.Store(1)
	w.err.Store(0)
	l := layout{s: s, whole: w, memory: r.Segs[:r.NSegs]}
	first, size := r.Sector/sectorsPerPage, uint64(0)
	for _, m := range l.memory {
		size += uint64(m.Len)
	}
	end := first + size/arch.PageSize
	switch {
	case r.Op == blk.Flush:
		l.submit()
	case end > uint64(len(s.pages)):
		w.err.Store(int32(syscall.EIO))
	default:
		for k := first; k < end; k++ {
			l.page(k)
		}
		l.submit()
	}
	s.finish(w)
}

// layout lays a request out on the disk, in pieces that are adjacent there. The one
// in hand is size bytes from sector on; memory from skip on is what is left.
type layout struct {
	s      *SwapFile
	whole  *swapWhole
	memory []blk.Seg
	skip   uint32
	sector uint64
	size   uint32
}

// page adds page k of the file.
func (l *layout) page(k uint64) {
	if sector := l.s.pages[k]; sector != 0 {
		l.extend(sector, arch.PageSize)
		return
	}
	at := l.s.split[k]
	for _, sector := range at.Sector[:at.N] {
		l.extend(sector, uint32(arch.PageSize/at.N))
	}
}

// extend adds size bytes at sector: to the piece in hand, or to a new one.
func (l *layout) extend(sector uint64, size uint32) {
	if l.size > 0 && sector != l.sector+uint64(l.size)/blk.SectorSize {
		l.submit()
	}
	if l.size == 0 {
		l.sector = sector
	}
	l.size += size
}

// submit starts the piece in hand, with the next memory.
func (l *layout) submit() {
	p := claim(&l.s.freeQ, l.s.parts[:])
	p.whole = l.whole
	p.req.Op, p.req.Sector, p.req.NSegs, p.req.Err = l.whole.r.Op, l.sector, 0, 0
	for l.size > 0 {
		m := &l.memory[0]
		n := min(l.size, m.Len-l.skip)
		p.req.Segs[p.req.NSegs] = blk.Seg{Phys: m.Phys + uint64(l.skip), Len: n}
		p.req.NSegs++
		l.size -= n
		if l.skip += n; l.skip == m.Len {
			l.memory, l.skip = l.memory[1:], 0
		}
	}
	l.whole.left.Add(1)
	l.s.dev.Submit(&p.req)
}

// partDone is the end of a piece. Completion context: it does not sleep.
func (s *SwapFile) partDone(r *blk.Request) {
	p := &s.parts[r.Data]
	w := p.whole
	if r.Err != 0 {
		w.err.Store(int32(r.Err))
	}
	p.busy.Store(false)
	s.finish(w)
	s.freeQ.WakeAll()
}

// finish counts an end; the last is that of the whole request.
func (s *SwapFile) finish(w *swapWhole) {
	if w.left.Add(-1) != 0 {
		return
	}
	r := w.r
	r.Err = syscall.Errno(w.err.Load())
	w.busy.Store(false)
	s.freeQ.WakeAll()
	r.Done(r)
}
