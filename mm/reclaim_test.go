package mm

import (
	"encoding/binary"
	"sync/atomic"
	"testing"
	"unsafe"

	"yolk/arch"
	"yolk/arch/pt"
	"yolk/drivers/blk"
	"yolk/locks"
)

// promptDisk completes requests within Submit and allocates nothing.
type promptDisk struct{ data []byte }

func (d *promptDisk) Name() string    { return "prompt" }
func (d *promptDisk) Sectors() uint64 { return uint64(len(d.data)) / blk.SectorSize }
func (d *promptDisk) ReadOnly() bool  { return false }

func (d *promptDisk) Submit(r *blk.Request) {
	at := d.data[r.Sector*blk.SectorSize:]
	for _, s := range r.Segs[:r.NSegs] {
		for done := uint64(0); done < uint64(s.Len); done += arch.PageSize {
			frame := arch.FrameBytes(arch.PFN((s.Phys + done) >> arch.PageShift))
			for i := 0; i < len(frame); i += 8 { // by words, as a program may be storing to a file's page
				w := (*uint64)(unsafe.Pointer(&frame[i]))
				if r.Op == blk.Write {
					binary.LittleEndian.PutUint64(at[i:], atomic.LoadUint64(w))
				} else {
					atomic.StoreUint64(w, binary.LittleEndian.Uint64(at[i:]))
				}
			}
			at = at[arch.PageSize:]
		}
	}
	r.Done(r)
}

// newPromptDisk makes one that is a swap area.
func newPromptDisk(slots int) promptDisk {
	d := promptDisk{data: make([]byte, (slots+1)*arch.PageSize)}
	if _, err := swapDisk("", slots).ReadAt(d.data[:arch.PageSize], 0); err != nil {
		panic(err)
	}
	return d
}

func promptMachine(t testing.TB, frames, slots int) {
	t.Helper()
	arch.InitSoft(frames, 2)
	Init(Config{})
	d := newPromptDisk(slots)
	if e := SwapOn(&d, -1); e != 0 {
		t.Fatal("swapon:", e)
	}
}

// asStealer runs f as a page stealer does: without mmap_sem, with PF_MEMALLOC.
func asStealer(f func()) {
	c := locks.Current()
	c.Flags |= locks.PFMemAlloc
	f()
	c.Flags &^= locks.PFMemAlloc
}

// stealFrom is one scan of m from its beginning, with kernel_lock as in swap_out.
func stealFrom(m *MM, gfp GFP) (n int) {
	asStealer(func() {
		locks.LockKernel()
		m.PageTableLock.Lock()
		m.SwapAddress = 0
		m.PageTableLock.Unlock()
		n = swapOutMM(m, gfp)
		locks.UnlockKernel()
	})
	return n
}

func TestStealingAndReadingAllocateNothing(t *testing.T) {
	promptMachine(t, 8192, 8000)
	m := testSpace(t)
	const pages = 6000
	addr := mustMmap(t, m, pages)
	fill(t, m, 0, addr, pages, 1)
	steal := func() (n int) {
		asStealer(func() { n = swapOut(0, GFPKswapd) })
		return n
	}
	steal() // the first pass only ages
	stolen := 0
	if n := testing.AllocsPerRun(20, func() {
		stolen += steal()
		RunDiskQueue()
		shrinkMmap(0, GFPKswapd, stealBatch)
	}); n != 0 {
		t.Errorf("stealing %d pages: %v Go allocations a batch", stolen, n)
	}
	if stolen < 20*stealBatch {
		t.Errorf("only %d pages stolen", stolen)
	}
	at := addr
	if n := testing.AllocsPerRun(50, func() {
		e := PTESwapEntry(pteOf(m, at))
		p, _ := swapIn(e)
		if !p.Uptodate() {
			t.Error("not read")
		}
		PutPage(p)
		at += 16 * pg
	}); n != 0 {
		t.Errorf("reading back: %v Go allocations", n)
	}
	verify(t, m, 0, addr, pages, 1)
}

func TestBranchesOfTryToSwapOut(t *testing.T) {
	promptMachine(t, 2048, 2000)
	m := testSpace(t)
	addr := mustMmap(t, m, 8)
	fill(t, m, 0, addr, 8, 1)
	pass := func(gfp GFP) { stealFrom(m, gfp) }
	count := func(e VMEvent, do func()) uint64 {
		before := VMStat(e)
		do()
		return VMStat(e) - before
	}
	if n := count(TSOYoung, func() { pass(GFPKswapd) }); n != 8 {
		t.Errorf("young: %d ptes, want 8", n)
	}
	if n := count(TSONoIO, func() { pass(GFPSwap) }); n != 8 {
		t.Errorf("without GFPIO: %d ptes, want 8", n)
	}
	p := PageOf(pteOf(m, addr).PFN())
	LockPage(p)
	if n := count(TSOLocked, func() { pass(GFPSwap) }); n != 1 {
		t.Errorf("locked: %d ptes, want 1", n)
	}
	UnlockPage(p)
	if n := count(TSOAnon, func() { pass(GFPKswapd) }); n != 8 || m.SwapEnts.Load() != 8 || m.RSS.Load() != 0 {
		t.Errorf("anonymous: %d stolen, %d entries, rss %d", n, m.SwapEnts.Load(), m.RSS.Load())
	}
	RunDiskQueue()
	verify(t, m, 0, addr, 8, 1) // reads only: the pages stay in the swap cache
	pass(GFPKswapd)
	if n := count(TSOSwapCached, func() { pass(GFPKswapd) }); n != 8 {
		t.Errorf("in the swap cache: %d ptes, want 8", n)
	}
	if _, e := m.tMmap(addr, 8*pg, rw, private|fixed); e != 0 {
		t.Fatal(e)
	}
	m.peek(0, addr)
	pass(GFPKswapd)
	if n := count(TSOReserved, func() { pass(GFPKswapd) }); n != 1 {
		t.Errorf("ZERO_PAGE: %d ptes, want 1", n)
	}
	if e := m.tMlock(addr, 8*pg, 0); e != 0 {
		t.Fatal(e)
	}
	if n := count(TSOYoung, func() { pass(GFPKswapd); pass(GFPKswapd) }); n != 0 || m.RSS.Load() != 8 {
		t.Error("a locked vma was scanned")
	}
	CheckInvariants(m)
}

// TestWritesOvertakenByTheStealer: what ptrace writes into a page that is stolen
// between its lookup and the write must not count as written, as the disk has the
// page from before; after the write the pte must be dirty.
func TestWritesOvertakenByTheStealer(t *testing.T) {
	promptMachine(t, 2048, 2000)
	m := testSpace(t)
	addr := mustMmap(t, m, 1)
	fill(t, m, 0, addr, 1, 1)
	m.MmapSem.Lock()
	page := getUserPage(m, addr, true)
	changePTEOf(m, addr, ^pt.Dirty, 0)
	if !landed(m, addr, page) || !pteOf(m, addr).Dirty() {
		t.Error("a page that is there does not count, or is not dirty")
	}
	for range 3 {
		stealFrom(m, GFPKswapd)
	}
	if m.SwapEnts.Load() != 1 {
		t.Fatal("the page was not stolen")
	}
	if landed(m, addr, page) {
		t.Error("a write into a stolen page counts")
	}
	PutPage(page)
	m.MmapSem.Unlock()
	if n := AccessProcessVM(m, addr+8, []byte("poked"), true); n != 5 {
		t.Errorf("%d bytes written", n)
	}
	for range 3 {
		stealFrom(m, GFPKswapd)
	}
	RunDiskQueue()
	buf := make([]byte, 5)
	if n := AccessProcessVM(m, addr+8, buf, false); n != 5 || string(buf) != "poked" {
		t.Errorf("read back %q", buf[:n])
	}
	CheckInvariants(m)
}

// TestDropCaches: what of the caches is clean and in no use goes, whether it was used
// lately or not, and nothing else.
func TestDropCaches(t *testing.T) {
	promptMachine(t, 2048, 2000)
	m := testSpace(t)
	addr := mustMmap(t, m, 200)
	fill(t, m, 0, addr, 200, 1)
	for range 20 {
		asStealer(func() { swapOut(0, GFPKswapd) })
	}
	RunDiskQueue()
	cached := swapperSpace.Pages()
	if cached == 0 {
		t.Fatal("nothing was stolen")
	}
	free, slabs := NrFreePages(), slabPages()
	DropCaches()
	if left := swapperSpace.Pages(); left != 0 || NrFreePages() != free+cached {
		t.Errorf("%d of %d pages are left in the cache, %d frames more are free", left, cached, NrFreePages()-free)
	}
	DropSlabs()
	if n := slabPages(); n == 0 || n > slabs {
		t.Errorf("%d pages of slabs, %d before", n, slabs)
	}
	verify(t, m, 0, addr, 200, 1)
}
