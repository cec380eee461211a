package mm

import (
	"syscall"

	"yolk/arch"
	"yolk/arch/pt"
	"yolk/drivers/blk"
	"yolk/locks"
)

// Mapped files. The pages are those of the page cache; a shared mapping's ptes
// tell by their dirty bits which of them it has changed, and whoever takes such a
// bit away (the stealer, msync, munmap) marks the page dirty in its place.

// FilePrivateOps and FileSharedOps are vm_ops of mapped files (file_private_mmap,
// file_shared_mmap). The vma's PrivateData is the *Mapping.
var (
	filePrivateOps = VMOps{Nopage: filemapNopage, Cached: filemapCached, PageCache: true, Advise: filemapAdvise, Resident: filemapResident}
	fileSharedOps  = VMOps{Nopage: filemapNopage, Cached: filemapCached, PageCache: true, Advise: filemapAdvise, Resident: filemapResident,
		Sync: filemapSync, Swapout: filemapSwapout}
)

// GenericFileMmap makes v a mapping of m (generic_file_mmap); f_op->mmap calls it.
func GenericFileMmap(m *Mapping, v *VMA) {
	v.PrivateData = m
	v.VMOps = &filePrivateOps
	if v.VMFlags&VMShared != 0 {
		v.VMOps = &fileSharedOps
	}
}

// filePage is the page of the file that v has at addr.
func filePage(v *VMA, addr uintptr) uint64 {
	return v.VMPgoff + uint64(addr-v.VMStart)>>arch.PageShift
}

// filemapNopage returns the page for addr (filemap_nopage); for a private write a
// copy of it. Behind the end of the file there is none: SIGBUS. What a shared
// mapping may write to gets its place on the disk now, while there is somebody to
// tell that the disk is full. MmapSem held; sleeps.
func filemapNopage(v *VMA, addr uintptr, noShare bool) (*Page, FaultResult) {
	m, k := v.PrivateData.(*Mapping), filePage(v, addr)
	if k >= pagesOf(m.Ops.Size()) {
		return nil, FaultBus
	}
	p, waited, e := m.getPage(k)
	if e == 0 && v.VMFlags&(VMShared|VMMayWrite) == VMShared|VMMayWrite {
		if e = m.reserve(p); e != 0 {
			PutPage(p)
		}
	}
	how := FaultMinor
	switch {
	case e == syscall.ENOMEM:
		return nil, FaultOOM
	case e != 0:
		return nil, FaultBus
	case waited:
		how = FaultMajor
	}
	if !noShare {
		return p, how
	}
	own := AllocPage(GFPHighUser)
	if own == nil {
		PutPage(p)
		return nil, FaultOOM
	}
	arch.CopyPage(own.PFN(), p.PFN())
	PutPage(p)
	return own, how
}

// reserve gives a page its place on the disk. ENOSPC, EIO.
func (m *Mapping) reserve(p *Page) syscall.Errno {
	LockPage(p)
	defer UnlockPage(p)
	if p.mapping != m {
		return 0 // truncated: the fault will find out
	}
	var at PageBlocks
	e := m.getBlocks(p, m.Ops.Size(), &at)
	if e == 0 && at.Fresh {
		SetPageDirty(p) // what lies there must not be read
	}
	return e
}

// filemapSwapout writes a stolen page to its file, and with it others that wait
// for that (filemap_swapout, in the form that takes page and file). The stealer
// has marked it dirty under the vmlist lock; should truncate have been faster,
// there is nothing to write. kernel_lock held; sleeps.
func filemapSwapout(p *Page, _ File) syscall.Errno {
	locks.AssertGuard(locks.KernelLock, locks.NoClass, "filemap_swapout is called")
	if !p.Test(PGDirtyList) {
		return 0
	}
	pagecacheLock.Lock()
	locks.AssertGuard(locks.PagecacheLock, locks.NoClass, "the file of a page is looked up")
	m := p.mapping
	pagecacheLock.Unlock()
	if m != nil {
		m.writeback(blk.MaxSegs)
	}
	return 0
}

// filemapSync passes the dirty bits of [start, start+size) on to the pages, and
// with MS_SYNC writes the file (filemap_sync). MmapSem and kernel_lock held; sleeps.
func filemapSync(v *VMA, start, size uintptr, flags int) syscall.Errno {
	locks.AssertGuard(locks.KernelLock, locks.NoClass, "filemap_sync is called")
	if flags&syscall.MS_SYNC != 0 {
		if f, ok := v.VMFile.(Fsyncer); ok {
			return f.Fsync()
		}
	}
	for end := start + size; start < end; {
		start = syncPtes(v.VMMM, start, end)
	}
	return 0
}

// Fsyncer is a File that writes itself out (vfs_fsync), what is stored in its
// mappings included.
type Fsyncer interface{ Fsync() syscall.Errno }

// syncPtes passes the dirty bits of all shared mappings of a file on to its pages:
// what a program stored before its fsync is written by it. Takes i_shared_lock, and each
// mm's PageTableLock inside; does not sleep.
func (r *IMmap) syncPtes() {
	r.ISharedLock.Lock()
	defer r.ISharedLock.Unlock()
	locks.AssertGuard(locks.ISharedLock, locks.NoClass, "the mappings of a file are gone through")
	for v := r.head; v != nil; v = v.nextShare {
		if v.VMFlags&VMShared == 0 {
			continue
		}
		for at := v.VMStart; at < v.VMEnd; {
			at = syncPtes(v.VMMM, at, v.VMEnd)
		}
	}
}

// syncPtes does some of [addr, end) and returns where to go on. The bits are
// cleared and flushed before the pages count as dirty, so that no store can come
// between a write to the disk and its dirty bit.
func syncPtes(m *MM, addr, end uintptr) uintptr {
	var dirty [zapBatch]*Page
	n, first, last := 0, addr, addr
	m.PageTableLock.Lock()
	defer m.PageTableLock.Unlock()
	for n < len(dirty) {
		pte, at := nextPTE(m, addr, end)
		if pte == nil {
			addr = end
			break
		}
		addr = at + arch.PageSize
		e := loadPTE(pte)
		if !ptePresent(e) || !e.Dirty() || e&pteAnon != 0 {
			continue
		}
		changePTE(pte, ^pt.Dirty, 0)
		if n == 0 {
			first = at
		}
		last = addr
		dirty[n] = PageOf(e.PFN())
		n++
	}
	if n > 0 {
		arch.FlushTLBRange(&m.Ctx, first, last)
	}
	for _, p := range dirty[:n] {
		SetPageDirty(p)
	}
	return addr
}

// filemapAdvise reads ahead for MADV_WILLNEED, as far as memory is free.
func filemapAdvise(v *VMA, start, end uintptr, _ int) syscall.Errno {
	m := v.PrivateData.(*Mapping)
	for k, last := filePage(v, start), filePage(v, end); k < last && NrFreePages() > 2*reservedPages(); k += maxReadahead {
		if e := m.readCluster(k, int(min(last-k, maxReadahead))); e != 0 {
			return syscall.EAGAIN
		}
	}
	return 0
}

// filemapCached is fault-around's question for what is cached and up to date.
func filemapCached(v *VMA, addr uintptr, pages []*Page) {
	m, k := v.PrivateData.(*Mapping), filePage(v, addr)
	have := pagesOf(m.Ops.Size())
	pagecacheLock.Lock()
	for i := range pages {
		if k+uint64(i) >= have {
			break
		}
		if p := findPage(m, k+uint64(i)); p != nil && p.Uptodate() {
			GetPage(p)
			pages[i] = p
		}
	}
	pagecacheLock.Unlock()
}

// filemapResident reports whether the page for addr is cached.
func filemapResident(v *VMA, addr uintptr) bool {
	p := FindGetPage(v.PrivateData.(*Mapping), filePage(v, addr))
	if p == nil {
		return false
	}
	defer PutPage(p)
	return p.Uptodate()
}
