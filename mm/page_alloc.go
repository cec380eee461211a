package mm

import (
	"yolk/arch"
	"yolk/locks"
)

// pageAllocLock is page_alloc_lock: the free lists. It is a leaf: nothing is
// acquired inside it.
var pageAllocLock locks.SpinLock

// AllocPage returns one frame with one reference, or nil. With GFPWait it may
// sleep and reclaim, so no spinlock is held on entry; without, it is callable
// under spinlocks. Source: __get_free_pages, brief §2.13.
func AllocPage(gfp GFP) *Page { return AllocPages(gfp, 0) }

// AllocPages returns 1<<order contiguous frames by their first page, which holds
// the only reference, or nil. Locks and sleeping as for AllocPage.
func AllocPages(gfp GFP, order int) *Page {
	if gfp&GFPWait != 0 {
		locks.MayAlloc()
	}
	p := takeFrames(gfp, order, markLow)
	if p == nil {
		p = allocSlow(gfp, order)
		if p == nil {
			return nil
		}
	}
	if gfp&GFPZero != 0 {
		for i := range arch.PFN(1) << order {
			arch.ClearPage(p.PFN() + i)
		}
	}
	return p
}

// mark is the level down to which a request may take a zone's free frames.
type mark uint8

const (
	markLow      mark = iota // leave what kswapd should find before it is woken
	markMin                  // the ordinary limit
	markReserve              // GFPMed: half of the rest
	markDeep                 // GFPHigh: three quarters of the rest
	markMemalloc             // those who free memory: everything
)

func (z *zone) floor(m mark) int {
	switch m {
	case markLow:
		return z.low
	case markMin:
		return z.min
	case markReserve:
		return z.min / 2
	case markDeep:
		return z.min / 4
	}
	return 0
}

// takeFrames looks through the zones that suit gfp, best first.
func takeFrames(gfp GFP, order int, m mark) *Page {
	first := zoneNormal
	switch {
	case gfp&GFPDMA != 0:
		first = zoneDMA
	case gfp&GFPBigmem != 0:
		first = zoneHigh
	}
	for first > zoneDMA && zones[first].pages.Load() == 0 {
		first--
	}
	if order == 0 && m == markLow && zones[first].keepMax > 0 {
		if pfn := zones[first].takeKept(); pfn != 0 {
			return taken(pfn, 0)
		}
	}
	pageAllocLock.Lock()
	for i := first; i >= zoneDMA; i-- {
		z := &zones[i]
		if int(z.free.Load())-1<<order < z.floor(m) {
			continue
		}
		if pfn := z.take(order); pfn != 0 {
			pageAllocLock.Unlock()
			return taken(pfn, order)
		}
	}
	pageAllocLock.Unlock()
	return nil
}

// taken makes a free block that was found one in use.
func taken(pfn arch.PFN, order int) *Page {
	p := &memMap[pfn]
	p.count.Store(1)
	CountVMs(PgAllocDMA+VMEvent(p.zone), 1<<order)
	return p
}

// allocSlow is the way of those who found less than the low watermark.
func allocSlow(gfp GFP, order int) *Page {
	if drainPerCPU() {
		if p := takeFrames(gfp, order, markLow); p != nil {
			return p
		}
	}
	WakeKswapd()
	if p := takeFrames(gfp, order, markMin); p != nil {
		return p
	}
	ctx := locks.Current()
	m := markMin
	switch {
	case ctx.Flags&locks.PFMemAlloc != 0:
		m = markMemalloc
	case gfp&GFPHigh != 0:
		m = markDeep
	case gfp&GFPMed != 0:
		m = markReserve
	}
	if m != markMin {
		if p := takeFrames(gfp, order, m); p != nil {
			return p
		}
	}
	if gfp&GFPWait == 0 || ctx.Flags&locks.PFMemAlloc != 0 {
		return nil
	}
	return allocReclaim(gfp, order, m)
}

// maxFruitless bounds how often an allocation tries again without having freed
// anything itself; maxOvertaken, how often although others steal pages all the
// while, and take what comes free.
const (
	maxFruitless = 8
	maxOvertaken = 128
)

// allocReclaim frees pages until the request can be met, or nothing is left to free.
func allocReclaim(gfp GFP, order int, m mark) *Page {
	locks.MayAlloc()
	stolen, overtaken := pagesStolen(), 0
	for fruitless := 0; fruitless < maxFruitless; {
		if dying() {
			return takeFrames(gfp, order, markMemalloc)
		}
		CountVM(AllocStall)
		freed := tryToFreePages(gfp)
		if p := takeFrames(gfp, order, m); p != nil {
			return p
		}
		if freed && order == 0 {
			fruitless = 0
			continue
		}
		fruitless++
		if order > 0 || locks.Current().Flags&locks.PFSwapoff != 0 {
			continue
		}
		// Free slots mean that there may be something to steal a moment from now;
		// while others find something, there is.
		if NrSwapPages() > 0 {
			if now := pagesStolen(); now != stolen && overtaken < maxOvertaken {
				stolen, fruitless = now, 0
				overtaken++
			}
			if fruitless < maxFruitless/2 {
				waitForWrites()
				continue
			}
		}
		if !outOfMemory() && !dying() {
			return nil
		}
	}
	return nil
}

// pagesStolen counts what all stealers have written or freed so far.
func pagesStolen() uint64 { return VMStat(PSwpOut) + VMStat(PgStealKswapd) + VMStat(PgStealDirect) }

// FreePage drops the reference that AllocPage gave (__free_page).
func FreePage(p *Page) { PutPage(p) }

// FreePages gives back a block from AllocPages.
func FreePages(p *Page, order int) {
	if p.count.Add(-1) == 0 {
		freePagesOk(p, order)
	}
}

// freePagesOk puts a block that nobody references back on the free lists.
func freePagesOk(p *Page, order int) {
	p.wipe()
	CountVMs(PgFree, 1<<order)
	z := &zones[p.zone]
	if order == 0 && z.keep([]*Page{p}) > 0 {
		return
	}
	pageAllocLock.Lock()
	z.give(p.PFN(), order)
	pageAllocLock.Unlock()
}

// wipe is the end of a page that nobody references.
func (p *Page) wipe() {
	if p.mapping != nil || p.Test(PGLocked|PGLRU|PGFree|PGReserved) {
		panic("mm: freeing a page in use")
	}
	p.flags.Store(0)
	p.index = 0
}

// freeBatch is how many frames go back to the free lists while others wait.
const freeBatch = 16

// freeFrames is freePagesOk for single frames, with each lock taken once for many.
func freeFrames(pages []*Page) {
	CountVMs(PgFree, len(pages))
	for _, p := range pages {
		p.wipe()
	}
	for kept := 1; kept > 0 && len(pages) > 0; {
		kept = zones[pages[len(pages)-1].zone].keep(pages)
		pages = pages[:len(pages)-kept]
	}
	for len(pages) > 0 {
		batch := pages[:min(len(pages), freeBatch)]
		pages = pages[len(batch):]
		pageAllocLock.Lock()
		for _, p := range batch {
			zones[p.zone].give(p.PFN(), 0)
		}
		pageAllocLock.Unlock()
	}
}
