package mm

import (
	"testing"

	"yolk/arch"
)

// boot makes a soft machine of n frames and takes it over.
func boot(tb testing.TB, n int, cfg Config) {
	tb.Helper()
	arch.InitSoft(n, 2)
	Init(cfg)
}

// drainFree allocates until a request with gfp fails.
func drainFree(gfp GFP) (pages []*Page) {
	for {
		p := AllocPage(gfp)
		if p == nil {
			return pages
		}
		pages = append(pages, p)
	}
}

// drainReserves allocates until there is not one frame left.
func drainReserves() (pages []*Page) {
	asStealer(func() { pages = drainFree(GFPUser) })
	return pages
}

// recountFree compares the free lists with the counts of free frames. Kswapd may
// be at work: everything is read under page_alloc_lock, complaints come after.
func recountFree(t *testing.T) {
	t.Helper()
	pageAllocLock.Lock()
	var counted, listed [len(zones)]int
	badZone, bad := 0, arch.PFN(0)
	for i := range zones {
		z := &zones[i]
		counted[i] = int(z.free.Load())
		for o, pfn := range z.list {
			for ; pfn != 0; pfn = memMap[pfn].lruNext {
				p := &memMap[pfn]
				if !p.Test(PGFree) || int(p.order) != o || pfn < z.start || pfn+1<<o > z.end {
					badZone, bad = i, pfn
				}
				listed[i] += 1 << o
			}
		}
	}
	pageAllocLock.Unlock()
	if bad != 0 {
		t.Errorf("zone %s: bad block %d", zoneNames[badZone], bad)
	}
	for i := range zones {
		if listed[i] != counted[i] {
			t.Errorf("zone %s: %d frames on the lists, %d counted", zoneNames[i], listed[i], counted[i])
		}
	}
}

func TestWatermarks(t *testing.T) {
	boot(t, 4096, Config{DMAEnd: 0x100 + 1024})
	before := NrFreePages()
	got := drainFree(GFPLow)
	if n, want := NrFreePages(), zones[zoneDMA].min+zones[zoneNormal].min; n != want {
		t.Errorf("an ordinary request leaves %d frames, want min %d", n, want)
	}
	got = append(got, drainFree(GFPMed)...)
	if n, want := NrFreePages(), zones[zoneDMA].min/2+zones[zoneNormal].min/2; n != want {
		t.Errorf("GFPMed leaves %d frames, want %d", n, want)
	}
	got = append(got, drainFree(GFPAtomic)...)
	if n, want := NrFreePages(), zones[zoneDMA].min/4+zones[zoneNormal].min/4; n != want {
		t.Errorf("GFPAtomic leaves %d frames, want %d", n, want)
	}
	got = append(got, drainReserves()...)
	if n := NrFreePages(); n != 0 {
		t.Errorf("PF_MEMALLOC leaves %d frames", n)
	}
	recountFree(t)
	for _, p := range got {
		FreePage(p)
	}
	if n := NrFreePages(); n != before {
		t.Errorf("%d frames free at the end, %d at the start", n, before)
	}
	recountFree(t)
}

func TestZones(t *testing.T) {
	boot(t, 4096, Config{DMAEnd: 0x100 + 1024, BigmemFrames: 1024})
	if p := AllocPage(GFPDMA); !p.PageDMA() {
		t.Error("GFPDMA gave a frame that is not DMA")
	}
	if p := AllocPage(GFPUser); p.PageHigh() || p.PageDMA() {
		t.Error("an ordinary request left the normal zone")
	}
	if p := AllocPage(GFPHighUser); !p.PageHigh() {
		t.Error("GFPBigmem did not prefer the high zone")
	}
	for _, p := range drainFree(GFPUser &^ GFPWait) {
		if p.PageHigh() {
			t.Fatal("a request without GFPBigmem got a high frame")
		}
	}
	recountFree(t)
}

func TestBuddyJoins(t *testing.T) {
	boot(t, 2048, Config{})
	var blocks []*Page
	for order := range maxOrder + 1 {
		p := AllocPages(GFPKernel|GFPZero, order)
		if p == nil || int(p.PFN())&(1<<order-1) != 0 {
			t.Fatalf("order %d: %v", order, p)
		}
		blocks = append(blocks, p)
	}
	recountFree(t)
	for order, p := range blocks {
		FreePages(p, order)
	}
	recountFree(t)
	if p := AllocPages(GFPKernel, maxOrder); p == nil {
		t.Error("blocks were not joined again")
	}
}

func TestPageStructIsSmall(t *testing.T) {
	if pageStructSize > 64 {
		t.Errorf("struct page takes %d bytes", pageStructSize)
	}
}

func TestAllocAllocatesNothing(t *testing.T) {
	boot(t, 2048, Config{})
	if n := testing.AllocsPerRun(100, func() { PutPage(AllocPage(GFPUser)) }); n != 0 {
		t.Errorf("AllocPage+PutPage: %v Go allocations", n)
	}
}

type thing struct {
	a *int
	n [10]int
}

func TestSlab(t *testing.T) {
	boot(t, 2048, Config{})
	var c Cache[thing]
	c.Init("thing", func(x *thing) { x.n[0] = 7 })
	var objs []*thing
	for range 1000 {
		o := c.Alloc(GFPKernel)
		if o.n[0] != 7 || o.a != nil {
			t.Fatal("object not prepared")
		}
		o.a = new(int)
		objs = append(objs, o)
	}
	if i := c.info(); i.active != 1000 || i.total < 1000 {
		t.Errorf("info %+v", i)
	}
	for _, o := range objs {
		c.Free(o)
	}
	kmemCacheReap()
	if i := c.info(); i.active != 0 || i.slabs != 1 {
		t.Errorf("after reaping: %+v", i)
	}
	if n := testing.AllocsPerRun(100, func() { c.Free(c.Alloc(GFPKernel)) }); n != 0 {
		t.Errorf("Alloc+Free: %v Go allocations", n)
	}
	defer func() {
		if recover() == nil {
			t.Error("double free went unnoticed")
		}
	}()
	o := c.Alloc(GFPKernel)
	c.Free(o)
	c.Free(o)
}

// TestMakeSlice: what a program asks for is there or refused, and the reserve of the
// Go heap is as full afterwards as before.
func TestMakeSlice(t *testing.T) {
	testMachine(t, 1024)
	fillHeapReserve(GFPKernel)
	free := NrFreePages()
	for _, tc := range []struct {
		n  int
		ok bool
	}{{0, true}, {1000, true}, {300 * arch.PageSize / 8, true}, {2000 * arch.PageSize / 8, false}} {
		s := MakeSlice[uint64](tc.n)
		if (s != nil) != tc.ok || tc.ok && len(s) != tc.n {
			t.Errorf("MakeSlice(%d) has length %d", tc.n, len(s))
		}
	}
	if heapPromised.Load() != 0 || arch.HeapLevel() > arch.HeapTarget+heapSlack || NrFreePages() < free-heapSlack {
		t.Errorf("reserve %d, %d promised, %d frames free of %d", arch.HeapLevel(), heapPromised.Load(), NrFreePages(), free)
	}
}
