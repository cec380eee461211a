package mm

import (
	"yolk/arch"
)

// zapBatch is the number of pages gathered before a flush: pages must not reach
// the free list before the last CPU has lost its translation of them.
const zapBatch = 64

// zapPageRange empties all ptes of [start, end) and drops what they held. The
// caller holds MmapSem, or the mm is its alone, or (truncate) i_shared_lock. Never sleeps.
func zapPageRange(m *MM, start, end uintptr) {
	var batch [zapBatch]*Page
	for start < end {
		n, first, last := 0, start, start
		m.PageTableLock.Lock()
		for n < len(batch) {
			pte, addr := nextPTE(m, start, end)
			if pte == nil {
				start = end
				break
			}
			start = addr + arch.PageSize
			if p := zapPTE(m, pte); p != nil {
				if n == 0 {
					first = addr
				}
				last = start
				batch[n] = p
				n++
			}
		}
		m.PageTableLock.Unlock()
		if n == 0 {
			continue
		}
		step("zap_page_range: flushes")
		arch.FlushTLBRange(&m.Ctx, first, last)
		for i, p := range batch[:n] {
			if p.Test(PGDirty) {
				SetPageDirty(p) // only now: nobody writes to it through this pte any more
			}
			FreePageAndSwapCache(p)
			batch[i] = nil
		}
	}
}

// zapPTE empties one pte and returns the page, of which the caller now has the
// pte's reference: it is put after the flush. PageTableLock held.
func zapPTE(m *MM, pte *uint64) *Page {
	if loadPTE(pte).None() {
		return nil
	}
	e := getAndClearPTE(pte)
	if !ptePresent(e) {
		FreeSwapAndCache(PTESwapEntry(e))
		m.SwapEnts.Add(-1)
		return nil
	}
	countPTE(m, e, -1)
	page := PageOf(e.PFN())
	if e.Dirty() && e&pteAnon == 0 {
		page.Set(PGDirty)
	}
	return page
}
