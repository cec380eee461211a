package mm

import (
	"strconv"
	"strings"
	"syscall"
	"testing"

	"yolk/arch"
)

func TestShmTwiceRAM(t *testing.T) {
	const frames, pages, slots = 768, 1500, 4000
	swapMachine(t, frames, slots)
	m, n := testSpace(t), testSpace(t)
	id := mustShmGet(t, pages)
	a := mustShmAt(t, m, id)
	b := mustShmAt(t, n, id)
	for round := range uint64(3) {
		fill(t, m, 0, a, pages, round)
		verify(t, n, 1, b, pages, round)
		recountShm(t)
		m, n, a, b = n, m, b, a
	}
	st, _ := ShmStatByID(id, root)
	if st.RSS+st.Swp != pages || st.Swp < pages-frames {
		t.Errorf("rss %d, swp %d", st.RSS, st.Swp)
	}
	var text strings.Builder
	WriteSysvipcShm(&text)
	// kswapd may have moved some since ShmStatByID: the sum stays.
	fields := strings.Fields(text.String())
	rss, _ := strconv.Atoi(fields[len(fields)-2])
	swp, _ := strconv.Atoi(fields[len(fields)-1])
	if rss+swp != pages*pg || swp == 0 {
		t.Errorf("/proc/sysvipc/shm: %q", text.String())
	}
	CheckInvariants(m)
	CheckInvariants(n)
	mustShmRemove(t, id)
	MMPut(m)
	MMPut(n)
	checkNoShm(t)
	checkEmptySwap(t, slots)
	recountFree(t)
	nothingLost(t)
}

func TestAnonSharedTwiceRAM(t *testing.T) {
	const frames, pages, slots = 768, 1500, 4000
	swapMachine(t, frames, slots)
	m := testSpace(t)
	addr, e := m.tMmap(0, pages*pg, rw, shared)
	if e != 0 {
		t.Fatal(e)
	}
	c, e := DupMM(m, noLimits())
	if e != 0 {
		t.Fatal(e)
	}
	fill(t, m, 0, addr, pages, 1)
	verify(t, c, 1, addr, pages, 1)
	fill(t, c, 1, addr, pages, 2)
	MMPut(c)
	verify(t, m, 0, addr, pages, 2)
	recountShm(t)
	MMPut(m)
	checkNoShm(t)
	checkEmptySwap(t, slots)
	recountFree(t)
	nothingLost(t)
}

// TestShmSwapPassesOver: what has ptes, is locked by SHM_LOCK or by an I/O, or
// lies in a zone that would not help, stays.
func TestShmSwapPassesOver(t *testing.T) {
	arch.InitSoft(1024, 1)
	Init(Config{DMAEnd: 0x100 + 256})
	if shmSwap(0, GFPKswapd) {
		t.Error("stolen without any swap")
	}
	if e := SwapOn(swapDisk("swap", 100), -1); e != 0 {
		t.Fatal(e)
	}
	t.Cleanup(stopMachine)
	if shmSwap(0, GFPKswapd) {
		t.Error("stolen without any shared memory")
	}
	m := testSpace(t)
	id := mustShmGet(t, 600)
	a := mustShmAt(t, m, id)
	m.poke(0, a+550*pg, 5)
	if shmSwap(0, GFPKswapd) {
		t.Error("a mapped page was stolen")
	}
	m.tShmDt(a)
	ShmSetLocked(id, true, root)
	if shmSwap(0, GFPKswapd) {
		t.Error("a locked segment's page was stolen")
	}
	ShmSetLocked(id, false, root)
	shmLock.Lock()
	s, _ := shmByID(id)
	p := PageOf(loadPTE(s.o.ShmSlot(550)).PFN())
	shmLock.Unlock()
	LockPage(p)
	if shmSwap(0, GFPKswapd) {
		t.Error("a locked page was stolen")
	}
	UnlockPage(p)
	if !p.PageDMA() && shmSwap(0, GFPKswapd|GFPDMA) {
		t.Error("a page of the wrong zone was stolen")
	}
	if !shmSwap(0, GFPKswapd) || NrSwapPages() != 99 {
		t.Error("not stolen, though nothing is in the way")
	}
	recountShm(t)
	RunDiskQueue()
	a = mustShmAt(t, m, id)
	if v, r := m.peek(0, a+550*pg); v != 5 || r.Failed() {
		t.Error("it came back as", v, r)
	}
	if NrSwapPages() != 100 {
		t.Error("its slot is still taken")
	}
	mustShmRemove(t, id)
}

// TestShmBounces: pages of the high zone reach the disk through a copy.
func TestShmBounces(t *testing.T) {
	const pages, slots = 1500, 3000
	bigmemMachine(t, slots)
	m := testSpace(t)
	id := mustShmGet(t, pages)
	a := mustShmAt(t, m, id)
	fill(t, m, 0, a, pages, 9)
	verify(t, m, 0, a, pages, 9)
	mustShmRemove(t, id)
	MMPut(m)
	checkNoShm(t)
	checkEmptySwap(t, slots)
	recountFree(t)
	nothingLost(t)
}

func TestShmSwapoff(t *testing.T) {
	const pages = 700
	swapMachine(t, 1024, 3000)
	m := testSpace(t)
	id := mustShmGet(t, pages)
	a := mustShmAt(t, m, id)
	fill(t, m, 0, a, pages, 1)
	other := mustMmap(t, m, 1200)
	fill(t, m, 0, other, 1200, 2)
	if st, _ := ShmStatByID(id, root); st.Swp == 0 {
		t.Error("nothing of the segment is in swap")
	}
	if e := SwapOff("swap"); e != syscall.ENOMEM {
		t.Error("swapoff of what does not fit:", e)
	}
	verify(t, m, 0, a, pages, 1)
	m.tMunmap(other, 1200*pg)
	if e := SwapOff("swap"); e != 0 {
		t.Fatal("swapoff:", e)
	}
	if st, _ := ShmStatByID(id, root); st.Swp != 0 || st.RSS != pages {
		t.Errorf("after swapoff: rss %d swp %d", st.RSS, st.Swp)
	}
	recountShm(t)
	verify(t, m, 0, a, pages, 1)
	mustShmRemove(t, id)
}

// TestShmFaultsAllocateNothing: as for other faults.
func TestShmFaultsAllocateNothing(t *testing.T) {
	swapMachine(t, 512, 4000)
	m := testSpace(t)
	const pages = 1000
	id := mustShmGet(t, pages)
	a := mustShmAt(t, m, id)
	i := uintptr(0)
	if n := testing.AllocsPerRun(2*pages-1, func() { m.poke(0, a+i%pages*pg, 1); i++ }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	mustShmRemove(t, id)
}

// TestShmReadError: the reader gets SIGBUS, and the page is there when the disk
// can be read again.
func TestShmReadError(t *testing.T) {
	const pages = 1500
	d := swapMachine(t, 1024, 3000)
	m := testSpace(t)
	id := mustShmGet(t, pages)
	a := mustShmAt(t, m, id)
	fill(t, m, 0, a, pages, 4)
	settle(t)
	failReads(t, d, m, a, pages, 4)
	settle(t)
	verify(t, m, 0, a, pages, 4)
	mustShmRemove(t, id)
}
