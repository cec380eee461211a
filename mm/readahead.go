package mm

import (
	"sync/atomic"

	"yolk/drivers/blk"
	"yolk/locks"
)

// raHits counts pages that were read ahead and then used, since the last read-ahead.
var raHits atomic.Int32

// pageCluster is page_cluster: an ordinary read-ahead covers an aligned block of
// 1<<page_cluster slots, fewer where memory is small.
func pageCluster() int {
	switch mib := TotalPages() >> 8; {
	case mib < 8:
		return 2
	case mib < 16:
		return 3
	}
	return 4
}

// readaheadShift sizes the next read-ahead by what became of the last one: twice
// the ordinary block if at least half of that was used, as in a sequential scan;
// a quarter if next to nothing was, but four slots, or a scan would never show, least
// of all one of several at a time.
func readaheadShift() int {
	shift := pageCluster()
	switch hits := int(raHits.Swap(0)); {
	case hits >= 1<<shift/2:
		return shift + 1
	case hits < 2:
		return max(shift-2, 2)
	}
	return shift
}

// inSwapCache reports whether slot e has a page at the moment.
func inSwapCache(e SwapEntry) bool {
	pagecacheLock.Lock()
	defer pagecacheLock.Unlock()
	return findPage(&swapperSpace, uint64(e)) != nil
}

// SwapinReadahead starts the read of slot e, into frame, and of those around it that
// were probably stolen with it, as far as there are free frames. Slots that are unused
// or cached already are left out. It does not wait for the reads; whether e's was
// started ReadSwapCache finds out. It returns frame, if that was not needed. kernel_lock
// held: a stealer holds it from when it gets a slot until the page is in the swap cache,
// and a slot in between looks as if it could be read. May sleep for a request.
func SwapinReadahead(e SwapEntry, frame *Page) *Page {
	locks.AssertGuard(locks.KernelLock, locks.NoClass, "swap slots are read ahead")
	si := swapArea(e)
	if si == nil {
		return frame
	}
	shift := readaheadShift()
	start := e.Offset() >> shift << shift
	end := min(start+1<<shift, si.max.Load())
	start = max(start, 1)
	if !si.writeOK.Load() && locks.Current().Flags&locks.PFSwapoff == 0 {
		// Swapoff is emptying the area: cache nothing that nobody asked for.
		start, end = e.Offset(), e.Offset()+1
	}
	var io *swapIO
	for off := start; off < end; off++ {
		var p *Page
		if off == e.Offset() {
			if cached, _ := newSwapPage(e, frame); !cached {
				continue
			}
			p, frame = frame, nil
		} else if p = readaheadPage(MakeSwapEntry(si.typ, off)); p == nil {
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
	return frame
}

// readaheadPage caches a page to read slot e into, locked and with the I/O's
// reference, or returns nil: it does not go to any length to find a frame.
func readaheadPage(e SwapEntry) *Page {
	if SwapCount(e) == 0 || inSwapCache(e) {
		return nil
	}
	p := AllocPage(GFPUser &^ GFPWait)
	if p == nil {
		return nil
	}
	if cached, _ := newSwapPage(e, p); !cached {
		PutPage(p)
		return nil
	}
	p.Set(PGReadahead)
	CountVM(SwapRA)
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
