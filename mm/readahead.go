package mm

import (
	"sync/atomic"

	"yolk/drivers/blk"
	"yolk/locks"
)

// A stream is a scan of slots, as far as faults show one. There may be several at a
// time, by several tasks or through several arrays, and faults here and there between.
type stream struct {
	// Written with kernel_lock held.
	start, end atomic.Uint64 // slots [start, end) were read ahead last, as slotNumber
	last       uint64        // the one of them that a fault wanted

	hits atomic.Int32 // of the others, how many have been used since
}

// streams are the latest ones, in no order; nextStream, guarded by kernel_lock, is the
// one that the next new stream replaces.
var (
	streams    [16]stream
	nextStream int
)

// slotNumber is e's place in a row of the slots of all areas.
func slotNumber(e SwapEntry) uint64 { return uint64(e.Type())<<32 | uint64(e.Offset()) }

// readaheadHit notes that the page of slot e was read ahead and is used now.
func readaheadHit(e SwapEntry) {
	CountVM(SwapRAHit)
	n := slotNumber(e)
	for i := range streams {
		if s := &streams[i]; s.start.Load() <= n && n < s.end.Load() {
			s.hits.Add(1)
			return
		}
	}
}

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

// streamAt returns the stream that the fault on slot number n continues, within near
// slots, or a new one. kernel_lock held.
func streamAt(n, near uint64) (s *stream, known bool) {
	for i := range streams {
		s = &streams[i]
		if s.start.Load() <= n+near && n < s.end.Load()+near {
			return s, true
		}
	}
	s = &streams[nextStream]
	nextStream = (nextStream + 1) % len(streams)
	return s, false
}

// readaheadShift sizes the read-ahead for slot number n and returns its stream. The first
// slot of a stream is read alone: faults here and there want nothing else. Later ones depend on
// what became of the stream's last read-ahead: twice the ordinary block if at least half
// of that was used, as in a sequential scan. If next to nothing was, a quarter, unless
// an ordinary block would have had the slot that is wanted now, as in one of
// several scans that share out the pages between them. kernel_lock held.
func readaheadShift(n uint64) (s *stream, shift int) {
	shift = pageCluster()
	block := uint64(1) << shift
	s, known := streamAt(n, block)
	switch hits := uint64(s.hits.Load()); {
	case !known:
		return s, 0
	case hits >= block/2:
		return s, shift + 1
	case hits >= 2, s.last <= n+block/2 && n < s.last+block/2:
		return s, shift
	}
	return s, max(shift-2, 2)
}

// begin notes that slots [start, end) of e's area are read ahead for a fault on e.
func (s *stream) begin(e SwapEntry, start, end uint32) {
	s.last = slotNumber(e)
	first := s.last - uint64(e.Offset())
	s.start.Store(first + uint64(start))
	s.end.Store(first + uint64(end))
	s.hits.Store(0)
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
	s, shift := readaheadShift(slotNumber(e))
	start := e.Offset() >> shift << shift
	end := min(start+1<<shift, si.max.Load())
	start = max(start, 1)
	if !si.writeOK.Load() && locks.Current().Flags&locks.PFSwapoff == 0 {
		// Swapoff is emptying the area: cache nothing that nobody asked for.
		start, end = e.Offset(), e.Offset()+1
	}
	s.begin(e, start, end)
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
