package mm

import (
	"sync/atomic"

	"yolk/drivers/blk"
	"yolk/locks"
)

// MaxSwapFiles is the number of swap areas that can be in use at once, as many as in
// a Linux that keeps three of the 32 for other ends.
const MaxSwapFiles = 29

// One word of a swap map counts the references to a slot: one for each pte that
// holds the entry, one for the swap cache, one for each temporary holder.
const (
	swapMapMax = 0x7fff // as many references or more: stays until swapoff
	swapMapBad = 0x8000 // never to be handed out; the low bits still count
)

const (
	swapCluster = 256 // SWAPFILE_CLUSTER: slots handed out in a row
	smallRun    = 32  // second best: what one request writes
)

// swapInfo is one swap area (swap_info_struct). The array swapInfos never moves,
// so an area's locks are valid even while it is unused.
type swapInfo struct {
	// Changed under swap_list_lock and swap_device_lock: read under either.
	used    bool
	writeOK atomic.Bool // slots may be handed out, and gain references by stealing; read anywhere
	prio    int
	next    int // in swapList, -1 ends it
	turn    int // slots handed out in turn with its equals; swap_list_lock

	linked bool // in swapList; swap_list_lock

	failing atomic.Int32 // writes that failed since the last one that did not

	dev blk.Device    // fixed while used
	typ int           // index in swapInfos; fixed
	max atomic.Uint32 // slots, the header's included; read anywhere

	lock                  locks.SpinLock // swap_device_lock; guards the rest
	swapMap               []uint16
	lowestBit, highestBit uint32 // every free slot lies between them
	clusterNext           uint32
	clusterNr             int
	pages                 int // good slots; falls when a slot is retired
	inUse                 int // good slots with references
	badInUse              int // retired ones
}

// swapListLock is swap_list_lock. It guards swapList and nr_swap_pages; each
// area's swap_device_lock nests inside.
var (
	swapListLock locks.SpinLock
	swapInfos    [MaxSwapFiles]swapInfo
	swapList     struct {
		head int // areas by falling priority, -1: none
		next int // where the next search begins: round robin among equals
	}
	nrSwapPages    atomic.Int64 // free slots of all areas that are writeOK
	totalSwapPages atomic.Int64 // good slots of all areas
)

// initSwap forgets all areas.
func initSwap() {
	swapListLock.Init(locks.SwapListLock)
	swaponSem.Init(locks.SwaponSem)
	for i := range swapInfos {
		si := &swapInfos[i]
		si.typ, si.next, si.used = i, -1, false
		si.dev, si.swapMap, si.linked = nil, nil, false
		si.failing.Store(0)
		si.writeOK.Store(false)
		si.max.Store(0)
		si.lock.Init(locks.SwapDeviceLock)
	}
	swapList.head, swapList.next = -1, -1
	nrSwapPages.Store(0)
	totalSwapPages.Store(0)
	clear(streams[:])
	nextStream = 0
}

// swapArea returns the area of an entry, or nil if no area has that slot.
func swapArea(e SwapEntry) *swapInfo {
	if e == 0 || e.Type() >= MaxSwapFiles {
		return nil
	}
	return &swapInfos[e.Type()]
}

// NrSwapPages is the number of free slots.
func NrSwapPages() int { return int(nrSwapPages.Load()) }

// vmSwapFull reports that more than half of the slots are taken: then a slot is
// worth more than the chance to steal its page again without writing it.
func vmSwapFull() bool { return nrSwapPages.Load()*2 < totalSwapPages.Load() }

// getSwapPages takes up to len(out) free slots with one reference each, in runs
// as long as can be found, and returns how many (get_swap_page). Callable under
// the vmlist lock.
func getSwapPages(out []SwapEntry) int {
	n := 0
	swapListLock.Lock()
	start := swapList.next
	for t := start; t >= 0 && n < len(out); {
		si := &swapInfos[t]
		si.lock.Lock()
		if si.writeOK.Load() {
			n += si.scanSwapMap(out[n:])
		}
		si.lock.Unlock()
		t = si.nextToTry(start)
	}
	nrSwapPages.Add(int64(-n))
	if n > 0 {
		swapList.next = nextTurn(start, out[:n])
	}
	swapListLock.Unlock()
	return n
}

// nextToTry is the area to look at after si in a search that began at start:
// the rest of the list, then the equals of start that come before it.
// swap_list_lock held.
func (si *swapInfo) nextToTry(start int) int {
	first := firstEqual(start)
	switch {
	case si.next == start:
		return afterEquals(start)
	case si.next >= 0 && swapInfos[si.next].prio == si.prio:
		return si.next
	case si.prio == swapInfos[start].prio && first != start:
		return first
	}
	return si.next
}

// firstEqual is the first area with t's priority. swap_list_lock held.
func firstEqual(t int) int {
	f := swapList.head
	for swapInfos[f].prio != swapInfos[t].prio {
		f = swapInfos[f].next
	}
	return f
}

// afterEquals is the first area with a lower priority than t's, or -1.
func afterEquals(t int) int {
	prio := swapInfos[t].prio
	for t >= 0 && swapInfos[t].prio == prio {
		t = swapInfos[t].next
	}
	return t
}

// nextTurn is where the search after one that began at start, and has got slots,
// begins: at the equal of the last area used that has given fewest, of several at the
// next one. Requests are of any size: turns of one request each would leave one area
// with all the large ones. swap_list_lock held.
func nextTurn(start int, got []SwapEntry) int {
	last := int(got[len(got)-1].Type())
	if swapInfos[last].prio != swapInfos[start].prio {
		restartTurns()
	}
	for _, e := range got {
		swapInfos[e.Type()].turn++
	}
	best := -1
	for t, more := last, true; more; more = t != last {
		t = rotateEqual(t)
		si := &swapInfos[t]
		switch {
		case !si.hasRoom():
			si.turn = swapInfos[last].turn // it has nothing to make up for later
		case best < 0 || si.turn < swapInfos[best].turn:
			best = t
		}
	}
	if best < 0 {
		return last
	}
	return best
}

// restartTurns forgets what areas have given. swap_list_lock held.
func restartTurns() {
	for i := range swapInfos {
		swapInfos[i].turn = 0
	}
}

// hasRoom reports whether any slot is free. swap_list_lock held.
func (si *swapInfo) hasRoom() bool {
	si.lock.Lock()
	defer si.lock.Unlock()
	si.assertLocked()
	return si.inUse < si.pages
}

// rotateEqual is the next area after t of the same priority. swap_list_lock held.
func rotateEqual(t int) int {
	if n := swapInfos[t].next; n >= 0 && swapInfos[n].prio == swapInfos[t].prio {
		return n
	}
	return firstEqual(t)
}

// assertLocked checks that who looks at the swap map holds its lock.
func (si *swapInfo) assertLocked() {
	locks.AssertGuard(locks.SwapDeviceLock, locks.NoClass, "a swap map is in use")
}

func assertSwapList() {
	locks.AssertGuard(locks.SwapListLock, locks.NoClass, "the list of swap areas, or the sum of their slots, is in use")
}

// scanSwapMap takes up to len(out) slots of the area. swap_device_lock held.
func (si *swapInfo) scanSwapMap(out []SwapEntry) int {
	si.assertLocked()
	n := 0
	for n < len(out) {
		off := si.nextFree()
		if off == 0 {
			break
		}
		si.swapMap[off] = 1
		si.inUse++
		if off == si.lowestBit {
			si.lowestBit++
		}
		if off == si.highestBit {
			si.highestBit--
		}
		si.clusterNext = off + 1
		out[n] = MakeSwapEntry(si.typ, off)
		n++
	}
	return n
}

// nextFree finds a free slot: the next one of the current cluster, else the
// start of a new cluster, else of a small run, else any; 0 is none.
func (si *swapInfo) nextFree() uint32 {
	if si.clusterNr > 0 {
		for off := si.clusterNext; off <= si.highestBit; off++ {
			if si.swapMap[off] == 0 {
				si.clusterNr--
				return off
			}
		}
	}
	si.clusterNr = swapCluster
	for _, run := range [...]uint32{swapCluster, smallRun} {
		if off := si.findRun(run); off != 0 {
			si.clusterNr = int(run) - 1
			return off
		}
	}
	for off := si.lowestBit; off <= si.highestBit; off++ {
		if si.swapMap[off] == 0 {
			return off
		}
	}
	return 0
}

// findRun returns the first of n free slots in a row, or 0.
func (si *swapInfo) findRun(n uint32) uint32 {
	for start := si.lowestBit; start+n-1 <= si.highestBit; {
		i := start + n
		for i > start && si.swapMap[i-1] == 0 {
			i--
		}
		if i == start {
			return start
		}
		start = i
	}
	return 0
}

// SwapDuplicate adds a reference to a slot in use (swap_duplicate), and reports
// whether the slot was in use. Callable under the vmlist lock.
func SwapDuplicate(e SwapEntry) bool {
	si := swapArea(e)
	if si == nil {
		return false
	}
	si.lock.Lock()
	ok := si.duplicate(e.Offset())
	si.lock.Unlock()
	return ok
}

func (si *swapInfo) duplicate(off uint32) bool {
	si.assertLocked()
	if int(off) >= len(si.swapMap) {
		return false
	}
	switch c := si.swapMap[off]; {
	case c&swapMapMax == 0:
		return false
	case c&swapMapMax < swapMapMax:
		si.swapMap[off] = c + 1
	}
	return true
}

// stealDuplicate is SwapDuplicate for the stealer, which must not give new
// references to an area that swapoff is emptying.
func stealDuplicate(e SwapEntry) bool {
	si := swapArea(e)
	si.lock.Lock()
	ok := si.writeOK.Load() && si.duplicate(e.Offset())
	si.lock.Unlock()
	return ok
}

// SwapFree drops a reference to a slot (swap_free). Callable under the vmlist
// lock and from completions.
func SwapFree(e SwapEntry) {
	si := swapArea(e)
	if si == nil {
		return
	}
	swapListLock.Lock()
	si.lock.Lock()
	off := e.Offset()
	if int(off) >= len(si.swapMap) || si.swapMap[off]&swapMapMax == 0 {
		si.lock.Unlock()
		swapListLock.Unlock()
		panic("mm: SwapFree of a free slot")
	}
	if si.swapMap[off]&swapMapMax < swapMapMax {
		si.swapMap[off]--
		if si.swapMap[off]&swapMapMax == 0 {
			si.slotFreed(off)
		}
	}
	si.lock.Unlock()
	swapListLock.Unlock()
}

// slotFreed accounts for a slot that lost its last reference. Both swap locks held.
func (si *swapInfo) slotFreed(off uint32) {
	si.assertLocked()
	assertSwapList()
	if si.swapMap[off]&swapMapBad != 0 {
		si.badInUse-- // retired: never free again
		return
	}
	si.inUse--
	si.lowestBit = min(si.lowestBit, off)
	si.highestBit = max(si.highestBit, off)
	if si.writeOK.Load() {
		nrSwapPages.Add(1)
		if si.prio > swapInfos[swapList.next].prio {
			swapList.next = si.typ
		}
	}
}

// SwapCount is the number of references to a slot. Callable anywhere.
func SwapCount(e SwapEntry) int {
	si := swapArea(e)
	if si == nil {
		return 0
	}
	si.lock.Lock()
	defer si.lock.Unlock()
	if int(e.Offset()) >= len(si.swapMap) {
		return 0
	}
	return int(si.swapMap[e.Offset()] & swapMapMax)
}

// retireSlot marks a slot that could not be written: it is not handed out again.
// Its references stay; the page in the swap cache is the only copy. swap_list_lock is
// not needed: writeOK changes under both locks. Called from completions.
func retireSlot(e SwapEntry) {
	si := swapArea(e)
	si.lock.Lock()
	if si.swapMap[e.Offset()]&swapMapBad == 0 {
		si.swapMap[e.Offset()] |= swapMapBad
		si.pages--
		si.inUse--
		si.badInUse++
		if si.writeOK.Load() { // else swapoff has taken all of the area's off the sum
			totalSwapPages.Add(-1)
		}
	}
	si.lock.Unlock()
}

// deadAfter is how many writes in a row must fail for an area to be closed.
const deadAfter = 32

// writeEnded looks at how the writes to an area end: if all fail the disk has gone, and the
// stealer goes on with the other areas. Each slot it tries here costs it a page, which stays
// in memory for ever if nobody asks for it. Called from completions.
func (si *swapInfo) writeEnded(ok bool) {
	if ok {
		si.failing.Store(0)
	} else if si.failing.Add(1) == deadAfter {
		swapListLock.Lock()
		if si.linked {
			unlinkSwapArea(si)
			CountVM(SwapClosed)
		}
		swapListLock.Unlock()
	}
}

// dead reports whether the area was closed because no write to it succeeds.
func (si *swapInfo) dead() bool { return si.failing.Load() >= deadAfter }

// slotRetired reports whether a slot could not be written once.
func slotRetired(e SwapEntry) bool {
	si := swapArea(e)
	si.lock.Lock()
	defer si.lock.Unlock()
	si.assertLocked()
	return si.swapMap[e.Offset()]&swapMapBad != 0
}
