package mm

import "yolk/arch"

// The high zone ("bigmem"): by agreement neither the kernel nor a disk uses its
// frames at their own address. So what a program has there is copied down before
// it is written to swap, and what comes from swap is read into a low frame and
// copied up when one program alone has it.

// prepareBigmemSwapout returns a page with p's contents that the disk can be
// given (prepare_bigmem_swapout): p itself unless it lies in the high zone, or in
// the cache of an area that is being emptied; else a copy, which has taken over
// p's lock and the pte's reference. nil: no frame. Never sleeps.
func prepareBigmemSwapout(p *Page) *Page {
	if !p.PageHigh() && !p.InSwapCache() {
		return p
	}
	low := AllocPage(GFPAtomic)
	if low == nil {
		return nil
	}
	arch.CopyPage(low.PFN(), p.PFN())
	low.tryLockForIO()
	p.unlockAfterIO()
	PutPage(p)
	return low
}

// replaceWithBigmem is the reverse, at the end of a swap-in (replace_with_bigmem):
// it returns a page of the high zone with the contents of p, or p itself when
// there is no such page to be had. p is locked, out of the swap cache, and the
// caller's alone; it is the caller's still. Never sleeps; callable under the vmlist lock.
func replaceWithBigmem(p *Page) *Page {
	if z := &zones[zoneHigh]; p.PageHigh() || int(z.free.Load()) <= z.low {
		return p
	}
	high := AllocPage(GFPAtomic | GFPBigmem)
	switch {
	case high == nil:
		return p
	case !high.PageHigh():
		PutPage(high)
		return p
	}
	arch.CopyPage(high.PFN(), p.PFN())
	CountVM(BigmemReplace)
	return high
}
