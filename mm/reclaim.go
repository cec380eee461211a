package mm

import "yolk/locks"

// Reclaim: what kswapd does in the background and an allocation in need does
// itself. A stealer carries PF_MEMALLOC: its own requests do not come back here
// and may use the last frames.

// doTryToFreePages asks all who keep pages to give some up, the longer the
// harder (do_try_to_free_pages). It returns how many pages were freed or are on
// their way to the disk. No spinlock held; may sleep.
func doTryToFreePages(gfp GFP) int {
	count := swapClusterMax
	kmemCacheReap()
	for prio := 6; prio >= 0 && count > 0; prio-- {
		count -= shrinkMmap(prio, gfp, count)
		if gfp&GFPIO != 0 {
			for count > 0 && shmSwap(prio, gfp) {
				count--
			}
		}
		for count > 0 {
			n := swapOut(prio, gfp)
			if n == 0 {
				break
			}
			count -= n
		}
	}
	return swapClusterMax - count
}

// tryToFreePages is direct reclaim (try_to_free_pages): it frees pages for a
// request with gfp, waiting for the disk if need be, and reports whether there
// was any progress. No spinlock held; may sleep if gfp has GFPWait.
func tryToFreePages(gfp GFP) bool {
	WakeKswapd()
	if gfp&GFPWait == 0 {
		return true
	}
	ctx := locks.Current()
	if ctx.Flags&locks.PFMemAlloc != 0 {
		return false
	}
	if littleToSteal() && ctx.Flags&locks.PFSwapoff == 0 {
		outOfMemory()
	}
	ctx.Flags |= locks.PFMemAlloc
	n := doTryToFreePages(gfp)
	if NrFreePages() <= reservedPages() {
		// What was stolen is still on its way to the disk.
		if waitForWrites() {
			n++
		}
		shrinkMmap(0, gfp, swapClusterMax)
	} else {
		RunDiskQueue()
	}
	ctx.Flags &^= locks.PFMemAlloc
	return n > 0
}
