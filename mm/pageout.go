package mm

import (
	"yolk/arch"
	"yolk/arch/pt"
	"yolk/locks"
)

// MADV_COLD and MADV_PAGEOUT: a program tells the stealer what to take, and may have it
// taken at once. The theft itself is try_to_swap_out's.

// coolRange makes the pages of [start, end) ones that nobody has used of late
// (madvise_cold). MmapSem held; does not sleep.
func coolRange(m *MM, start, end uintptr) {
	for at := start; at < end; {
		m.PageTableLock.Lock()
		pte, addr := nextPTE(m, at, end)
		if pte == nil {
			m.PageTableLock.Unlock()
			break
		}
		at = min(end, tableEnd(addr))
		for i, ptes := 0, tableSlice(pte, addr, at); i < len(ptes); i++ {
			e := loadPTE(&ptes[i])
			if !ptePresent(e) || !PFNValid(e.PFN()) {
				continue
			}
			if e.Young() {
				changePTE(&ptes[i], ^pt.Accessed, 0)
			}
			PageOf(e.PFN()).Clear(PGReferenced)
		}
		m.PageTableLock.Unlock()
	}
	arch.FlushTLBRange(&m.Ctx, start, end)
}

// pageOut steals what lies in [start, end) of v and is used by nobody else
// (madvise_pageout). It does not wait for the disk. MmapSem held, which keeps v; may sleep.
func pageOut(m *MM, v *VMA, start, end uintptr) {
	coolRange(m, start, end)
	ctx := locks.Current()
	had := ctx.Flags & locks.PFMemAlloc
	ctx.Flags |= locks.PFMemAlloc
	for start < end {
		start = pageOutSome(m, v, start, end)
	}
	ctx.Flags = ctx.Flags&^locks.PFMemAlloc | had
	RunDiskQueue()
}

// pageOutSome is pageOut for one batch; it returns where it stopped.
func pageOutSome(m *MM, v *VMA, start, end uintptr) uintptr {
	locks.LockKernel()
	defer locks.UnlockKernel()
	throttleWrites()
	locks.AssertGuard(locks.KernelLock, locks.NoClass, "an address space is stolen from")
	s := steal{m: m, v: v, gfp: GFPKswapd}
	vmlistAccessLock(m)
	for start < end && s.n < len(s.cand) {
		pte, addr := nextPTE(m, start, end)
		if start = addr; pte == nil {
			break
		}
		if !s.usedByOthers(loadPTE(pte)) {
			s.consider(pte, addr)
		}
		start += arch.PageSize
	}
	n := tryToSwapOut(&s)
	assertFrozen(m, n)
	if n == 0 {
		s.flush()
		vmlistAccessUnlock(m)
	}
	return start
}

// usedByOthers reports whether more refers to e's page than this pte and a cache or the
// object of a shared mapping. vmlist lock held. It is a guess: what is true of the page
// try_to_swap_out finds out.
func (s *steal) usedByOthers(e arch.PTE) bool {
	if !ptePresent(e) || !PFNValid(e.PFN()) {
		return false
	}
	p, own := PageOf(e.PFN()), 1
	if p.mapping != nil || s.v.VMFile != nil && e&pteAnon == 0 {
		own++
	}
	return p.Count() > own
}
