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

	wholeFree, partFree func() bool // what is waited for, made once
}

const (
	swapWholes     = 16 // requests under way
	swapParts      = 64 // pieces of them
	sectorsPerPage = arch.PageSize / blk.SectorSize
)

// swapWhole is a request under way.
type swapWhole struct {
	busy atomic.Bool
	r    *blk.Request
	left atomic.Int32 // pieces that have not ended, and one while there may be more
	err  atomic.Int32
}

// swapPart is a piece of one.
type swapPart struct {
	busy  atomic.Bool
	req   blk.Request
	whole *swapWhole
}

// OpenSwapFile prepares the file at d to be swapped to. EINVAL: it is not on a
// disk, has holes, or is
// shorter than a page; ETXTBSY: open for writing; EBUSY: swapped to already; EIO,
// EUCLEAN: the disk; EROFS. No lock held; sleeps.
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
	s.makeConds()
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
	if e := s.node.m.Fsync(); e != 0 {
		return e
	}
	n := uint64(s.file.inode.Size()) / arch.PageSize
	if n == 0 {
		return syscall.EINVAL
	}
	s.pages = make([]uint64, 0, min(n, 1<<20))
	for k := range n {
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
		s.pages = append(s.pages, sector)
	}
	return 0
}

// Name is the path, by which /proc/swaps and swapoff know it.
func (s *SwapFile) Name() string { return s.name }

// Sectors is the capacity.
func (s *SwapFile) Sectors() uint64 { return uint64(len(s.pages)) * sectorsPerPage }

// ReadOnly is the disk's.
func (s *SwapFile) ReadOnly() bool { return s.dev.ReadOnly() }

// Submit starts r, whose pieces are pages, on the disk. It may sleep.
func (s *SwapFile) Submit(r *blk.Request) {
	w := s.takeWhole()
	w.r = r
	w.left.Store(1)
	w.err.Store(0)
	first := r.Sector / sectorsPerPage
	n := r.NSegs
	if first+uint64(n) > uint64(len(s.pages)) {
		w.err.Store(int32(syscall.EIO))
		n = 0
	}
	for k := 0; k < n; {
		page := first + uint64(k)
		if s.pages[page] == 0 {
			s.submitSplit(w, s.split[page], r.Segs[k])
			k++
			continue
		}
		run := 1
		for k+run < n && s.pages[page+uint64(run)] == s.pages[page]+uint64(run)*sectorsPerPage {
			run++
		}
		s.submitPart(w, s.pages[page], r.Segs[k:k+run])
		k += run
	}
	if r.Op == blk.Flush {
		s.submitPart(w, 0, nil)
	}
	s.finish(w)
}

// takeWhole returns an entry of the table for the caller. It may sleep.
func (s *SwapFile) takeWhole() *swapWhole {
	for {
		for i := range s.whole {
			if w := &s.whole[i]; w.busy.CompareAndSwap(false, true) {
				return w
			}
		}
		s.freeQ.Wait(s.wholeFree)
	}
}

// takePart is takeWhole for pieces.
func (s *SwapFile) takePart() *swapPart {
	for {
		for i := range s.parts {
			if p := &s.parts[i]; p.busy.CompareAndSwap(false, true) {
				return p
			}
		}
		s.freeQ.Wait(s.partFree)
	}
}

// makeConds makes the conditions of waits, once.
func (s *SwapFile) makeConds() {
	s.wholeFree = func() bool {
		for i := range s.whole {
			if !s.whole[i].busy.Load() {
				return true
			}
		}
		return false
	}
	s.partFree = func() bool {
		for i := range s.parts {
			if !s.parts[i].busy.Load() {
				return true
			}
		}
		return false
	}
}

// submitSplit starts the transfer of a page block by block.
func (s *SwapFile) submitSplit(w *swapWhole, at *mm.PageBlocks, page blk.Seg) {
	size := uint32(arch.PageSize / at.N)
	for i := range at.N {
		block := [1]blk.Seg{{Phys: page.Phys + uint64(i)*uint64(size), Len: size}}
		s.submitPart(w, at.Sector[i], block[:])
	}
}

// submitPart starts a piece of w.
func (s *SwapFile) submitPart(w *swapWhole, sector uint64, segs []blk.Seg) {
	p := s.takePart()
	p.whole = w
	p.req.Op, p.req.Sector, p.req.Err = w.r.Op, sector, 0
	p.req.NSegs = copy(p.req.Segs[:], segs)
	w.left.Add(1)
	s.dev.Submit(&p.req)
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
