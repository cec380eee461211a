package mm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// allMaps writes all pieces of maps or smaps.
func allMaps(w *bytes.Buffer, m *MM, part func([]byte, *MM, uintptr) ([]byte, uintptr)) {
	b, at := part(nil, m, 0)
	for at != 0 {
		b, at = part(b, m, at)
	}
	w.Write(b)
}

// checkSmaps looks at smaps of TestMaps' mappings, of which the heap has a page.
func checkSmaps(t *testing.T, m *MM) {
	t.Helper()
	var got bytes.Buffer
	allMaps(&got, m, AppendSmaps)
	_, heap, ok := strings.Cut(got.String(), "[heap]\n")
	if !ok {
		t.Fatalf("no heap in smaps:\n%s", got.String())
	}
	for _, line := range []string{
		"Size:                  4 kB", "Rss:                   4 kB", "Pss:                   4 kB",
		"Private_Dirty:         4 kB", "Shared_Clean:          0 kB", "Anonymous:             4 kB",
		"Swap:                  0 kB", "Locked:                0 kB", "VmFlags: rd wr mr mw me ac ",
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
	allMaps(&got, m, AppendSmaps)
	if s := got.String(); !strings.Contains(s, "Locked:               16 kB\n") || !strings.Contains(s, " lo ") {
		t.Errorf("four pages are locked:\n%s", s)
	}
}

// TestMapLines compares lines of maps with what fmt makes of the same numbers.
func TestMapLines(t *testing.T) {
	for _, c := range []mapping{
		{start: 0x1000, end: 0x2000},
		{start: 0x400000, end: 0x401000, flags: VMRead | VMExec | VMMayShare, off: 0x1234567000, name: "/a", major: 8, minor: 1, ino: 1},
		{start: 0x7fffffffd000, end: 0x7ffffffff000, flags: VMRead | VMWrite, name: "[stack]"},
		{start: 0x7fff00000000, end: 0x7fffffffe000, off: 0xfffffffff000, name: "/wide", major: 0x103, minor: 0xfffff, ino: 1<<64 - 1},
	} {
		perms := []byte("---p")
		for i, f := range []VMFlags{VMRead, VMWrite, VMExec} {
			if c.flags&f != 0 {
				perms[i] = "rwx"[i]
			}
		}
		if c.flags&VMMayShare != 0 {
			perms[3] = 's'
		}
		want := fmt.Sprintf("%08x-%08x %s %08x %02x:%02x %d ", c.start, c.end, perms, c.off, c.major, c.minor, c.ino)
		if c.name != "" {
			want = fmt.Sprintf("%-*s%s", nameColumn, want, c.name)
		}
		if got := string(c.appendLine([]byte("before"))); got != "before"+want+"\n" {
			t.Errorf("line %q, want %q", got, want)
		}
	}
	for _, n := range []int{0, 7, 12345678, 123456789012, -5} {
		if got, want := string(appendSize(nil, "Rss:            ", n)), fmt.Sprintf("%-16s%8d kB\n", "Rss:", n); got != want {
			t.Errorf("size %q, want %q", got, want)
		}
	}
}

// TestMapsCost: a piece of maps or smaps allocates nothing when there is room for its
// text, and asks for the name of a file once for neighbours.
func TestMapsCost(t *testing.T) {
	testMachine(t, 512)
	m := testSpace(t)
	f := newTestFile(100)
	m.MmapSem.Lock()
	for i := range uintptr(100) {
		DoMmap(m, f, 0x400000+2*i*pg, pg, rw, private|fixed, 0)
	}
	m.MmapSem.Unlock()
	asked := 0
	f.asked = func() { asked++ }
	room := make([]byte, 0, 64<<10)
	for name, part := range map[string]func([]byte, *MM, uintptr) ([]byte, uintptr){
		"maps": AppendMaps, "smaps": AppendSmaps,
		"smaps_rollup": func(b []byte, m *MM, _ uintptr) ([]byte, uintptr) { return AppendRollup(b, m), 0 },
	} {
		asked = 0
		if n := testing.AllocsPerRun(10, func() { room, _ = part(room[:0], m, 0x400000+100*pg) }); n != 0 {
			t.Errorf("%s: %v allocations for a piece", name, n)
		}
		if asked > 11 {
			t.Errorf("%s: the name of one file was asked for %d times in 11 pieces", name, asked)
		}
	}
}

// TestRollup: smaps_rollup is the sum of smaps, over more than a batch of mappings.
func TestRollup(t *testing.T) {
	testMachine(t, 512)
	m := testSpace(t)
	for i := range uintptr(50) {
		m.tMmap(0x600000+2*i*pg, pg, rw, private|fixed)
		if i%2 == 0 {
			m.poke(0, 0x600000+2*i*pg, 1)
		}
	}
	got := string(AppendRollup(nil, m))
	if !strings.HasPrefix(got, "00600000-00663000 ---p 00000000 00:00 0                                  [rollup]\nRss:                 100 kB\n") {
		t.Errorf("rollup:\n%s", got)
	}
	for _, line := range []string{"Pss:                 100 kB", "Pss_Anon:            100 kB", "Pss_File:              0 kB", "Private_Dirty:       100 kB"} {
		if !strings.Contains(got, line+"\n") {
			t.Errorf("no %q in\n%s", line, got)
		}
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
