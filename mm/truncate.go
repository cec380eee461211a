package mm

import (
	"math"
	"syscall"

	"yolk/arch"
)

// VMTruncate (vmtruncate) unmaps, in every address space, what lies at page first
// of the file and beyond, copies that private mappings made included: the file
// ends there now. The caller has set the new size, so that faults from here on
// find no page, and drops the pages afterwards. Takes i_shared_lock, and each
// mm's PageTableLock inside; does not sleep. Source: 2.4 vmtruncate.
func VMTruncate(r *IMmap, first uint64) { r.unmapRange(first, math.MaxUint64, 0) }

// VMUnmapHole unmaps pages [first, last) of the file in every address space; copies
// that private mappings have made stay. The caller has taken the pages from the file
// before: a fault that found one then either has mapped it by now, or finds out that
// it must look again. Locks as VMTruncate.
func VMUnmapHole(r *IMmap, first, last uint64) { r.unmapRange(first, last, zapKeepAnon) }

func (r *IMmap) unmapRange(first, last uint64, private zapHow) {
	r.truncs.Add(1)
	r.ISharedLock.Lock()
	defer r.ISharedLock.Unlock()
	for v := r.head; v != nil; v = v.nextShare {
		from, to := max(first, v.VMPgoff), min(last, v.VMPgoff+uint64(v.pages()))
		if from < to {
			how, at := private, v.VMStart-uintptr(v.VMPgoff)<<arch.PageShift
			if v.VMFlags&VMShared != 0 {
				how = 0
			}
			zapRange(v.VMMM, at+uintptr(from)<<arch.PageShift, at+uintptr(to)<<arch.PageShift, how)
		}
	}
}

// Truncate drops the cached pages of a file that has just become shorter, and
// unmaps them everywhere (truncate_inode_pages, vmtruncate). A fault that found its
// page before has mapped it by the time we have the page lock, or will see that
// it is gone; so the second walk of the mappings leaves none behind. i_sem held, or
// the file is nobody's any more; no spinlock or page lock; sleeps for pages under
// I/O. EIO: the last page cannot be read, so that its tail was not cleared.
func (m *Mapping) Truncate(r *IMmap) syscall.Errno {
	first := pagesOf(m.Ops.Size())
	VMTruncate(r, first)
	m.dropPages(first)
	VMTruncate(r, first)
	return m.ZeroTail()
}

// dropPages takes the pages from first on out of the cache, dirty ones too.
func (m *Mapping) dropPages(first uint64) {
	var pages [zapBatch]*Page
	for {
		n := 0
		pagecacheLock.Lock()
		for _, pfn := range [...]arch.PFN{m.dirty, m.pages} {
			for ; pfn != 0 && n < len(pages); pfn = memMap[pfn].mapNext {
				if p := &memMap[pfn]; p.index >= first {
					GetPage(p)
					pages[n] = p
					n++
				}
			}
		}
		pagecacheLock.Unlock()
		if n == 0 {
			return
		}
		for _, p := range pages[:n] {
			LockPage(p)
			if p.mapping == m && p.index >= first {
				RemoveFromPageCache(p)
				p.Clear(PGDirty)
			}
			UnlockPage(p)
			PutPage(p)
		}
	}
}
