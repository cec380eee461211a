package mm

import (
	"bytes"
	"strings"
	"syscall"
	"testing"
)

func (m *MM) tMadvise(addr, length uintptr, advice int) syscall.Errno {
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	return DoMadvise(m, addr, length, advice)
}

func (m *MM) tMincore(addr uintptr, pages int) (string, syscall.Errno) {
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	out := make([]byte, pages)
	var e syscall.Errno
	for n, done := 0, 0; done < pages && e == 0; done += n {
		n, e = DoMincore(m, addr+uintptr(done)*pg, out[done:])
	}
	for i := range out {
		out[i] += '0'
	}
	return string(out), e
}

func TestMadvise(t *testing.T) {
	testMachine(t, 512)
	m := testSpace(t)
	m.tMmap(base, 6*pg, rw, private|fixed)
	for i := range uintptr(6) {
		m.poke(0, base+i*pg, 9)
	}
	m.tMadvise(base+pg, pg, syscall.MADV_DONTNEED)
	m.tMadvise(base+2*pg, pg, madvFree)
	m.tMadvise(base+3*pg, pg, syscall.MADV_DONTFORK)
	m.tMadvise(base+4*pg, pg, madvWipeOnFork)
	if s := show(m); s != "0-3 rw, 3-4 rw, 4-5 rw, 5-6 rw" {
		t.Error("list", s)
	}
	c, e := DupMM(m, noLimits())
	if e != 0 {
		t.Fatal(e)
	}
	for i, want := range []struct {
		parent, child uint64
		gone          bool
	}{{parent: 9, child: 9}, {}, {}, {parent: 9, gone: true}, {parent: 9}, {parent: 9, child: 9}} {
		addr := base + uintptr(i)*pg
		if v, _ := m.peek(0, addr); v != want.parent {
			t.Errorf("page %d of the parent holds %d", i, v)
		}
		if v, r := c.peek(1, addr); v != want.child || r.Failed() != want.gone {
			t.Errorf("page %d of the child holds %d, %d", i, v, r)
		}
	}
	CheckInvariants(c)
	MMPut(c)
	m.tMadvise(base, 6*pg, syscall.MADV_DOFORK)
	m.tMadvise(base, 6*pg, madvKeepOnFork)
	if s := show(m); s != "0-6 rw" {
		t.Error("list", s)
	}
}

func TestMincore(t *testing.T) {
	testMachine(t, 512)
	m := testSpace(t)
	m.tMmap(base, 3*pg, rw, private|fixed)
	m.tMmap(base+3*pg, 2*pg, rw, shared|fixed)
	m.poke(0, base+pg, 1)
	c, _ := DupMM(m, noLimits())
	c.poke(1, base+4*pg, 1)
	if s, e := m.tMincore(base, 5); s != "01001" || e != 0 {
		t.Error(s, e)
	}
	if _, e := m.tMincore(base, 6); e != syscall.ENOMEM {
		t.Error("a hole:", e)
	}
	MMPut(c)
}

func TestProcText(t *testing.T) {
	testMachine(t, 512)
	m := testSpace(t)
	f := newTestFile(9)
	m.MmapSem.Lock()
	DoMmap(m, f, 0x400000, 2*pg, syscall.PROT_READ|syscall.PROT_EXEC, syscall.MAP_PRIVATE|fixed, 1)
	SetBrk(m, 0x500000)
	SysBrk(m, 0x501000)
	m.MmapSem.Unlock()
	m.tMmap(0x600000, pg, rw, shared|fixed)
	m.tMmap(0x700000, pg, 0, private|fixed)
	SetupArgPages(m, 0x7ffffffff000, 2*pg)
	m.poke(0, 0x500000, 1)
	f.asked = func() { // a file finds its name under locks that come before MmapSem
		if m.MmapSem.Held() {
			t.Error("a file's name is asked for under MmapSem")
		}
	}
	refs := f.refs
	var got bytes.Buffer
	allMaps(&got, m, AppendMaps)
	if f.refs != refs {
		t.Errorf("%d references to the file, %d before", f.refs, refs)
	}
	const want = `00400000-00402000 r-xp 00001000 08:01 42                                 /tmp/f
00500000-00501000 rw-p 00000000 00:00 0                                  [heap]
00600000-00601000 rw-s 00000000 00:01 0                                  /dev/zero (deleted)
00700000-00701000 ---p 00000000 00:00 0 
7fffffffd000-7ffffffff000 rw-p 00000000 00:00 0                          [stack]
`
	if got.String() != want {
		t.Errorf("maps:\n%s\nnot\n%s", got.String(), want)
	}
	checkSmaps(t, m)
	for i := range uintptr(100) { // more than one batch
		m.tMmap(0x800000+2*i*pg, pg, rw, private|fixed)
	}
	lines := strings.Count(got.String(), "\n") + 100
	got.Reset()
	allMaps(&got, m, AppendMaps)
	if n := strings.Count(got.String(), "\n"); n != lines {
		t.Errorf("%d lines for %d mappings", n, lines)
	}
	for i := range uintptr(100) {
		m.tMunmap(0x800000+2*i*pg, pg)
	}
	got.Reset()
	WriteStatus(&got, m)
	for _, line := range []string{"VmSize:\t      28 kB", "VmRSS:\t       4 kB", "RssAnon:\t       4 kB", "VmStk:\t       8 kB", "VmSwap:\t       0 kB"} {
		if !strings.Contains(got.String(), line+"\n") {
			t.Errorf("status has no %q:\n%s", line, got.String())
		}
	}
}

// A page that its file loses while a fault is on the way must not be mapped.
func TestFaultOvertaken(t *testing.T) {
	testMachine(t, 256)
	m := testSpace(t)
	f := newTestFile(4)
	cut := func() {}
	nopage := f.ops.Nopage
	f.ops.Nopage = func(v *VMA, addr uintptr, noShare bool) (*Page, FaultResult) {
		p, how := nopage(v, addr, noShare)
		cut()
		cut = func() {}
		return p, how
	}
	m.MmapSem.Lock()
	DoMmap(m, f, base, 4*pg, rw, syscall.MAP_SHARED|fixed, 0)
	m.MmapSem.Unlock()
	for name, overtake := range map[string]func(){
		"truncate": func() { VMTruncate(&f.mappings, 1) },
		"a hole":   func() { VMUnmapHole(&f.mappings, 1, 2) },
	} {
		tried := 0
		cut = func() { tried++; overtake() }
		if r := HandleFault(m, base+pg, AccessWrite); r.Failed() {
			t.Fatalf("%s: the fault fails: %v", name, r)
		}
		if tried != 1 || pteOf(m, base+pg) != 0 {
			t.Errorf("%s: the page is mapped that came before: %#x", name, pteOf(m, base+pg))
		}
		if m.poke(0, base+pg, 1); pteOf(m, base+pg) == 0 {
			t.Errorf("%s: the next try maps nothing", name)
		}
		zapPageRange(m, base+pg, base+2*pg)
	}
	CheckInvariants(m)
}

// Shared memory without a file: a page that others map becomes zeros, another is freed.
func TestMadviseRemove(t *testing.T) {
	testMachine(t, 512)
	m := testSpace(t)
	m.tMmap(base, 4*pg, rw, shared|fixed)
	for i := range uintptr(4) {
		m.poke(0, base+i*pg, 7)
	}
	c, e := DupMM(m, noLimits())
	if e != 0 {
		t.Fatal(e)
	}
	c.peek(1, base+pg)
	m.tMadvise(base+2*pg, 2*pg, syscall.MADV_RANDOM) // two vmas
	free := NrFreePages()
	if e := m.tMadvise(base+pg, 2*pg, madvRemove); e != 0 {
		t.Fatal(e)
	}
	if n := NrFreePages() - free; n != 1 {
		t.Errorf("%d frames freed, want 1", n)
	}
	for i, want := range []uint64{7, 0, 0, 7} {
		if v, _ := m.peek(0, base+uintptr(i)*pg); v != want {
			t.Errorf("page %d holds %d, want %d", i, v, want)
		}
		if v, _ := c.peek(1, base+uintptr(i)*pg); v != want {
			t.Errorf("page %d of the child holds %d, want %d", i, v, want)
		}
	}
	CheckInvariants(m)
	MMPut(c)
}

func TestPageOut(t *testing.T) {
	const pages = 100 // more than a batch
	promptMachine(t, 1024, 500)
	m := testSpace(t)
	addr := mustMmap(t, m, pages)
	fill(t, m, 0, addr, pages, 1)
	if e := m.tMadvise(addr, pages*pg, madvCold); e != 0 {
		t.Fatal(e)
	}
	for i := range uintptr(pages) {
		if e := pteOf(m, addr+i*pg); e.Young() || !e.Present() {
			t.Fatalf("page %d, cold: %#x", i, e)
		}
	}
	m.peek(0, addr+3*pg)
	GetPage(PageOf(pteOf(m, addr+5*pg).PFN())) // somebody else's as well
	if e := m.tMadvise(addr, pages*pg, madvPageout); e != 0 {
		t.Fatal(e)
	}
	for i := range uintptr(pages) {
		if e := pteOf(m, addr+i*pg); PTESwapped(e) == (i == 5) {
			t.Errorf("page %d, paged out: %#x", i, e)
		}
	}
	PutPage(PageOf(pteOf(m, addr+5*pg).PFN()))
	verify(t, m, 0, addr, pages, 1)
	CheckInvariants(m)
}

func TestGuards(t *testing.T) {
	testMachine(t, 512)
	m := testSpace(t)
	m.tMmap(base, 4*pg, rw, private|fixed)
	for i := range uintptr(4) {
		m.poke(0, base+i*pg, 7)
	}
	rss := m.RSS.Load()
	if e := m.tMadvise(base+pg, 2*pg, madvGuardInstall); e != 0 {
		t.Fatal(e)
	}
	if n := rss - m.RSS.Load(); n != 2 {
		t.Errorf("%d pages are gone, want 2", n)
	}
	c, e := DupMM(m, noLimits())
	if e != 0 {
		t.Fatal(e)
	}
	for _, m := range []*MM{m, c} {
		if r := HandleFault(m, base+2*pg, AccessWrite); r != FaultMapErr {
			t.Errorf("a touch of a guard: %v", r)
		}
		CheckInvariants(m)
	}
	MMPut(c)
	m.tMadvise(base, 4*pg, syscall.MADV_DONTNEED)
	m.tMadvise(base+2*pg, pg, madvGuardRemove)
	if r := HandleFault(m, base+pg, AccessRead); r != FaultMapErr {
		t.Errorf("a guard after MADV_DONTNEED: %v", r)
	}
	m.poke(0, base+2*pg, 1)
	m.tMunmap(base, 4*pg)
	m.tMmap(base, 4*pg, rw, private|fixed)
	m.poke(0, base+pg, 1)
	CheckInvariants(m)
}

// TestGuardsOfFiles: guards in the mapping of a file do not make pages its own. A
// fork copies them nevertheless, and what the mapping becomes part of has them.
func TestGuardsOfFiles(t *testing.T) {
	testMachine(t, 512)
	m := testSpace(t)
	f := newObjectFile(t, 8)
	m.MmapSem.Lock()
	_, e := DoMmap(m, f, base, 8*pg, rw, private|fixed, 0)
	m.MmapSem.Unlock()
	if e != 0 {
		t.Fatal("mmap:", e)
	}
	m.tMprotect(base+3*pg, pg, syscall.PROT_READ)
	m.poke(0, base+5*pg, 1) // 4-8 has a page of its own
	if e := m.tMadvise(base+pg, pg, madvGuardInstall); e != 0 {
		t.Fatal(e)
	}
	m.tMprotect(base, 8*pg, 0)
	if got := show(m); got != "0-8 - @0" {
		t.Errorf("list is %s", got)
	}
	m.tMprotect(base, 8*pg, rw)
	c, e := DupMM(m, noLimits())
	if e != 0 {
		t.Fatal(e)
	}
	for _, m := range []*MM{m, c} {
		if r := HandleFault(m, base+pg, AccessRead); r != FaultMapErr {
			t.Errorf("a touch of a guard: %v", r)
		}
		var smaps bytes.Buffer
		allMaps(&smaps, m, AppendSmaps)
		if s := smaps.String(); !strings.Contains(s, " gu ") {
			t.Errorf("smaps says:\n%s", s)
		}
		CheckInvariants(m)
	}
	MMPut(c)
}
