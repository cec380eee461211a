package mm

import (
	"yolk/arch"
)

// zapBatch is the number of pages gathered before a flush: pages must not reach
// the free list before the last CPU has lost its translation of them.
const zapBatch = 64

// zapPageRange empties all ptes of [start, end) and drops what they held. The
// caller holds MmapSem, or the mm is its alone, or (truncate) i_shared_lock. Never sleeps.
// Guard pages stay.
func zapPageRange(m *MM, start, end uintptr) { zapRange(m, start, end, 0) }

// zapHow is what differs between callers of zapRange.
type zapHow uint8

const (
	zapKeepAnon zapHow = 1 << iota // leave alone the mapping's own pages, in memory or in swap
	zapGuards                      // guard pages go, too
)

// zapRange is zapPageRange with a choice.
func zapRange(m *MM, start, end uintptr, how zapHow) {
	g := gather{how: how}
	for start < end {
		g.n = 0
		m.PageTableLock.Lock()
		for start < end && g.n < len(g.pages) {
			pte, addr := nextPTE(m, start, end)
			if start = addr; pte != nil {
				start = g.zapTable(m, tableSlice(pte, addr, min(end, tableEnd(addr))), addr)
			}
		}
		m.PageTableLock.Unlock()
		if g.n == 0 {
			continue
		}
		step("zap_page_range: flushes")
		arch.FlushTLBRange(&m.Ctx, g.first, g.last)
		last := g.pages[:0]
		for _, p := range g.pages[:g.n] {
			if p.Test(PGDirty) {
				SetPageDirty(p) // only now: nobody writes to it through this pte any more
			}
			if FreePageAndSwapCache(p) {
				last = append(last, p)
			}
		}
		freeFrames(last)
		clear(g.pages[:g.n])
	}
}

// gather are the pages of one batch, all from [first, last).
type gather struct {
	how         zapHow
	n           int
	pages       [zapBatch]*Page
	first, last uintptr
}

// zapTable empties ptes, the first of which is addr's, until the batch is full, and
// returns the address where it stopped. PageTableLock held.
func (g *gather) zapTable(m *MM, ptes []uint64, addr uintptr) uintptr {
	for i := range ptes {
		e := loadPTE(&ptes[i])
		switch {
		case e.None(), g.how&zapKeepAnon != 0 && (!ptePresent(e) || e&pteAnon != 0):
			continue
		case e == pteGuard:
			if g.how&zapGuards != 0 {
				getAndClearPTE(&ptes[i])
			}
			continue
		}
		at := addr + uintptr(i)<<arch.PageShift
		if g.n == len(g.pages) {
			return at
		}
		if p := zapPTE(m, &ptes[i]); p != nil {
			if g.n == 0 {
				g.first = at
			}
			g.last = at + arch.PageSize
			g.pages[g.n] = p
			g.n++
		}
	}
	return addr + uintptr(len(ptes))<<arch.PageShift
}

// zapPTE empties one pte that is not empty and returns the page, of which the caller
// now has the pte's reference: it is put after the flush. PageTableLock held.
func zapPTE(m *MM, pte *uint64) *Page {
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
