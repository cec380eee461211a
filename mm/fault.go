package mm

import (
	"yolk/arch"
	"yolk/arch/pt"
)

// Faults. MmapSem is held for the whole of a fault, so only page stealers
// change ptes meanwhile, and they only remove pages. Every function here that
// lets go of PageTableLock looks at the pte again before it acts. Nothing on
// these paths allocates on the Go heap.

// HandleFault resolves a fault of a program, or of a copy to or from one, at
// addr. It takes MmapSem and may sleep; the caller holds no lock. After
// FaultMinor or FaultMajor the access is tried again; other results name the signal.
func HandleFault(m *MM, addr uintptr, access Access) FaultResult {
	injectR3(m, addr)
	m.MmapSem.Lock()
	r := faultLocked(m, addr, access)
	m.MmapSem.Unlock()
	CountVM(PgFault)
	if r == FaultMajor {
		CountVM(PgMajFault)
	}
	return r
}

// faultLocked is HandleFault for those who hold MmapSem.
func faultLocked(m *MM, addr uintptr, access Access) FaultResult {
	if addr >= arch.TaskSize {
		return FaultMapErr
	}
	v := FindVMA(m, addr)
	if v == nil {
		return FaultMapErr
	}
	if addr < v.VMStart && (v.VMFlags&VMGrowsDown == 0 || expandStack(m, v, addr) != 0) {
		return FaultMapErr
	}
	switch access {
	case AccessWrite:
		if v.VMFlags&VMWrite == 0 {
			return FaultAccErr
		}
	case AccessExec:
		if v.VMFlags&VMExec == 0 {
			return FaultAccErr
		}
	default:
		if v.VMFlags&vmAccessBits == 0 {
			return FaultAccErr
		}
	}
	return handleMMFault(m, v, addr&arch.PageMask, access == AccessWrite)
}

// handleMMFault brings in the page of addr, which v covers and permits.
// MmapSem held; may sleep.
func handleMMFault(m *MM, v *VMA, addr uintptr, write bool) FaultResult {
	pte := allocPTE(m, addr)
	if pte == nil {
		return FaultOOM
	}
	m.PageTableLock.Lock()
	e := loadPTE(pte)
	if !ptePresent(e) {
		// Stealers only remove pages, they never add one: nobody fills the entry
		// while we hold MmapSem.
		m.PageTableLock.Unlock()
		switch {
		case e.None():
			return doNoPage(m, v, addr, pte, write)
		case e == pteGuard:
			return FaultMapErr
		}
		return doSwapPage(m, v, addr, pte, e, write)
	}
	if write && !e.Writable() {
		return doWPPage(m, v, addr, pte, e)
	}
	set := pt.Accessed
	if write {
		set |= pt.Dirty
	}
	// The entry permits the access by now. That a CPU still has an older, stricter
	// copy needs no flush, here and below: a fault drops the entry it came from.
	changePTE(pte, ^arch.PTE(0), set)
	m.PageTableLock.Unlock()
	return FaultMinor
}

// doAnonymousPage maps a fresh page of zeros, or for a read the page of zeros
// that all share. MmapSem held; may sleep.
func doAnonymousPage(m *MM, v *VMA, addr uintptr, pte *uint64, write bool) FaultResult {
	e := pt.Make(zeroPFN, v.pageProt&^pt.Write|pt.Accessed)
	var page *Page
	if write {
		prepareAnon(m, v)
		if page = AllocPage(GFPHighUser | GFPZero); page == nil {
			return FaultOOM
		}
		e = pt.Make(page.PFN(), v.pageProt|pt.Write|pt.Accessed|pt.Dirty|pteAnon)
	}
	return installPTE(m, pte, e, page)
}

// installPTE fills an empty pte, or drops the page when it is no longer empty.
func installPTE(m *MM, pte *uint64, e arch.PTE, page *Page) FaultResult {
	installUncut(m, pte, e, page, nil, 0)
	return FaultMinor
}

// doNoPage fills a pte that was never used, from the driver if the vma has one.
// MmapSem held; may sleep.
func doNoPage(m *MM, v *VMA, addr uintptr, pte *uint64, write bool) FaultResult {
	if v.VMOps == nil || v.VMOps.Nopage == nil {
		return doAnonymousPage(m, v, addr, pte, write)
	}
	noShare := write && v.VMFlags&VMShared == 0
	if noShare {
		prepareAnon(m, v)
	}
	injectR8(m)
	ring, truncs := v.ring(), uint32(0)
	if ring != nil {
		truncs = ring.truncs.Load()
	}
	assertDriver()
	page, how := v.VMOps.Nopage(v, addr, noShare)
	assertDriver()
	if page == nil {
		return how
	}
	e := pt.Make(page.PFN(), v.pageProt|pt.Accessed)
	switch {
	case write:
		e |= pt.Write | pt.Dirty
	case v.VMFlags&VMShared == 0:
		e &^= pt.Write
	}
	if noShare {
		e |= pteAnon
	}
	if !noShare && v.VMOps.PageCache {
		how = installCached(m, pte, e, page, how)
	} else {
		installUncut(m, pte, e, page, ring, truncs)
	}
	if !write && v.VMOps.Cached != nil {
		faultAround(m, v, addr, pte)
	}
	return how
}

// installUncut is installPTE for a page of a driver, which was asked for it when r.truncs
// was as given. If that has changed the page may not be the file's any more, and the next
// try finds out; a truncation after this will find what is mapped here.
func installUncut(m *MM, pte *uint64, e arch.PTE, page *Page, r *IMmap, truncs uint32) {
	m.PageTableLock.Lock()
	if loadPTE(pte).None() && (r == nil || r.truncs.Load() == truncs) {
		setPTE(pte, e)
		countPTE(m, e, 1)
		page = nil
	}
	m.PageTableLock.Unlock()
	if page != nil {
		PutPage(page)
	}
}

// installCached is installPTE for a page of a file. A truncate may have taken it
// out of the cache meanwhile, or may be through before the page came into the cache,
// and would not meet it again: the next try will find the new end. If the end is still
// behind the page while we hold its lock, a truncate is yet to look for the page: it
// waits, and unmaps again what it finds mapped.
func installCached(m *MM, pte *uint64, e arch.PTE, page *Page, how FaultResult) FaultResult {
	LockPage(page)
	gone := page.mapping == nil || page.index >= pagesOf(page.mapping.Ops.Size())
	if !gone {
		installPTE(m, pte, e, page)
	}
	UnlockPage(page)
	if gone {
		PutPage(page)
	}
	return how
}

// doSwapPage brings a page back from its swap slot. MmapSem held; may sleep.
func doSwapPage(m *MM, v *VMA, addr uintptr, pte *uint64, e arch.PTE, write bool) FaultResult {
	entry := PTESwapEntry(e)
	how := FaultMinor
	page, read := swapIn(entry)
	if page == nil {
		return swapReadFailed(pte, e)
	}
	if read {
		how = FaultMajor
	}
	LockPage(page)
	if !page.InSwapCache() || page.Index() != uint64(entry) {
		// It left the cache while we waited: swapoff replaced the entry, or will
		// do so under MmapSem. The next try finds out.
		UnlockPage(page)
		PutPage(page)
		return how
	}
	if !rereadSwapPage(page) {
		UnlockPage(page)
		PutPage(page)
		return FaultBus
	}
	m.PageTableLock.Lock()
	if loadPTE(pte) != e {
		m.PageTableLock.Unlock()
		UnlockPage(page)
		PutPage(page)
		return how
	}
	SwapFree(entry) // the pte's reference to the slot
	m.SwapEnts.Add(-1)
	mapped, bits := page, pt.Accessed|pteAnon
	if ClaimSwapPage(page, write) {
		// The slot is gone, the page is newer than anything on disk.
		mapped = replaceWithBigmem(page)
		bits |= pt.Dirty
		if write {
			bits |= pt.Write
		}
	}
	n := pt.Make(mapped.PFN(), v.pageProt&^pt.Write|bits)
	setPTE(pte, n)
	countPTE(m, n, 1)
	m.PageTableLock.Unlock()
	UnlockPage(page)
	if mapped != page {
		PutPage(page)
	}
	return how
}

// swapReadFailed says what a failed swap-in means: nothing, if a truncate has emptied
// the entry in the meantime, else that there was no memory for it. One word is read,
// whose table MmapSem keeps, and nothing follows that a lock would have to keep true.
func swapReadFailed(pte *uint64, e arch.PTE) FaultResult {
	if loadPTE(pte) == e {
		return FaultOOM
	}
	return FaultMinor
}

// doWPPage handles a write to a page that is mapped read-only in a writable
// vma. MmapSem and PageTableLock are held on entry; the latter is released. May sleep.
func doWPPage(m *MM, v *VMA, addr uintptr, pte *uint64, e arch.PTE) FaultResult {
	m.PageTableLock.AssertHeld()
	old := PageOf(e.PFN())
	prepareAnon(m, v)
	if v.VMFlags&VMShared != 0 || canReuse(old) {
		changePTE(pte, ^arch.PTE(0), pt.Write|pt.Dirty|pt.Accessed|anonBit(v))
		if e&pteAnon == 0 && anonBit(v) != 0 {
			m.AnonRSS.Add(1)
		}
		m.PageTableLock.Unlock()
		return FaultMinor
	}
	GetPage(old)
	m.PageTableLock.Unlock()
	return breakCOW(m, v, addr, pte, e, old)
}

// anonBit is pteAnon for a page that a write makes the mapping's own.
func anonBit(v *VMA) arch.PTE {
	if v.VMFlags&VMShared != 0 {
		return 0
	}
	return pteAnon
}

// canReuse reports whether the one pte that maps page read-only may become
// writable: nobody else has the page. Only the swap cache may, and then the page
// leaves it, for its slot will hold old contents. PageTableLock held.
func canReuse(page *Page) bool {
	if page.Reserved() {
		return false
	}
	switch page.Count() {
	case 1:
		return !page.InSwapCache()
	case 2:
		if !page.InSwapCache() || !TryLockPage(page) {
			return false
		}
		own := page.InSwapCache() && !IsPageShared(page)
		if own {
			DeleteFromSwapCache(page)
		}
		UnlockPage(page)
		return own
	}
	return false
}

// breakCOW gives the mapping a copy of old, on which the caller holds a
// reference besides the pte's. While we hold it nobody can reuse old for
// writing, so it may be copied without a lock. MmapSem held; may sleep.
func breakCOW(m *MM, v *VMA, addr uintptr, pte *uint64, e arch.PTE, old *Page) FaultResult {
	gfp := GFPHighUser
	zero := old.PFN() == zeroPFN
	if zero {
		gfp |= GFPZero
	}
	page := AllocPage(gfp)
	if page == nil {
		PutPage(old)
		return FaultOOM
	}
	if !zero {
		arch.CopyPage(page.PFN(), old.PFN())
	}
	const bits = pt.Accessed | pt.Dirty
	m.PageTableLock.Lock()
	if loadPTE(pte)&^bits == e&^bits {
		was := getAndClearPTE(pte)
		// No other thread may still read the old page when the new one is written.
		arch.FlushTLBPage(&m.Ctx, addr)
		n := pt.Make(page.PFN(), v.pageProt|pt.Write|bits|pteAnon)
		setPTE(pte, n)
		countPTE(m, was, -1)
		countPTE(m, n, 1)
		m.PageTableLock.Unlock()
		PutPage(old)
	} else {
		m.PageTableLock.Unlock()
		PutPage(page)
	}
	PutPage(old)
	return FaultMinor
}

// makePagesPresent faults in [addr, end), which vmas cover without a hole, as if
// the program had touched every page. MmapSem held; may sleep.
func makePagesPresent(m *MM, addr, end uintptr) FaultResult {
	v := FindVMA(m, addr)
	for addr < end {
		for v != nil && v.VMEnd <= addr {
			v = v.vmNext
		}
		if v == nil || addr < v.VMStart {
			return FaultMapErr
		}
		access := AccessRead
		if v.VMFlags&VMWrite != 0 && v.VMFlags&VMShared == 0 {
			access = AccessWrite
		}
		if r := faultLocked(m, addr, access); r.Failed() {
			return r
		}
		addr += arch.PageSize
	}
	return FaultMinor
}
