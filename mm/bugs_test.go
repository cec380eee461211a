package mm

import (
	"syscall"
	"testing"
	"time"

	"yolk/arch"
	"yolk/arch/pt"
	"yolk/locks"
)

// The bugs and races that this kernel is built to avoid, in the order of the
// list that docs/1999-map.md repeats: each test brings about the moment at which
// the fix matters. bugs_mutants_test.go takes the fixes out one by one and expects the
// tests to notice.

// 1. mlock_fixup_middle of the 1999 patch stored vm_flags before it took the
// lock. Builds with lockdep report it by rule R2.
func TestBug01MlockMiddle(t *testing.T) {
	testMachine(t, 1024)
	m := testSpace(t)
	addr := mustMmap(t, m, 9)
	if e := m.tMlock(addr+3*pg, 3*pg, MlockOnFault); e != 0 {
		t.Fatal(e)
	}
	CheckInvariants(m)
}

// 2. unmap_fixup changes the borders of a vma without the vmlist lock, which it
// may only because the vma is in no list then.
func TestBug02UnmapFixup(t *testing.T) {
	testMachine(t, 1024)
	m := testSpace(t)
	for _, cut := range [][2]uintptr{{0, 2}, {7, 9}, {3, 5}} {
		addr := mustMmap(t, m, 9)
		seen := false
		atStep(t, "unmap_fixup: begins", func() {
			seen = FindVMA(m, addr+4*pg) != nil && FindVMA(m, addr+4*pg).VMStart <= addr+4*pg
		})
		if e := m.tMunmap(addr+cut[0]*pg, (cut[1]-cut[0])*pg); e != 0 {
			t.Fatal(e)
		}
		if seen {
			t.Error("the vma is in the list while its borders change")
		}
		CheckInvariants(m)
		m.tMunmap(addr, 9*pg)
	}
}

// 3. What survives a munmap must stay on i_mmap: a truncate meanwhile would miss
// it, and leave pages mapped beyond the end of the file.
func TestBug03TruncateDuringMunmap(t *testing.T) {
	testMachine(t, 1024)
	m := testSpace(t)
	f := newObjectFile(t, 8)
	mapFile(t, m, f)
	atStep(t, "unmap_fixup: begins", func() { f.truncate(4) })
	if e := m.tMunmap(base, 2*pg); e != 0 {
		t.Fatal(e)
	}
	if !presentAt(m, base+3*pg) || presentAt(m, base+4*pg) || presentAt(m, base+7*pg) {
		t.Error("a page beyond the end of the file is mapped")
	}
}

// 4. mremap's move_vma used the new vma after merge_segments, which may have
// freed it. (That it unlocked vma->vm_mm, not what it had locked, is rule R7.)
func TestBug04MoveVMAUsesLocals(t *testing.T) {
	testMachine(t, 1024)
	m := testSpace(t)
	low, high := base, base+64*pg
	if _, e := m.tMmap(low, 8*pg, rw, private|fixed); e != 0 {
		t.Fatal(e)
	}
	if e := m.tMlock(low, 8*pg, 0); e != 0 {
		t.Fatal(e)
	}
	// Away, and back to where it fits on: then the two are one.
	if _, e := m.tMremap(low+4*pg, 4*pg, 4*pg, MremapMayMove|MremapFixed, high); e != 0 {
		t.Fatal(e)
	}
	if _, e := m.tMremap(high, 4*pg, 8*pg, MremapMayMove|MremapFixed, low+4*pg); e != 0 {
		t.Fatal(e)
	}
	if m.mapCount != 1 || m.RSS.Load() != 12 {
		t.Errorf("%d vmas, want 1 (merged); %d pages present of 12 locked", m.mapCount, m.RSS.Load())
	}
}

// 5. While mremap moves ptes, a truncate must find them where they are.
func TestBug05TruncateDuringMremap(t *testing.T) {
	testMachine(t, 1024)
	m := testSpace(t)
	f := newObjectFile(t, 8)
	mapFile(t, m, f)
	atStep(t, "move_page_tables: moved", func() { f.truncate(4) })
	to := base + 1024*pg
	if _, e := m.tMremap(base, 8*pg, 8*pg, MremapMayMove|MremapFixed, to); e != 0 {
		t.Fatal(e)
	}
	for i := uintptr(0); i < 8; i++ {
		if presentAt(m, base+i*pg) || presentAt(m, to+i*pg) != (i < 4) {
			t.Errorf("page %d: old place %v, new place %v", i, presentAt(m, base+i*pg), presentAt(m, to+i*pg))
		}
	}
}

// 6. swapout was called with a vma that the lock no longer protected:
// TestSwapoutInterlock in swapout1999_test.go.

// 7. A page that somebody else may look for by its entry is in the swap cache
// before the entry is in any pte: else stale contents are read from the disk.
func TestBug07EntryBeforeCache(t *testing.T) {
	promptMachine(t, 1024, 100)
	m := testSpace(t)
	addr := mustMmap(t, m, 1)
	fill(t, m, 0, addr, 1, 7)
	stealFrom(m, GFPSwap)
	var got uint64
	finish := func() {}
	atStep(t, "try_to_swap_out: unlocked", func() {
		_, finish = begin(func() { got, _ = m.peek(1, addr) })
		locks.Sleep(20*time.Millisecond, false) // as an earlier write of the batch may: kernel_lock is free
	})
	if stealFrom(m, GFPKswapd) == 0 {
		t.Fatal("nothing stolen")
	}
	RunDiskQueue()
	finish()
	if got != pattern(7, 0, 0) {
		t.Errorf("the program reads %#x", got)
	}
}

// 8. The vmlist lock is not held across swapout, which sleeps: the holder of what
// it sleeps for may be stealing from the same mm.
func TestBug08SwapoutHoldsNoLock(t *testing.T) {
	promptMachine(t, 1024, 100)
	m := testSpace(t)
	f := newObjectFile(t, 4)
	mapFile(t, m, f)
	calls := 0
	f.ops.Swapout = func(*Page, File) syscall.Errno {
		calls++
		if m.PageTableLock.Held() || !locks.KernelLocked() {
			t.Error("swapout wants kernel_lock, and not the vmlist lock")
		}
		return 0
	}
	stealFrom(m, GFPSwap)
	stealFrom(m, GFPKswapd)
	if calls != 4 {
		t.Errorf("%d calls of swapout, want 4", calls)
	}
}

// 9. The stealer takes no mmap_sem: in direct reclaim it holds its own already.
func TestBug09DirectReclaimFromItself(t *testing.T) {
	promptMachine(t, 512, 2000)
	m := testSpace(t)
	addr, e := m.tMmap(0, 1000*pg, rw, private|syscall.MAP_POPULATE) // faults with mmap_sem
	if e != 0 || VMStat(PSwpOut) == 0 {
		t.Fatal("nothing was stolen under mmap_sem", e)
	}
	fill(t, m, 0, addr, 1000, 9)
	verify(t, m, 0, addr, 1000, 9)
}

// 10. i_shared_lock comes before the vmlist lock, in truncate and in mmap alike.
// Builds with lockdep report the other order the first time it is seen.
func TestBug10SharedLockOrder(t *testing.T) {
	testMachine(t, 1024)
	m := testSpace(t)
	f := newObjectFile(t, 8)
	for range 20 {
		_, finish := begin(func() { f.truncate(8) })
		mapFile(t, m, f)
		m.tMprotect(base+2*pg, 2*pg, syscall.PROT_READ)
		m.tMunmap(base, 8*pg)
		finish()
	}
}

// 11. rss changes under the vmlist lock only. Builds with lockdep assert it; the
// recount of CheckInvariants finds what was lost.
func TestBug11RSSIsExact(t *testing.T) {
	swapMachine(t, 512, 4000)
	m := testSpace(t)
	addr := mustMmap(t, m, 800)
	for round := range uint64(3) {
		fill(t, m, 0, addr, 800, round)
		CheckInvariants(m)
	}
}

// 12. Swapoff: no new reference to the dying area while it is emptied, though
// pages go on being stolen. (Fork, exit and faults meanwhile: TestStealFaultUnmapInParallel.)
func TestBug12StealDuringSwapoff(t *testing.T) {
	promptMachine(t, 1024, 100)
	m := testSpace(t)
	addr := mustMmap(t, m, 16)
	fill(t, m, 0, addr, 16, 12)
	stealFrom(m, GFPSwap)
	stealFrom(m, GFPKswapd)
	RunDiskQueue()
	c, e := DupMM(m, noLimits())
	if e != 0 {
		t.Fatal(e)
	}
	verify(t, m, 0, addr, 16, 12) // the pages are mapped, and in the swap cache for the child
	hook := func(where string) {
		if where == "try_to_unuse: next mm" {
			for range 3 {
				stealFrom(m, GFPKswapd)
				stealFrom(c, GFPKswapd)
			}
		}
	}
	onStep.Store(&hook)
	defer onStep.Store(nil)
	if e := SwapOff("prompt"); e != 0 {
		t.Error("swapoff:", e)
	}
	verify(t, m, 0, addr, 16, 12)
	verify(t, c, 1, addr, 16, 12)
	CheckInvariants(c)
	MMPut(c)
}

// 13. Fork copies ptes under the parent's vmlist lock.
func TestBug13ForkAgainstStealer(t *testing.T) {
	promptMachine(t, 1024, 100)
	m := testSpace(t)
	addr := mustMmap(t, m, 16)
	fill(t, m, 0, addr, 16, 13)
	stealFrom(m, GFPSwap)
	finish := func() {}
	atStep(t, "copy_page_range: copies", func() {
		var ended bool
		if ended, finish = begin(func() { stealFrom(m, GFPKswapd) }); ended {
			t.Error("a stealer changes the ptes that fork is copying")
		}
	})
	c, e := DupMM(m, noLimits())
	if e != 0 {
		t.Fatal(e)
	}
	finish()
	RunDiskQueue()
	verify(t, c, 1, addr, 16, 13)
	CheckInvariants(c)
	MMPut(c)
}

// 14. What was stolen counts against swap_cnt, so that the fattest is not hit for
// ever; the victim is pinned before the list lock goes; a full scan starts over.
func TestBug14VictimsTakeTurns(t *testing.T) {
	promptMachine(t, 1024, 500)
	fat, thin := testSpace(t), testSpace(t)
	fill(t, fat, 0, mustMmap(t, fat, 100), 100, 1)
	fill(t, thin, 1, mustMmap(t, thin, 90), 90, 1)
	stealFrom(fat, GFPSwap)
	stealFrom(thin, GFPSwap)
	asStealer(func() { swapOut(0, GFPKswapd) })
	RunDiskQueue()
	if n := fat.RSS.Load(); n != 100-stealBatch {
		t.Fatalf("rss of the fat one is %d", n)
	}
	asStealer(func() { swapOut(0, GFPKswapd) })
	RunDiskQueue()
	if n := thin.RSS.Load(); n != 90-stealBatch {
		t.Errorf("rss of the thin one is %d: it was not its turn", n)
	}
	if v := chooseVictim(); v == nil || v.mmCount.Load() < 2 {
		t.Error("the victim is not pinned")
	} else {
		MMDrop(v)
	}
	for range 8 {
		asStealer(func() { swapOut(0, GFPKswapd) })
		RunDiskQueue()
	}
	if fat.RSS.Load()+thin.RSS.Load() != 0 {
		t.Error("pages below swap_address are never visited:", fat.RSS.Load(), thin.RSS.Load())
	}
}

// 15. mmap_cache is emptied, under the lock, before a vma that it names leaves the list.
func TestBug15StaleHint(t *testing.T) {
	testMachine(t, 1024)
	m := testSpace(t)
	addr := mustMmap(t, m, 4)
	m.MmapSem.Lock()
	FindVMA(m, addr)
	m.MmapSem.Unlock()
	atStep(t, "do_munmap: detached", func() {
		if v := m.mmapCache.Load(); v != nil && !v.inList {
			t.Error("mmap_cache names a vma that is not in the list")
		}
	})
	m.tMunmap(addr, 4*pg)
}

// 16. A pte is exchanged, not read and then written: the dirty bit that a CPU sets
// between the two must not be lost.
func TestBug16DirtyBitBetween(t *testing.T) {
	promptMachine(t, 1024, 100)
	m := testSpace(t)
	f := newObjectFile(t, 1)
	mapFile(t, m, f)
	changePTEOf(m, base, ^(pt.Dirty | pt.Accessed), 0) // as after a write-back
	arch.FlushTLBPage(&m.Ctx, base)
	saved := 0
	f.ops.Swapout = func(*Page, File) syscall.Errno { saved++; return 0 }
	atStep(t, "try_to_swap_out: looked", func() {
		if !arch.SoftStore(0, &m.Ctx, base, 16) {
			t.Error("the program could not write")
		}
	})
	stealFrom(m, GFPKswapd)
	if e := pteOf(m, base); saved == 0 && !e.Dirty() {
		t.Errorf("the page is dirty, and nobody knows: pte %#x", uint64(e))
	}
}

// 17. Pages reach the free list only when no TLB names them any more, and
// zap_page_range does not sleep.
func TestBug17FreedBeforeFlush(t *testing.T) {
	testMachine(t, 1024)
	m := testSpace(t)
	addr := mustMmap(t, m, 1)
	fill(t, m, 0, addr, 1, 17)
	page := PageOf(pteOf(m, addr).PFN())
	atStep(t, "zap_page_range: flushes", func() {
		if page.Count() == 0 {
			t.Error("the page is free while a CPU may write to it")
		}
	})
	m.tMunmap(addr, pg)
	if page.Count() != 0 {
		t.Error("the page was not freed")
	}
}

// 19. A vma pointer is void after merge_segments, and close is called without the
// vmlist lock.
func TestBug19CloseOutsideTheLock(t *testing.T) {
	testMachine(t, 1024)
	m := testSpace(t)
	f := newObjectFile(t, 8)
	closed := 0
	f.ops.Open = func(*VMA) {}
	f.ops.Close = func(*VMA) {
		closed++
		if m.PageTableLock.Held() {
			t.Error("close is called with the vmlist lock held")
		}
	}
	mapFile(t, m, f)
	m.tMprotect(base+2*pg, 2*pg, syscall.PROT_READ)
	m.tMprotect(base, 8*pg, rw)
	if closed != 2 || m.mapCount != 1 {
		t.Errorf("%d vmas closed, %d left; want 2 and 1", closed, m.mapCount)
	}
}

// A fork's child is on the mmlist before it is complete. Who walks the list, as
// swapoff does, and takes a user reference to each mm, must pass over it: giving
// that back would end the child under the fork's hands. Found by the explorer.
func TestForkChildHasNoUser(t *testing.T) {
	testMachine(t, 1024)
	m := testSpace(t)
	mustMmap(t, m, 1)
	met := 0
	atStep(t, "mmlist: added", func() {
		for x := nextMM(nil); x != nil; x = nextMM(x) {
			met++
		}
	})
	c, e := DupMM(m, noLimits())
	if e != 0 {
		t.Fatal(e)
	}
	if met != 1 {
		t.Errorf("the walk met %d address spaces, want the parent alone", met)
	}
	CheckInvariants(c)
	MMPut(c)
}
