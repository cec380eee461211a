package mm

import (
	"yolk/drivers/blk"
	"yolk/locks"
)

// pageClusterShift is page_cluster: a swap-in reads an aligned block of
// 1<<page_cluster slots, smaller where memory is small.
func pageClusterShift() uint {
	switch mib := TotalPages() >> 8; {
	case mib < 8:
		return 2
	case mib < 16:
		return 3
	}
	return 4
}

// SwapinReadahead starts the read of slot e and of those around it that were
// probably stolen with it. Slots that are unused or cached already are left
// out. It neither waits for the reads nor says whether e's was started: call
// ReadSwapCache after it. May sleep for memory.
func SwapinReadahead(e SwapEntry) {
	si := swapArea(e)
	if si == nil {
		return
	}
	shift := pageClusterShift()
	start := e.Offset() >> shift << shift
	end := min(start+1<<shift, si.max.Load())
	start = max(start, 1)
	if !si.writeOK.Load() && locks.Current().Flags&locks.PFSwapoff == 0 {
		// Swapoff is emptying the area: cache nothing that nobody asked for.
		start, end = e.Offset(), e.Offset()+1
	}
	if NrFreePages() < int(end-start)+reservedPages() {
		tryToFreePages(GFPUser)
	}
	var io *swapIO
	for off := start; off < end; off++ {
		p := readaheadPage(MakeSwapEntry(si.typ, off), off == e.Offset())
		if p == nil {
			continue
		}
		if io != nil && !io.follows(si, off) {
			io.submit()
			io = nil
		}
		if io == nil {
			io = getReadIO(si, off)
		}
		io.add(p)
		if io.n == blk.MaxSegs {
			io.submit()
			io = nil
		}
	}
	if io != nil {
		io.submit()
	}
}

// readaheadPage caches a page to read slot e into, locked and with the I/O's
// reference, or returns nil. Only for the slot that is wanted does it go to any
// length to find a frame.
func readaheadPage(e SwapEntry, wanted bool) *Page {
	if SwapCount(e) == 0 {
		return nil
	}
	pagecacheLock.Lock()
	cached := findPage(&swapperSpace, uint64(e)) != nil
	pagecacheLock.Unlock()
	if cached {
		return nil
	}
	gfp := GFPHighUser
	if !wanted {
		gfp &^= GFPWait
	}
	p, _ := newSwapPage(e, gfp)
	if p != nil && !wanted {
		p.Set(PGReadahead)
		CountVM(SwapRA)
	}
	return p
}

// reservedPages is how many free frames an ordinary request must leave.
func reservedPages() int {
	n := 0
	for i := range zones {
		n += zones[i].min
	}
	return n
}
