package fs

import (
	"math"
	"syscall"

	"yolk/arch"
	"yolk/locks"
	"yolk/mm"
)

// ramFile is the contents of a regular file in RAM. A page is in the tree once
// it was written or mapped; before that its bytes are those of base (the boot
// archive) or zero. Reading such a page needs no memory.
type ramFile struct {
	NoInode
	store *ramStore

	lock locks.SpinLock // guards what follows; pagecache_lock's place in the order
	tree pageTree       // holds one reference to each page
	base []byte         // first bytes of the file; shortened by truncate

	mappings mm.IMmap // vmas that map the file
	seals    uint32   // memfd seals; guarded by the inode's sem
}

func (s *ramStore) newFile(base []byte) *ramFile {
	r := &ramFile{store: s, base: base}
	r.lock.Init(locks.PagecacheLock)
	r.mappings.Init()
	return r
}

// pageRange is how many pages size bytes span.
func pageRange(size int64) uint64 {
	return (uint64(size) + arch.PageSize - 1) >> arch.PageShift
}

// find returns page k with a reference, or nil and the bytes of base in it.
func (r *ramFile) find(k uint64) (*mm.Page, []byte) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if p := r.tree.get(k); p != nil {
		mm.GetPage(p)
		return p, nil
	}
	off := k << arch.PageShift
	if off >= uint64(len(r.base)) {
		return nil, nil
	}
	return nil, r.base[off:min(off+arch.PageSize, uint64(len(r.base)))]
}

// page returns page k with a reference, bringing it into the tree if need be. It
// may sleep for memory. ENOMEM: there is none; ENOSPC: the file system is full,
// which never keeps the archive's own pages out: programs run from them.
func (r *ramFile) page(k uint64) (*mm.Page, syscall.Errno) {
	p, base := r.find(k)
	if p != nil {
		return p, 0
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
	return r.insert(k, p), 0
}

// insert enters p as page k unless another task was faster, and returns the page
// that is in the tree, with a reference. p's charge goes with it.
func (r *ramFile) insert(k uint64, p *mm.Page) *mm.Page {
	var spare spareNodes
	for {
		r.lock.Lock()
		if q := r.tree.get(k); q != nil {
			mm.GetPage(q)
			r.lock.Unlock()
			mm.PutPage(p)
			r.store.uncharge(1)
			return q
		}
		need := r.tree.needed(k)
		if spare.n >= need {
			r.tree.put(k, p, &spare)
			mm.GetPage(p)
			r.lock.Unlock()
			return p
		}
		r.lock.Unlock()
		for spare.n < need {
			spare.add()
		}
	}
}

// readAt copies bytes of the file, which has size bytes. Pages may change under
// it: reads and writes of one file are not atomic to each other.
func (r *ramFile) readAt(b []byte, off, size int64) int {
	if off >= size {
		return 0
	}
	b = b[:min(int64(len(b)), size-off)]
	for n := 0; n < len(b); {
		k, at := uint64(off)>>arch.PageShift, int(off&(arch.PageSize-1))
		c := min(arch.PageSize-at, len(b)-n)
		dst := b[n : n+c]
		p, base := r.find(k)
		if p != nil {
			copy(dst, p.Bytes()[at:])
			mm.PutPage(p)
		} else {
			clear(dst[copy(dst, base[min(at, len(base)):]):])
		}
		n += c
		off += int64(c)
	}
	return len(b)
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

// truncate sets the size; i_sem held. Mappings lose the pages beyond it. It may sleep.
func (r *ramFile) truncate(i *Inode, size int64) {
	old := i.size.Load()
	i.size.Store(size)
	if size >= old {
		return
	}
	r.lock.Lock()
	r.base = r.base[:min(int64(len(r.base)), size)]
	r.lock.Unlock()
	first := pageRange(size)
	mm.VMTruncate(&r.mappings, first)
	r.drop(first, math.MaxUint64)
	if at := size & (arch.PageSize - 1); at != 0 {
		if p, _ := r.find(uint64(size) >> arch.PageShift); p != nil {
			clear(p.Bytes()[at:])
			mm.PutPage(p)
		}
	}
}

// drop frees the pages of [from, to). A page that is still mapped or being
// copied lives until its other users are done with it.
func (r *ramFile) drop(from, to uint64) {
	for {
		r.lock.Lock()
		k, p := r.tree.next(from)
		if p == nil || k >= to {
			r.lock.Unlock()
			return
		}
		r.tree.del(k)
		r.lock.Unlock()
		mm.PutPage(p)
		r.store.uncharge(1)
		from = k
	}
}

// zero makes [off, off+n) read as zeros (FALLOC_FL_PUNCH_HOLE); i_sem held.
func (r *ramFile) zero(i *Inode, off, n int64) syscall.Errno {
	end := min(off+n, i.size.Load())
	for off < end {
		at := off & (arch.PageSize - 1)
		c := min(arch.PageSize-at, end-off)
		p, base := r.find(uint64(off) >> arch.PageShift)
		if p == nil && len(base) > 0 {
			var e syscall.Errno
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
	r.lock.Lock()
	defer r.lock.Unlock()
	if off < int64(len(r.base)) {
		return off
	}
	k, p := r.tree.next(uint64(off) >> arch.PageShift)
	if p == nil || k<<arch.PageShift >= uint64(end) {
		return end
	}
	return max(off, int64(k<<arch.PageShift))
}
