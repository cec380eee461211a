package mm

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"
)

// allMaps writes all pieces of maps or smaps.
func allMaps(w io.Writer, m *MM, part func(io.Writer, *MM, uintptr) uintptr) {
	for at := part(w, m, 0); at != 0; {
		at = part(w, m, at)
	}
}

// checkSmaps looks at smaps of TestMaps' mappings, of which the heap has a page.
func checkSmaps(t *testing.T, m *MM) {
	t.Helper()
	var got bytes.Buffer
	allMaps(&got, m, WriteSmaps)
	_, heap, ok := strings.Cut(got.String(), "[heap]\n")
	if !ok {
		t.Fatalf("no heap in smaps:\n%s", got.String())
	}
	for _, line := range []string{
		"Size:                  4 kB", "Rss:                   4 kB", "Pss:                   4 kB",
		"Private_Dirty:         4 kB", "Shared_Clean:          0 kB", "Anonymous:             4 kB",
		"Swap:                  0 kB", "Locked:                0 kB", "VmFlags: rd wr mr mw me ac",
	} {
		if !strings.Contains(heap, line+"\n") {
			t.Errorf("smaps has no %q:\n%s", line, heap)
		}
	}
}

// TestSmapsOfSharedPages: fork shares the pages until they are written; what is
// locked counts as such.
func TestSmapsOfSharedPages(t *testing.T) {
	testMachine(t, 512)
	m := testSpace(t)
	m.tMmap(0x600000, 4*pg, rw, private|fixed)
	for i := range uintptr(4) {
		m.poke(0, 0x600000+i*pg, 1)
	}
	c, e := DupMM(m, m.Limits)
	if e != 0 {
		t.Fatal(e)
	}
	m.poke(0, 0x600000, 2)
	m.MmapSem.Lock()
	u := usageOf(m, FindVMA(m, 0x600000))
	m.MmapSem.Unlock()
	MMPut(c)
	if u.rss != 4 || u.anon != 4 || u.clean[1]+u.dirty[1] != 3 || u.clean[0]+u.dirty[0] != 1 || u.pss != 5*pssUnit/2 {
		t.Errorf("3 of 4 pages are shared by two: %+v", u)
	}
	m.MmapSem.Lock()
	DoMlock(m, 0x600000, 4*pg, 0)
	m.MmapSem.Unlock()
	var got bytes.Buffer
	allMaps(&got, m, WriteSmaps)
	if s := got.String(); !strings.Contains(s, "Locked:               16 kB\n") || !strings.Contains(s, " lo ") {
		t.Errorf("four pages are locked:\n%s", s)
	}
}

func TestPagemap(t *testing.T) {
	testMachine(t, 512)
	m := testSpace(t)
	m.tMmap(0x600000, 3*pg, rw, private|fixed)
	m.poke(0, 0x601000, 1)
	var buf [3 * PagemapEntrySize]byte
	if n := Pagemap(m, 0x600000, buf[:], true); n != len(buf) {
		t.Fatalf("%d bytes of %d", n, len(buf))
	}
	entry := func(i int) uint64 { return binary.LittleEndian.Uint64(buf[i*PagemapEntrySize:]) }
	pfn := pteOf(m, 0x601000).PFN()
	if want := uint64(pagemapPresent|pagemapExclusive) | uint64(pfn); entry(0) != 0 || entry(1) != want || entry(2) != 0 {
		t.Errorf("entries %x %x %x, want 0 %x 0", entry(0), entry(1), entry(2), want)
	}
	Pagemap(m, 0x601000, buf[:8], false)
	if entry(0) != pagemapPresent|pagemapExclusive {
		t.Errorf("frame numbers are not for everybody: %x", entry(0))
	}
	entrySlot := MakeSwapEntry(2, 77)
	changePTEOf(m, 0x602000, 0, entrySlot.PTE())
	Pagemap(m, 0x602000, buf[:8], false)
	changePTEOf(m, 0x602000, 0, 0)
	if want := uint64(pagemapSwapped | 77<<5 | 2); entry(0) != want {
		t.Errorf("a page in swap is %x, want %x", entry(0), want)
	}
}

// TestOOMScoreAdj: the OOM killer takes the fattest, but for what oom_score_adj
// adds or takes away, and who is out of its reach.
func TestOOMScoreAdj(t *testing.T) {
	testMachine(t, 512)
	space := func(pages uintptr, adj int32) *MM {
		m := MMAlloc(noLimits())
		t.Cleanup(func() { MMPut(m) })
		m.Limits.OOMScoreAdj.Store(adj)
		m.tMmap(0x600000, pages*pg, rw, private|fixed)
		for i := range pages {
			m.poke(0, 0x600000+i*pg, 1)
		}
		return m
	}
	spared, fat, lean := space(60, OOMScoreAdjMin), space(40, -900), space(10, 0)
	for _, want := range []*MM{lean, fat} {
		got, _ := chooseFattest()
		if got != want {
			t.Errorf("chose the one with %d pages, not that with %d", got.RSS.Load(), want.RSS.Load())
		}
		MMDrop(got)
		fat.Limits.OOMScoreAdj.Store(0)
	}
	if s, f := OOMScore(spared), OOMScore(fat); s != 0 || f <= 0 {
		t.Errorf("scores %d and %d", s, f)
	}
}
