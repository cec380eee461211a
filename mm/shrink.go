package mm

import (
	"yolk/drivers/blk"
	"yolk/locks"
)

// shrinkMmap frees up to want pages that only the page cache holds, from the old
// end of the LRU list (shrink_mmap). It never looks at ptes: a page that is
// mapped has more references than the cache's. Returns the number freed.
// Sleeps only if gfp has GFPIO and a file's page must be written.
func shrinkMmap(prio int, gfp GFP, want int) int {
	freed, scanned := 0, 0
	pagemapLRULock.Lock()
	budget := lru.nr/(prio+1) + 1
	for ; scanned < budget && freed < want && lru.tail != 0; scanned++ {
		p := &memMap[lru.tail]
		lru.remove(p)
		lru.pushHead(p)
		if p.TestAndClear(PGReferenced) || p.Count() != 1 || wrongClass(p, gfp) || !p.tryLockForIO() {
			continue
		}
		// The cache's reference cannot go while the page is on the list.
		GetPage(p)
		pagemapLRULock.Unlock()
		if dropCachedPage(p, gfp) {
			freed++
		}
		pagemapLRULock.Lock()
	}
	pagemapLRULock.Unlock()
	if locks.Current().Flags&locks.PFKswapd != 0 {
		CountVMs(PgScanKswapd, scanned)
		CountVMs(PgStealKswapd, freed)
	} else {
		CountVMs(PgScanDirect, scanned)
		CountVMs(PgStealDirect, freed)
	}
	return freed
}

// DropCaches frees what the page cache has of clean pages that nobody uses. No spinlock
// held. Source: /proc/sys/vm/drop_caches.
func DropCaches() {
	for range 2 { // the first time round a page loses that it was used lately
		shrinkMmap(0, GFPBigmem, TotalPages())
	}
}

// DropSlabs frees the slabs that have no objects. No spinlock held. Source: as DropCaches.
func DropSlabs() { kmemCacheReap() }

// wrongClass reports that freeing p would not help a request with gfp.
func wrongClass(p *Page, gfp GFP) bool {
	return gfp&GFPDMA != 0 && !p.PageDMA() || gfp&(GFPBigmem|GFPSwap) == 0 && p.PageHigh()
}

// dropCachedPage frees a page unless somebody has come for it. The caller holds
// the page lock and a reference; both are given up.
func dropCachedPage(p *Page, gfp GFP) bool {
	pagecacheLock.Lock()
	if p.mapping == nil || p.Count() != 2 || p.Test(PGDirty) && !orphan(p) {
		m := p.mapping
		pagecacheLock.Unlock()
		if gfp&GFPIO == 0 || !writeDirtyPage(p) {
			dirty := p.Test(PGDirtyList)
			p.unlockAfterIO()
			if dirty && gfp&GFPIO != 0 {
				m.writeback(blk.MaxSegs)
			}
		}
		PutPage(p)
		return false
	}
	e, swap := SwapEntry(p.index), p.InSwapCache()
	removeFromPageCache(p)
	p.Clear(PGSwapCache | PGReadahead)
	pagecacheLock.Unlock()
	if swap {
		SwapFree(e)
	}
	PutPage(p) // the cache's
	p.unlockAfterIO()
	PutPage(p)
	return true
}

// orphan reports that only the swap cache still knows the page's slot: its
// contents, even if newer than the slot's, are of no use to anybody. Page lock held.
func orphan(p *Page) bool { return p.InSwapCache() && SwapCount(SwapEntry(p.index)) == 1 }

// writeDirtyPage starts the write of a locked swap-cache page that is newer than
// its slot, so that it can be freed later; the end of the write unlocks it. A page gets
// here when the kernel wrote to it on a process's behalf after it was stolen, or when a
// write failed of which it was a part. If its slot is bad, or the area has no good ones, it
// stays. May sleep.
func writeDirtyPage(p *Page) bool {
	if p.mapping == nil || !p.Test(PGDirty) || !p.InSwapCache() ||
		slotRetired(SwapEntry(p.index)) || swapArea(SwapEntry(p.index)).dead() {
		return false
	}
	p.Clear(PGDirty)
	writeSwapPage(p)
	return true
}
