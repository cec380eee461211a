package mm

import (
	"sync/atomic"
	"syscall"
	"testing"

	"yolk/drivers/blk"
)

// TestDeadAreaIsClosed: when no write to an area succeeds the stealer goes on with another.
func TestDeadAreaIsClosed(t *testing.T) {
	const pages = 3000
	swapMachine(t, 2048, 4000)
	dead := swapDisk("dead", 4000)
	if e := SwapOn(dead, 5); e != 0 {
		t.Fatal(e)
	}
	total := totalSwapPages.Load()
	dead.SetFault(func(op blk.Op, _ uint64) syscall.Errno {
		if op == blk.Write {
			return syscall.EIO
		}
		return 0
	})
	closed := VMStat(SwapClosed)
	m := testSpace(t)
	addr := mustMmap(t, m, pages)
	for round := range uint64(2) {
		fill(t, m, 0, addr, pages, round)
		verify(t, m, 0, addr, pages, round)
	}
	if VMStat(SwapClosed) != closed+1 {
		t.Error("the area was not closed")
	}
	if now := totalSwapPages.Load(); now != total-4000 {
		t.Errorf("%d slots in all, want %d", now, total-4000)
	}
	CheckInvariants(m)
	MMPut(m)
	settle(t)
	if e := SwapOff("dead"); e != 0 {
		t.Errorf("swapoff of the closed area: %v", e)
	}
	checkEmptySwap(t, 4000)
}

// TestBadSlotsCostNobodyElse: requests for many pages fail for one; the others are written
// and read all the same, and the sums of the area fit.
func TestBadSlotsCostNobodyElse(t *testing.T) {
	const pages, slots, every = 2000, 3000, 50
	d := swapMachine(t, 1024, slots)
	var reads atomic.Bool // reads fail, too
	d.SetFaultAt(func(op blk.Op, from, to uint64) syscall.Errno {
		for slot := from / sectorsPerPage; slot < to/sectorsPerPage; slot++ {
			if slot%every == 7 && op == blk.Write || slot%every == 9 && op == blk.Read && reads.Load() {
				return syscall.EIO
			}
		}
		return 0
	})
	errors := VMStat(SwapWriteError)
	m := testSpace(t)
	addr := mustMmap(t, m, pages)
	fill(t, m, 0, addr, pages, 1)
	settle(t)
	reads.Store(true)
	lost := 0
	for i := range uint64(pages) {
		switch v, r := m.peek(0, addr+uintptr(i)*pg); {
		case r == FaultBus:
			lost++
		case r.Failed() || v != pattern(1, i, 0):
			t.Fatalf("page %d: %v %#x", i, r, v)
		}
	}
	for waitForWrites() {
	}
	si := &swapInfos[0]
	si.lock.Lock()
	good, inUse := si.pages, si.inUse
	si.lock.Unlock()
	retired := int(VMStat(SwapWriteError) - errors)
	if lost == 0 || lost > slots/every || retired == 0 || retired > slots/every {
		t.Errorf("%d pages lost and %d slots retired, want some, and %d at most", lost, retired, slots/every)
	}
	if good < slots-retired || inUse > good {
		t.Errorf("%d slots of which %d are in use; %d were retired of %d", good, inUse, retired, slots)
	}
	reads.Store(false)
	verify(t, m, 0, addr, pages, 1)
	if e := SwapOff("swap"); e != syscall.ENOMEM {
		t.Errorf("swapoff of what does not fit: %v", e)
	}
	MMPut(m)
	waitEmptySwap(t, func() int { return slots - int(VMStat(SwapWriteError)-errors) })
	if total := totalSwapPages.Load(); total != int64(NrSwapPages()) {
		t.Errorf("%d slots in all, %d free", total, NrSwapPages())
	}
}

// TestRetiredDuringSwapoff: the sums fit when a write fails in an area that swapoff empties.
func TestRetiredDuringSwapoff(t *testing.T) {
	swapMachine(t, 512, 100)
	var e [1]SwapEntry
	if getSwapPages(e[:]) != 1 {
		t.Fatal("no slot")
	}
	si := swapArea(e[0])
	swapListLock.Lock()
	unlinkSwapArea(si)
	swapListLock.Unlock()
	retireSlot(e[0])
	if n := totalSwapPages.Load(); n != 0 {
		t.Errorf("%d slots in all while none can be had", n)
	}
	if si.slotsInUse() != 1 {
		t.Error("swapoff does not wait for the slot")
	}
	swapListLock.Lock()
	linkSwapArea(si)
	swapListLock.Unlock()
	SwapFree(e[0])
	if total, free := totalSwapPages.Load(), NrSwapPages(); total != 99 || free != 99 || si.slotsInUse() != 0 {
		t.Errorf("%d slots in all, %d free, %d in use; want 99, 99, 0", total, free, si.slotsInUse())
	}
}

// TestOverflownSlot: a slot that once had more references than can be counted is free after
// swapoff all the same.
func TestOverflownSlot(t *testing.T) {
	swapMachine(t, 512, 100)
	var e [1]SwapEntry
	if getSwapPages(e[:]) != 1 {
		t.Fatal("no slot")
	}
	si := swapArea(e[0])
	si.lock.Lock()
	si.swapMap[e[0].Offset()] = swapMapMax
	si.lock.Unlock()
	SwapFree(e[0])
	if n := SwapCount(e[0]); n != swapMapMax {
		t.Errorf("%d references", n)
	}
	if e := SwapOff("swap"); e != 0 {
		t.Errorf("swapoff: %v", e)
	}
}

// TestTruncatedDuringSwapoff: a truncate takes a pte while swapoff waits for its page, which
// can be read or not. Neither is swapoff's affair any more.
func TestTruncatedDuringSwapoff(t *testing.T) {
	t.Run("readable", func(t *testing.T) { truncateDuringSwapoff(t, 0) })
	t.Run("unreadable", func(t *testing.T) { truncateDuringSwapoff(t, syscall.EIO) })
}

func truncateDuringSwapoff(t *testing.T, read syscall.Errno) {
	d := swapMachine(t, 512, 100)
	m := testSpace(t)
	f := newObjectFile(t, 1)
	f.ops.Swapout = nil // as for private mappings: what was written to is the swap area's
	m.MmapSem.Lock()
	_, e := DoMmap(m, f, base, pg, rw, syscall.MAP_PRIVATE|fixed, 0)
	m.MmapSem.Unlock()
	if e != 0 {
		t.Fatal("mmap:", e)
	}
	_, r := m.peek(0, base)
	if w := m.poke(0, base, 1); r.Failed() || w.Failed() {
		t.Fatal("faults:", r, w)
	}
	stealFrom(m, GFPSwap)
	stealFrom(m, GFPKswapd)
	RunDiskQueue()
	settle(t)
	if e := pteOf(m, base); !PTESwapped(e) || SwapCount(PTESwapEntry(e)) != 1 {
		t.Fatalf("the copy is not in its slot alone: pte %#x", e)
	}
	d.SetFault(func(op blk.Op, _ uint64) syscall.Errno {
		if op == blk.Read {
			return read
		}
		return 0
	})
	atStep(t, "unuse_pte: read", func() { f.truncate(0) })
	if e := SwapOff("swap"); e != 0 {
		t.Errorf("swapoff: %v", e)
	}
	if e := pteOf(m, base); e != 0 {
		t.Errorf("pte %#x beyond the end of the file", e)
	}
	CheckInvariants(m)
	MMPut(m)
}
