package mm

import (
	"sync/atomic"

	"yolk/arch"
	"yolk/locks"
)

// Config is what start-up decides about memory. Zero values take the defaults.
type Config struct {
	BigmemFrames int      // frames at the end of RAM that form the high zone
	DMAEnd       arch.PFN // where the DMA zone ends, if not at 16 MiB
}

// Init takes over the RAM that arch.Memory reports: it builds mem_map and the
// zones, and fills the reserve behind the Go heap. Called once, by one thread,
// before any other function of mm; host tests call it once per machine.
func Init(cfg Config) {
	regions := arch.Memory()
	var end arch.PFN
	for _, r := range regions {
		end = max(end, r.End)
	}
	initLocks()
	initZones(cfg, end)
	for _, r := range regions {
		addRegion(r)
	}
	for i := range zones {
		zones[i].setWatermarks()
		zones[i].initPerCPU()
	}
	initPageCache(TotalPages())
	initSwap()
	initShm()
	fillHeapReserve(GFPAtomic)
	initAddressSpaces()
}

// initZones makes an all-reserved mem_map and draws the borders of the zones.
func initZones(cfg Config, end arch.PFN) {
	memMap = make([]Page, end)
	for i := range memMap {
		memMap[i].flags.Store(uint32(PGReserved))
	}
	for i := range zones {
		z := &zones[i]
		z.min, z.low, z.high = 0, 0, 0
		z.pages.Store(0)
		z.free.Store(0)
		clear(z.list[:])
	}
	dmaEnd := cfg.DMAEnd
	if dmaEnd == 0 {
		dmaEnd = dmaFrames
	}
	dmaEnd = min(dmaEnd, end)
	highStart := max(dmaEnd, end-min(end, arch.PFN(cfg.BigmemFrames)))
	zones[zoneDMA].start, zones[zoneDMA].end = 0, dmaEnd
	zones[zoneNormal].start, zones[zoneNormal].end = dmaEnd, highStart
	zones[zoneHigh].start, zones[zoneHigh].end = highStart, end
}

// addRegion gives a region's frames to the buddy system in the largest blocks
// that its alignment and the zones' borders allow.
func addRegion(r arch.Region) {
	start := max(r.Start, 1) // frame 0 stands for "none" in lists
	for start < r.End {
		zi := zoneOf(start)
		z := &zones[zi]
		order := 0
		for order < maxOrder && start&(1<<(order+1)-1) == 0 && start+1<<(order+1) <= min(r.End, z.end) {
			order++
		}
		for pfn := start; pfn < start+1<<order; pfn++ {
			memMap[pfn].flags.Store(0)
			memMap[pfn].zone = zi
		}
		z.pages.Add(1 << order)
		pageAllocLock.Lock()
		z.give(start, order)
		pageAllocLock.Unlock()
		start += 1 << order
	}
}

// fillHeapReserve gives frames to the reserve that backs first touches of the
// Go heap until it holds what it should. It reports whether it could.
func fillHeapReserve(gfp GFP) bool {
	for arch.HeapLevel() < heapGoal() {
		if !giveHeapFrame(gfp) {
			return false
		}
	}
	return true
}

func giveHeapFrame(gfp GFP) bool {
	p := AllocPage(gfp)
	if p == nil {
		return false
	}
	p.Set(PGSlab)
	heapPages.Add(1)
	arch.HeapGive(p.PFN())
	return true
}

// heapSlack is how far above its target the reserve may float before frames are
// taken back, so that the heap and mm do not pass the same frame to and fro.
const heapSlack = 16

// heapPages counts the frames given to the Go heap and not taken back.
var heapPages atomic.Int64

// drainHeapReserve takes back what the Go scavenger returned beyond the target.
// Frames which the heap had before Init join their zone now.
func drainHeapReserve() {
	for arch.HeapLevel() > heapGoal()+heapSlack {
		pfn, ok := arch.HeapTake()
		if !ok {
			return
		}
		if !PFNValid(pfn) {
			arch.HeapGive(pfn)
			return
		}
		heapPages.Add(-1)
		p := PageOf(pfn)
		if p.Reserved() {
			p.zone = zoneOf(pfn)
			zones[p.zone].pages.Add(1)
			p.count.Store(1)
			p.flags.Store(0)
		}
		p.Clear(PGSlab)
		PutPage(p)
	}
}

// initLocks gives mm's global locks their classes.
func initLocks() {
	pageAllocLock.Init(locks.ZoneLock)
	pagecacheLock.Init(locks.PagecacheLock)
	pagemapLRULock.Init(locks.PagemapLruLock)
	mmlistLock.Init(locks.MmlistLock)
	writePlug.lock.Init(locks.RequestLock)
	cacheChainSem.Init(locks.CacheChainSem)
	shmLock.Init(locks.ShmLock)
}
