package mm

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"yolk/arch"
	"yolk/arch/pt"
)

// scan offers the ptes of m once to a stealer with gfp and returns by how much
// the counter e went up.
func scan(m *MM, gfp GFP, e VMEvent) uint64 {
	before := VMStat(e)
	stealFrom(m, gfp)
	RunDiskQueue()
	return VMStat(e) - before
}

// classMachine has a DMA zone, an ordinary one and a high zone, and swap.
func classMachine(t *testing.T) {
	arch.InitSoft(1024, 2)
	Init(Config{DMAEnd: 0x100 + 256, BigmemFrames: 256})
	if e := SwapOn(swapDisk("swap", 1000), -1); e != 0 {
		t.Fatal(e)
	}
	t.Cleanup(func() {
		for waitForWrites() {
		}
	})
}

// TestClassBranch: a page that would not help the request is passed over, and a
// page of the class asked for is taken.
func TestClassBranch(t *testing.T) {
	classMachine(t)
	m := testSpace(t)
	addr := mustMmap(t, m, 300) // fills the high zone, and goes on in the normal one
	fill(t, m, 0, addr, 300, 1)
	high := uint64(0)
	for i := range uintptr(300) {
		if PageOf(pteOf(m, addr+i*pg).PFN()).PageHigh() {
			high++
		}
	}
	if high == 0 || high == 300 {
		t.Fatalf("%d high pages of 300", high)
	}
	scan(m, GFPSwap, TSOYoung)
	for range 4 { // a scan for few pages is in parts
		scan(m, GFPSwap, TSOYoung)
	}
	if n := scan(m, GFPUser|GFPDMA, TSOClass); n != 300 {
		t.Errorf("GFPDMA passed over %d pages, want all 300", n)
	}
	passed := uint64(0)
	for m.RSS.Load() > int64(high) {
		n := scan(m, GFPUser, TSOClass)
		passed = max(passed, n)
		if m.RSS.Load() < int64(high) {
			t.Fatal("a high page was stolen for a request that it does not help")
		}
	}
	if n := scan(m, GFPUser, TSOClass); n != high {
		t.Errorf("without GFPBigmem %d pages were passed over, want the %d high ones", n, high)
	}
	if n := scan(m, GFPHighUser, BigmemSwapout); n == 0 {
		t.Error("no high page was bounced on its way to swap")
	}
	before := VMStat(BigmemReplace)
	for waitForWrites() {
	}
	for i := range uintptr(300) { // writes: the program alone has the page, which moves up
		if r := m.poke(0, addr+i*pg, pattern(1, uint64(i), 0)); r.Failed() {
			t.Fatal(r)
		}
	}
	if n := VMStat(BigmemReplace) - before; n == 0 {
		t.Error("no page was moved to the high zone after its swap-in")
	}
	verify(t, m, 0, addr, 300, 1)
	CheckInvariants(m)
}

// TestFileBranches: clean pages of a file are forgotten, dirty ones go to the
// driver, whose error is counted; without GFPIO it is not called.
func TestFileBranches(t *testing.T) {
	promptMachine(t, 1024, 100)
	m := testSpace(t)
	f := newObjectFile(t, 8)
	calls := 0
	f.ops.Swapout = func(*Page, File) syscall.Errno {
		if calls++; calls == 8 {
			return syscall.EIO
		}
		return 0
	}
	mapFile(t, m, f)
	scan(m, GFPSwap, TSOYoung)
	if n := scan(m, GFPSwap, TSONoIO); n != 8 || calls != 0 {
		t.Errorf("without GFPIO: %d passed over, %d calls of swapout", n, calls)
	}
	failed := VMStat(TSOFileError)
	if n := scan(m, GFPKswapd, TSOFile); n != 8 || calls != 8 || VMStat(TSOFileError)-failed != 1 {
		t.Errorf("dirty: %d pages, %d calls, %d errors", n, calls, VMStat(TSOFileError)-failed)
	}
	for i := range uintptr(8) {
		m.peek(0, base+i*pg)
	}
	for i := range uintptr(8) {
		changePTEOf(m, base+i*pg, ^pt.Accessed, 0)
	}
	arch.FlushTLBMM(&m.Ctx)
	if n := scan(m, GFPSwap, TSOClean); n != 8 || calls != 8 || m.RSS.Load() != 0 {
		t.Errorf("clean: %d pages, %d calls, rss %d", n, calls, m.RSS.Load())
	}
}

// TestNoSlotAndNoBounce: a dirty page stays when there is no slot for it, or no low
// frame to copy it to.
func TestNoSlotAndNoBounce(t *testing.T) {
	t.Run("slot", func(t *testing.T) {
		promptMachine(t, 1024, 4)
		m := testSpace(t)
		addr := mustMmap(t, m, 16)
		fill(t, m, 0, addr, 16, 1)
		scan(m, GFPSwap, TSOYoung)
		if n := scan(m, GFPKswapd, TSONoSlot); n != 12 || m.RSS.Load() != 12 {
			t.Errorf("%d pages found no slot, rss %d; want 12", n, m.RSS.Load())
		}
		if n := scan(m, GFPKswapd, TSONoSlot); n != 12 {
			t.Errorf("with no slot at all %d pages were passed over, want 12", n)
		}
		verify(t, m, 0, addr, 16, 1)
	})
	t.Run("bounce", func(t *testing.T) {
		classMachine(t)
		m := testSpace(t)
		addr := mustMmap(t, m, 16)
		fill(t, m, 0, addr, 16, 1)
		scan(m, GFPSwap, TSOYoung)
		taken := drainFree(GFPAtomic)
		if n := scan(m, GFPSwap|GFPIO|GFPBigmem, TSONoBounce); n == 0 || m.RSS.Load() == 0 {
			t.Errorf("%d pages found no frame to be copied to, rss %d", n, m.RSS.Load())
		}
		for _, p := range taken {
			PutPage(p)
		}
		verify(t, m, 0, addr, 16, 1)
		CheckInvariants(m)
	})
}

// TestReferencedBranch: what try_to_swap_out found young has a second chance in
// shrink_mmap too.
func TestReferencedBranch(t *testing.T) {
	promptMachine(t, 1024, 100)
	m := testSpace(t)
	addr := mustMmap(t, m, 4)
	fill(t, m, 0, addr, 4, 1)
	p := PageOf(pteOf(m, addr).PFN())
	p.Clear(PGReferenced)
	scan(m, GFPSwap, TSOYoung)
	if !p.Test(PGReferenced) || pteOf(m, addr).Young() {
		t.Error("a young pte did not mark its page as referenced")
	}
	scan(m, GFPKswapd, TSOAnon)
	LookupSwapCache(PTESwapEntry(pteOf(m, addr))).Set(PGReferenced)
	PutPage(p) // the look-up's reference: p has gone to the swap cache as it is
	if n := shrinkMmap(0, GFPKswapd, 3); n != 3 || !p.InSwapCache() {
		t.Errorf("shrink_mmap freed %d pages, want the 3 that are not referenced", n)
	}
	if n := shrinkMmap(0, GFPKswapd, 100); n != 1 {
		t.Errorf("then %d, want 1", n)
	}
}

// TestRecount: the text of /proc/recount, and that a wrong sum is noticed.
func TestRecount(t *testing.T) {
	promptMachine(t, 1024, 100)
	m := testSpace(t)
	addr := mustMmap(t, m, 16)
	fill(t, m, 0, addr, 10, 1)
	m.tMlock(addr, 4*pg, 0)
	var b strings.Builder
	WriteRecount(&b)
	for _, want := range []string{"address_spaces 1\n", "vmas 2\n", "rss 10\n", "locked 4\n", "swap_entries 0\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

// sumEnv names, for the child process of TestWrongSums, the sum to spoil.
const sumEnv = "YOLK_SUM"

// TestWrongSums: a sum that is off by one ends the kernel, by name. In a process of
// its own, as a panic under a spinlock cannot be recovered from.
func TestWrongSums(t *testing.T) {
	spoil := map[string]func(*MM){
		"total_vm":     func(m *MM) { m.totalVM++ },
		"locked_vm":    func(m *MM) { m.lockedVM-- },
		"rss":          func(m *MM) { m.RSS.Add(1) },
		"map_count":    func(m *MM) { m.mapCount++ },
		"swap entries": func(m *MM) { m.SwapEnts.Add(1) },
		"page tables":  func(m *MM) { m.PTables.Add(-1) },
	}
	if name := os.Getenv(sumEnv); name != "" {
		promptMachine(t, 1024, 100)
		m := MMAlloc(noLimits())
		fill(t, m, 0, mustMmap(t, m, 16), 10, 1)
		spoil[name](m)
		CheckInvariants(m)
		return
	}
	for name := range spoil {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestWrongSums$")
			cmd.Env = append(os.Environ(), sumEnv+"="+name)
			if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), name) {
				t.Errorf("went unnoticed: %v\n%s", err, out)
			}
		})
	}
}
