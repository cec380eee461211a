package fs

import (
	"math"
	"sync/atomic"
	"syscall"

	"yolk/arch"
	"yolk/mm"
)

// ramFile is the contents of a regular file in RAM. A page is in the tree once
// it was written or mapped; before that its bytes are those of base (the boot
// archive) or zero. Reading such a page needs no memory. A page in the tree may be in
// swap (mm/shmswap.go); whoever wants it brings it back.
type ramFile struct {
	NoInode
	store *ramStore

	// Guarded by shm_lock (mm.LockShm).
	obj  mm.ShmObject // lets the pages be swapped
	tree pageTree     // their slots
	base []byte       // first bytes of the file; shortened by truncate

	mappings mm.IMmap      // vmas that map the file
	seals    atomic.Uint32 // memfd seals; changed under the inode's sem
	writers  atomic.Int32  // shared mappings that may write, or sealedWriters
}

func (s *ramStore) newFile(base []byte) *ramFile {
	r := &ramFile{store: s, base: base}
	r.obj.Init(r)
	r.mappings.Init()
	return r
}

// pageRange is how many pages size bytes span.
func pageRange(size int64) uint64 {
	return (uint64(size) + arch.PageSize - 1) >> arch.PageShift
}

// ShmSlot implements mm.ShmSlots.
func (r *ramFile) ShmSlot(k uint64) *uint64 { return r.tree.slot(k) }

// ShmNext implements mm.ShmSlots.
func (r *ramFile) ShmNext(k uint64) (uint64, *uint64) { return r.tree.next(k) }

// find returns page k with a reference, or nil and the bytes of base in it. It may
// sleep to bring the page back from swap. ENOMEM; EIO the page cannot be read.
func (r *ramFile) find(k uint64) (*mm.Page, []byte, syscall.Errno) {
	for {
		p, base, entry := r.look(k)
		if entry == 0 {
			return p, base, 0
		}
		if _, e := r.obj.SwapIn(k, entry); e != 0 {
			return nil, nil, e
		}
	}
}

// look returns page k with a reference, or where it is in swap, or the bytes of base in it.
func (r *ramFile) look(k uint64) (*mm.Page, []byte, mm.SwapEntry) {
	mm.LockShm()
	defer mm.UnlockShm()
	if slot := r.tree.slot(k); slot != nil && *slot != 0 {
		p, entry := mm.ShmPage(slot)
		return p, nil, entry
	}
	off := k << arch.PageShift
	if off >= uint64(len(r.base)) {
		return nil, nil, 0
	}
	return nil, r.base[off:min(off+arch.PageSize, uint64(len(r.base)))], 0
}

// page returns page k with a reference, bringing it into the tree if need be. It
// may sleep for memory. ENOMEM: there is none; EIO as find; ENOSPC: the file system
// is full, which never keeps the archive's own pages out: programs run from them.
func (r *ramFile) page(k uint64) (*mm.Page, syscall.Errno) {
	p, base, e := r.find(k)
	if p != nil || e != 0 {
		return p, e
	}
	if !r.store.charge(len(base) > 0) {
		return nil, syscall.ENOSPC
	}
	p = mm.AllocPage(mm.GFPHighUser)
	if p == nil {
		r.store.uncharge(1)
		return nil, syscall.ENOMEM
	}
	buf := p.Bytes()
	clear(buf[copy(buf, base):])
	p.Set(mm.PGUptodate)
	if !r.insert(k, p) { // another task was faster
		mm.PutPage(p)
		r.store.uncharge(1)
		return r.page(k)
	}
	return p, 0
}

// insert enters p, with its charge, as page k, unless there is one. The tree gets a
// reference of its own.
func (r *ramFile) insert(k uint64, p *mm.Page) bool {
	var spare spareNodes
	for {
		mm.LockShm()
		slot := r.tree.slot(k)
		if slot != nil && *slot != 0 {
			mm.UnlockShm()
			return false
		}
		need := r.tree.needed(k)
		if slot != nil || spare.n >= need && spare.leaf != nil {
			mm.GetPage(p)
			r.obj.Set(r.tree.put(k, &spare), p)
			mm.UnlockShm()
			return true
		}
		mm.UnlockShm()
		spare.fill(need)
	}
}

// readAt copies bytes of the file, which has size bytes. Pages may change under
// it: reads and writes of one file are not atomic to each other. Errors as find, if
// there is nothing before them.
func (r *ramFile) readAt(b []byte, off, size int64) (int, syscall.Errno) {
	if off >= size {
		return 0, 0
	}
	b = b[:min(int64(len(b)), size-off)]
	for n := 0; n < len(b); {
		k, at := uint64(off)>>arch.PageShift, int(off&(arch.PageSize-1))
		c := min(arch.PageSize-at, len(b)-n)
		dst := b[n : n+c]
		p, base, e := r.find(k)
		if e != 0 {
			if n > 0 {
				e = 0
			}
			return n, e
		}
		if p != nil {
			copy(dst, p.Bytes()[at:])
			mm.PutPage(p)
		} else {
			clear(dst[copy(dst, base[min(at, len(base)):]):])
		}
		n += c
		off += int64(c)
	}
	return len(b), 0
}

// writeAt stores b; i_sem held. It may sleep for memory. ENOSPC, ENOMEM, EFBIG.
func (r *ramFile) writeAt(i *Inode, b []byte, off int64) (int, syscall.Errno) {
	if off > math.MaxInt64-int64(len(b)) {
		return 0, syscall.EFBIG
	}
	n := 0
	for n < len(b) {
		p, e := r.page(uint64(off) >> arch.PageShift)
		if e != 0 {
			return n, e
		}
		c := copy(p.Bytes()[off&(arch.PageSize-1):], b[n:])
		p.Set(mm.PGDirty)
		mm.PutPage(p)
		n += c
		off += int64(c)
		if off > i.size.Load() {
			i.size.Store(off)
		}
	}
	return n, 0
}

// truncate sets the size; i_sem held. Mappings lose the pages beyond it. It may
// sleep. Errors as find; then nothing has changed.
func (r *ramFile) truncate(i *Inode, size int64) (e syscall.Errno) {
	var last *mm.Page // will be cut
	at := size & (arch.PageSize - 1)
	old := i.size.Load()
	if size < old && at != 0 {
		if last, _, e = r.find(uint64(size) >> arch.PageShift); e != 0 {
			return e
		}
	}
	i.size.Store(size)
	if size >= old {
		return 0
	}
	mm.LockShm()
	r.base = r.base[:min(int64(len(r.base)), size)]
	mm.UnlockShm()
	first := pageRange(size)
	mm.VMTruncate(&r.mappings, first)
	r.drop(first, math.MaxUint64)
	if last != nil {
		clear(last.Bytes()[at:])
		mm.PutPage(last)
	}
	return 0
}

// drop frees the pages of [from, to). A page that is still mapped or being
// copied lives until its other users are done with it.
func (r *ramFile) drop(from, to uint64) {
	for {
		mm.LockShm()
		k, slot := r.tree.next(from)
		if slot == nil || k >= to {
			mm.UnlockShm()
			return
		}
		had := r.obj.Take(slot)
		r.tree.del()
		mm.UnlockShm()
		mm.FreeShmSlot(had)
		r.store.uncharge(1)
		from = k
	}
}

// punch frees [off, off+n), which reads as zeros from now on (FALLOC_FL_PUNCH_HOLE); i_sem
// held. Pages that the archive has bytes for stay, as zeros. Errors as find.
func (r *ramFile) punch(i *Inode, off, n int64) syscall.Errno {
	// The rest of the last page too: mappings show it, and may have written there.
	end := min(off+n, int64(pageRange(i.size.Load()))<<arch.PageShift)
	mm.LockShm()
	first := max(pageRange(off), pageRange(int64(len(r.base))))
	mm.UnlockShm()
	last := uint64(max(end, 0)) >> arch.PageShift
	if first >= last {
		return r.zero(off, end)
	}
	if e := r.zero(off, int64(first)<<arch.PageShift); e != 0 {
		return e
	}
	r.drop(first, last)
	mm.VMUnmapHole(&r.mappings, first, last)
	return r.zero(int64(last)<<arch.PageShift, end)
}

// zero makes [off, end) read as zeros; i_sem held.
func (r *ramFile) zero(off, end int64) syscall.Errno {
	for off < end {
		at := off & (arch.PageSize - 1)
		c := min(arch.PageSize-at, end-off)
		p, base, e := r.find(uint64(off) >> arch.PageShift)
		if e != 0 {
			return e
		}
		if p == nil && len(base) > 0 {
			if p, e = r.page(uint64(off) >> arch.PageShift); e != 0 {
				return e
			}
		}
		if p != nil {
			clear(p.Bytes()[at : at+c])
			p.Set(mm.PGDirty)
			mm.PutPage(p)
			off += c
			continue
		}
		off = r.skipHole(off+c, end)
	}
	return 0
}

// skipHole is the next offset from off on, at most end, that has bytes of its own.
func (r *ramFile) skipHole(off, end int64) int64 {
	mm.LockShm()
	defer mm.UnlockShm()
	if off < int64(len(r.base)) {
		return off
	}
	k, slot := r.tree.next(uint64(off) >> arch.PageShift)
	if slot == nil || k<<arch.PageShift >= uint64(end) {
		return end
	}
	return max(off, int64(k<<arch.PageShift))
}
