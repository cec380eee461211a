package amd64

import (
	"sync/atomic"

	"yolk/arch/pt"
)

// The Go heap's address range is handed out from bottom to top and backed by
// frames when first touched. The frames come from a reserve that mm keeps
// filled, so that a touch never waits. All of it is under the floor lock.

const heapEnd = heapBase + 1<<39

// HeapTarget is how many frames mm keeps in the reserve.
const HeapTarget = 768

var (
	heapNext  uintptr = heapBase
	heapFree  uint64  // first frame of the reserve; each holds the next one's number
	heapLevel int64
	heapUsed  int64 // frames behind heap pages and their tables
)

// takeFrame returns a zeroed frame for the heap or a table, 0 when there is none.
func takeFrame() pt.PFN {
	if heapFree == 0 {
		if !handedOver && bump < bumpEnd {
			return earlyFrame()
		}
		return 0
	}
	p := pt.PFN(heapFree)
	heapFree = table(p)[0]
	table(p)[0] = 0
	atomic.AddInt64(&heapLevel, -1)
	return p
}

// giveFrame adds a frame to the reserve and clears it.
func giveFrame(p pt.PFN) {
	clearFrame(p)
	table(p)[0] = heapFree
	heapFree = uint64(p)
	atomic.AddInt64(&heapLevel, 1)
}

// heapTouch backs the page of addr.
func heapTouch(addr uintptr) bool {
	e := walk(kernelPGD, addr, 0, takeFrame)
	if e == nil {
		return false
	}
	if *e == 0 {
		p := takeFrame()
		if p == 0 {
			return false
		}
		atomic.AddInt64(&heapUsed, 1)
		*e = uint64(pt.Make(p, kernelData))
	}
	return true
}

// lookup returns the entry of a mapped heap page, nil if there is none.
func lookup(va uintptr) *uint64 {
	t := table(kernelPGD)
	for l := uint(3); l > 0; l-- {
		e := t[va>>(12+9*l)&511]
		if e&uint64(pt.Present) == 0 {
			return nil
		}
		t = table(pt.PTE(e).PFN())
	}
	if e := &t[va>>12&511]; *e != 0 {
		return e
	}
	return nil
}

// heapRelease takes the frames of [start, end) back. No CPU may go on using
// them once this returns, so each must have flushed.
func (c *percpu) heapRelease(start, end uintptr) {
	const batch = 64
	var frames [batch]pt.PFN
	for va := start &^ (pt.PageSize - 1); va < end; {
		n, from := 0, va
		for ; va < end && n < batch; va += pt.PageSize {
			e := lookup(va)
			if e == nil {
				// Skip what has no table at all.
				if next := va&^(largeSize-1) + largeSize; !hasTable(va) && next > va {
					va = next - pt.PageSize
				}
				continue
			}
			frames[n] = pt.PTE(*e).PFN()
			*e = 0
			n++
		}
		if n == 0 {
			continue
		}
		flushLocal(from, va)
		c.requestFlush(uint32(1)<<ncpu-1, 0, from, va)
		for _, p := range frames[:n] {
			giveFrame(p)
		}
		atomic.AddInt64(&heapUsed, -int64(n))
	}
}

func hasTable(va uintptr) bool {
	t := table(kernelPGD)
	for l := uint(3); l > 0; l-- {
		e := t[va>>(12+9*l)&511]
		if e&uint64(pt.Present) == 0 {
			return false
		}
		t = table(pt.PTE(e).PFN())
	}
	return true
}

// present sees to it that [a, a+n) of the heap is backed, for the floor to
// write to: a fault in the floor is fatal.
func present(a, n uintptr) bool {
	if a < heapBase || a >= heapEnd {
		return a >= directBase
	}
	for va := a &^ (pt.PageSize - 1); va < a+n; va += pt.PageSize {
		if !heapTouch(va) {
			return false
		}
	}
	return true
}

// HeapLevel returns the number of frames in the reserve.
func HeapLevel() int { return int(atomic.LoadInt64(&heapLevel)) }

// HeapUsed returns the number of frames behind the Go heap.
func HeapUsed() int { return int(atomic.LoadInt64(&heapUsed)) }

// HeapGive adds a frame, which the caller owns, to the reserve.
func HeapGive(pfn pt.PFN) { floorCall(callHeapGive, uintptr(pfn), 0) }

// HeapTake takes a frame out of the reserve.
func HeapTake() (pt.PFN, bool) {
	p := pt.PFN(floorCall(callHeapTake, 0, 0))
	return p, p != 0
}
