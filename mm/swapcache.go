package mm

import (
	"unsafe"

	"yolk/locks"
)

// swapperSpace is the identity of swap-cache pages; their index is the entry.
//
// Invariants: a cached page holds one reference to its slot; the contents of a
// page in the swap cache and of its slot are the same, or being made so under
// the page lock, or the page has PGDirty because the slot could not be written.
// So no pte maps a swap-cache page writable: who wants to write takes the page
// out first, under the page lock, and only if nobody else uses page or slot.
var swapperSpace Mapping

// addToSwapCache caches p, locked by the caller, as the page of slot e. The
// caller has taken the slot's reference for the cache. False if the slot has a page.
func addToSwapCache(p *Page, e SwapEntry) bool {
	p.Set(PGSwapCache)
	if !AddToPageCacheUnique(p, &swapperSpace, uint64(e)) {
		p.Clear(PGSwapCache)
		return false
	}
	return true
}

// LookupSwapCache returns the page of slot e with a reference for the caller, or
// nil. It may be locked (being read or written) or not up to date (a failed
// read). To rely on the identity lock the page and look again at InSwapCache
// and Index. Never sleeps.
func LookupSwapCache(e SwapEntry) *Page {
	p := FindGetPage(&swapperSpace, uint64(e))
	if p != nil && p.TestAndClear(PGReadahead) {
		readaheadHit(e)
	}
	return p
}

// DeleteFromSwapCache takes a page out of the swap cache and drops the cache's
// references to page and slot. The page is locked and the caller has a reference
// of its own; whoever maps the page must see it as dirty from now on. Never
// sleeps; callable under the vmlist lock.
func DeleteFromSwapCache(p *Page) {
	e := SwapEntry(p.index)
	pagecacheLock.Lock()
	removeFromPageCache(p)
	p.Clear(PGSwapCache | PGDirty | PGReadahead)
	pagecacheLock.Unlock()
	PutPage(p)
	SwapFree(e)
}

// assertPageLock checks rule R12: what follows from a count of references to a
// page or its slot is decided with the page locked.
func assertPageLock(p *Page, what string) {
	locks.AssertNoted("R12", locks.PageLock, unsafe.Pointer(p), what)
}

// IsPageShared reports whether anyone but the caller, who holds one reference or
// one pte, uses the page or its slot (is_page_shared). The page is locked.
func IsPageShared(p *Page) bool {
	assertPageLock(p, "is_page_shared decides")
	n := p.Count()
	if p.InSwapCache() {
		n += SwapCount(SwapEntry(p.index)) - 2
	}
	return n > 1
}

// ClaimSwapPage decides at the end of a swap-in whether the page leaves the swap
// cache for its only user: because that one writes, because slots are short, or
// because the slot is bad. If it returns true the pte must be made dirty. The
// page is locked, the pte's reference to the slot already dropped.
func ClaimSwapPage(p *Page, write bool) bool {
	if !write && !vmSwapFull() && !p.Test(PGDirty) || IsPageShared(p) {
		return false
	}
	DeleteFromSwapCache(p)
	return true
}

// FreePageAndSwapCache drops a pte's reference to a page, and with it the copy on
// disk if nobody else wants that (free_page_and_swap_cache). It reports whether that was
// the last reference: then the caller frees the frame. Never sleeps; callable under the
// vmlist lock.
func FreePageAndSwapCache(p *Page) (last bool) {
	injectR12(p)
	if p.InSwapCache() && TryLockPage(p) {
		if p.InSwapCache() && !IsPageShared(p) {
			DeleteFromSwapCache(p)
		}
		UnlockPage(p)
	}
	return p.putTestZero()
}

// FreeSwapAndCache drops a pte's reference to a slot, and the cached page with it
// if that was the last (free_swap_and_cache). Never sleeps; callable under the
// vmlist lock.
func FreeSwapAndCache(e SwapEntry) {
	SwapFree(e)
	if SwapCount(e) != 1 {
		return
	}
	p := FindGetPage(&swapperSpace, uint64(e))
	if p == nil {
		return
	}
	if TryLockPage(p) {
		if p.InSwapCache() && p.index == uint64(e) && !IsPageShared(p) {
			DeleteFromSwapCache(p)
		}
		UnlockPage(p)
	}
	PutPage(p)
}

// swapIn returns the page of slot e with a reference for the caller, and whether it had
// to be read; the read has ended then, and the page is not Uptodate if it failed. nil: no
// memory, or the slot is no longer in use. No spinlock held; sleeps.
//
// Hundreds of tasks may be here at once, many of them for the same page. So the frame is
// found before kernel_lock is taken, for which they queue, and the wait for the disk
// comes after; and who was overtaken in the queue finds the page in the cache.
func swapIn(e SwapEntry) (p *Page, read bool) {
	if p = LookupSwapCache(e); p != nil {
		return p, false
	}
	if NrFreePages() < 1<<pageCluster()+reservedPages() {
		tryToFreePages(GFPUser)
	}
	frame := AllocPage(GFPUser)
	if frame == nil {
		return nil, false
	}
	locks.LockKernel()
	p = LookupSwapCache(e)
	if p == nil {
		frame = SwapinReadahead(e, frame)
		p, read = ReadSwapCache(e), true
	}
	locks.UnlockKernel()
	if frame != nil {
		PutPage(frame)
	}
	if read && p != nil {
		WaitOnPage(p)
	}
	return p, read
}

// ReadSwapCache returns the page of slot e with a reference for the caller,
// starting a read if it is not cached (read_swap_cache). It does not wait for the
// read. nil: no memory, or the slot is no longer in use. May sleep.
func ReadSwapCache(e SwapEntry) *Page {
	locks.MaySleep()
	for {
		if p := LookupSwapCache(e); p != nil {
			return p
		}
		p := AllocPage(GFPUser)
		if p == nil {
			return nil
		}
		cached, again := newSwapPage(e, p)
		if cached {
			GetPage(p)
			io := getReadIO(swapArea(e), e.Offset())
			io.add(p)
			io.submit()
			return p
		}
		PutPage(p)
		if !again {
			return nil
		}
	}
}

// newSwapPage caches the fresh page p for slot e, locked and ready to be read into.
// The caller's reference remains the caller's. again: somebody else has just cached
// the slot; not cached and not again: it is no longer in use.
func newSwapPage(e SwapEntry, p *Page) (cached, again bool) {
	if !SwapDuplicate(e) {
		return false, false
	}
	p.tryLockForIO()
	if !addToSwapCache(p, e) {
		p.unlockAfterIO()
		SwapFree(e)
		return false, true
	}
	return true, false
}
