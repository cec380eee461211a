package mm

import (
	"sync/atomic"

	"yolk/arch"
	"yolk/locks"
)

// maxOrder is the largest block the buddy system keeps: 1<<maxOrder frames.
const maxOrder = 9

// dmaFrames is where the DMA zone ends: old devices reach 16 MiB.
const dmaFrames = 16 << 20 >> arch.PageShift

// The zones, lowest first.
const (
	zoneDMA = iota
	zoneNormal
	zoneHigh // "bigmem": frames which, by agreement, the kernel does not touch at their own address
	nrZones
)

var zoneNames = [nrZones]string{"DMA", "Normal", "HighMem"}

// zone is a range of frames and its free blocks. A free block of order o is
// listed by its first frame, which carries PGFree and the order.
type zone struct {
	start, end     arch.PFN // fixed after Init
	min, low, high int      // watermarks; fixed after Init

	pages atomic.Int32 // RAM frames; grows only when the heap gives up an early frame

	// Frames on the free lists. Changed under page_alloc_lock, read anywhere.
	free atomic.Int32

	// Guarded by page_alloc_lock.
	list [maxOrder + 1]arch.PFN

	keepMax int32 // frames that each CPU may keep; fixed after Init
	perCPU  [eventCPUs]perCPUPages
}

var zones [nrZones]zone

// zoneOf returns the zone of a frame.
func zoneOf(pfn arch.PFN) uint8 {
	switch {
	case pfn < zones[zoneDMA].end:
		return zoneDMA
	case pfn < zones[zoneNormal].end:
		return zoneNormal
	}
	return zoneHigh
}

// setWatermarks computes min, low and high (setup_mem_frac of 1999, per zone).
func (z *zone) setWatermarks() {
	pages := int(z.pages.Load())
	if pages == 0 {
		return
	}
	z.min = min(max(pages/128, 10), 256)
	z.low = 2 * z.min
	z.high = 3 * z.min
}

// PageHigh reports PageBIGMEM: the page lies in the high zone.
func (p *Page) PageHigh() bool { return p.zone == zoneHigh }

// PageDMA reports whether an old device can reach the page.
func (p *Page) PageDMA() bool { return p.zone == zoneDMA }

// NrFreePages is the number of free frames in all zones (nr_free_pages), those that
// CPUs keep included.
func NrFreePages() int {
	n := 0
	for i := range zones {
		n += zones[i].nrFree()
	}
	return n
}

// TotalPages is the number of frames that mm manages.
func TotalPages() int {
	n := 0
	for i := range zones {
		n += int(zones[i].pages.Load())
	}
	return n
}

func assertZone() { locks.AssertGuard(locks.ZoneLock, locks.NoClass, "the free lists are changed") }

// pushBlock puts a free block on its list. page_alloc_lock held.
func (z *zone) pushBlock(pfn arch.PFN, order int) {
	assertZone()
	p := &memMap[pfn]
	p.order = uint8(order)
	p.Set(PGFree)
	head := z.list[order]
	p.lruPrev, p.lruNext = 0, head
	if head != 0 {
		memMap[head].lruPrev = pfn
	}
	z.list[order] = pfn
}

// unlinkBlock takes a free block off its list. page_alloc_lock held.
func (z *zone) unlinkBlock(pfn arch.PFN) {
	assertZone()
	p := &memMap[pfn]
	if p.lruPrev != 0 {
		memMap[p.lruPrev].lruNext = p.lruNext
	} else {
		z.list[p.order] = p.lruNext
	}
	if p.lruNext != 0 {
		memMap[p.lruNext].lruPrev = p.lruPrev
	}
	p.lruNext, p.lruPrev = 0, 0
	p.Clear(PGFree)
}

// take splits off a block of the order, or returns 0. page_alloc_lock held.
func (z *zone) take(order int) arch.PFN {
	for o := order; o <= maxOrder; o++ {
		pfn := z.list[o]
		if pfn == 0 {
			continue
		}
		z.unlinkBlock(pfn)
		for o > order {
			o--
			z.pushBlock(pfn+1<<o, o)
		}
		z.free.Add(-(1 << order))
		return pfn
	}
	return 0
}

// give returns a block and joins it with its free buddies. page_alloc_lock held.
func (z *zone) give(pfn arch.PFN, order int) {
	z.free.Add(1 << order)
	for order < maxOrder {
		buddy := pfn ^ 1<<order
		if buddy < z.start || buddy >= z.end || int(buddy) >= len(memMap) {
			break
		}
		b := &memMap[buddy]
		if !b.Test(PGFree) || int(b.order) != order {
			break
		}
		z.unlinkBlock(buddy)
		pfn &^= 1 << order
		order++
	}
	z.pushBlock(pfn, order)
}
