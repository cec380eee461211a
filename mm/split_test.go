package mm

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"yolk/arch"
)

// testFile is a file of a few pages; page i holds i+100 in its first word. It
// counts its references and the calls of the driver's methods.
type testFile struct {
	mappings       IMmap
	refs           int
	opened, closed int
	pages          uint64
	readOnly       bool
	writeOnly      bool
	ops            VMOps
	refuse         syscall.Errno
	asked          func() // by MapInfo, if it is set
}

func newTestFile(pages uint64) *testFile {
	f := &testFile{refs: 1, pages: pages}
	f.mappings.Init()
	f.ops = VMOps{
		Open:  func(*VMA) { f.opened++ },
		Close: func(*VMA) { f.closed++ },
		Nopage: func(v *VMA, addr uintptr, _ bool) (*Page, FaultResult) {
			if v.pgoffAt(addr) >= f.pages {
				return nil, FaultBus
			}
			p := AllocPage(GFPUser | GFPZero)
			if p == nil {
				return nil, FaultOOM
			}
			arch.Table(p.PFN())[0] = v.pgoffAt(addr) + 100
			return p, FaultMajor
		},
	}
	return f
}

func (f *testFile) GetFile()                  { f.refs++ }
func (f *testFile) FPut()                     { f.refs-- }
func (f *testFile) CanRead() bool             { return !f.writeOnly }
func (f *testFile) CanWrite() bool            { return !f.readOnly }
func (f *testFile) Mmap(v *VMA) syscall.Errno { v.VMOps = &f.ops; return f.refuse }
func (f *testFile) IMmap() *IMmap             { return &f.mappings }
func (f *testFile) MapInfo() (name string, major, minor uint32, ino uint64) {
	if f.asked != nil {
		f.asked()
	}
	return "/tmp/f", 8, 1, 42
}

// onRing counts the mappings on the file's ring.
func (f *testFile) onRing() (n int) {
	for v := f.mappings.head; v != nil; v = v.nextShare {
		n++
	}
	return n
}

const base = uintptr(1) << 30

// show draws the vmas from base on: "0-4 rw @7" is pages 0 to 3, file offset 7.
func show(m *MM) string {
	var out []string
	for v := m.mmap; v != nil; v = v.vmNext {
		s := fmt.Sprintf("%d-%d ", int64(v.VMStart-base)/pg, int64(v.VMEnd-base)/pg)
		for i, c := range "rwx" {
			if v.VMFlags&(1<<i) != 0 {
				s += string(c)
			}
		}
		if v.VMFlags&VMLocked != 0 {
			s += "L"
		}
		if v.VMFlags&vmAccessBits == 0 {
			s += "-"
		}
		if v.VMFile != nil {
			s += fmt.Sprintf(" @%d", v.VMPgoff)
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

type splitOp struct {
	name     string
	from, to uintptr // pages
	arg      int
}

func (o splitOp) run(m *MM) syscall.Errno {
	addr, length := base+o.from*pg, (o.to-o.from)*pg
	switch o.name {
	case "munmap":
		return m.tMunmap(addr, length)
	case "mprotect":
		return m.tMprotect(addr, length, o.arg)
	case "mlock":
		return m.tMlock(addr, length, MlockOnFault)
	case "munlock":
		return m.tMunlock(addr, length)
	}
	panic(o.name)
}

// TestSplits: every way to cut a file mapping of ten pages, offset 5, and to join it again.
func TestSplits(t *testing.T) {
	const ro = syscall.PROT_READ
	for _, c := range []struct {
		ops  []splitOp
		want string
	}{
		{nil, "0-10 rw @5"},
		{[]splitOp{{"munmap", 0, 10, 0}}, ""},
		{[]splitOp{{"munmap", 0, 3, 0}}, "3-10 rw @8"},
		{[]splitOp{{"munmap", 7, 10, 0}}, "0-7 rw @5"},
		{[]splitOp{{"munmap", 4, 6, 0}}, "0-4 rw @5, 6-10 rw @11"},
		{[]splitOp{{"munmap", 4, 5, 0}, {"munmap", 6, 7, 0}, {"munmap", 3, 8, 0}}, "0-3 rw @5, 8-10 rw @13"},
		{[]splitOp{{"mprotect", 0, 10, ro}}, "0-10 r @5"},
		{[]splitOp{{"mprotect", 0, 3, ro}}, "0-3 r @5, 3-10 rw @8"},
		{[]splitOp{{"mprotect", 7, 10, ro}}, "0-7 rw @5, 7-10 r @12"},
		{[]splitOp{{"mprotect", 4, 6, ro}}, "0-4 rw @5, 4-6 r @9, 6-10 rw @11"},
		{[]splitOp{{"mprotect", 4, 6, ro}, {"mprotect", 4, 6, rw}}, "0-10 rw @5"},
		{[]splitOp{{"mprotect", 4, 6, ro}, {"mprotect", 2, 5, rw}}, "0-5 rw @5, 5-6 r @10, 6-10 rw @11"},
		{[]splitOp{{"mprotect", 4, 6, ro}, {"mprotect", 0, 10, 0}}, "0-10 - @5"},
		{[]splitOp{{"mlock", 0, 3, 0}}, "0-3 rwL @5, 3-10 rw @8"},
		{[]splitOp{{"mlock", 7, 10, 0}}, "0-7 rw @5, 7-10 rwL @12"},
		{[]splitOp{{"mlock", 4, 6, 0}}, "0-4 rw @5, 4-6 rwL @9, 6-10 rw @11"},
		{[]splitOp{{"mlock", 4, 6, 0}, {"munlock", 4, 6, 0}}, "0-10 rw @5"},
		{[]splitOp{{"mlock", 4, 6, 0}, {"mprotect", 4, 6, ro}, {"munlock", 0, 10, 0}}, "0-4 rw @5, 4-6 r @9, 6-10 rw @11"},
	} {
		t.Run(fmt.Sprint(c.ops), func(t *testing.T) {
			testMachine(t, 1024)
			m := testSpace(t)
			f := newTestFile(100)
			m.MmapSem.Lock()
			if _, e := DoMmap(m, f, base, 10*pg, rw, syscall.MAP_PRIVATE|fixed, 5); e != 0 {
				t.Fatal(e)
			}
			m.MmapSem.Unlock()
			for i := uintptr(0); i < 10; i++ {
				if v, r := m.peek(0, base+i*pg); v != uint64(105+i) || r.Failed() {
					t.Fatal("page", i, "holds", v, r)
				}
			}
			for _, o := range c.ops {
				if e := o.run(m); e != 0 {
					t.Fatal(o, e)
				}
				CheckInvariants(m)
			}
			if got := show(m); got != c.want {
				t.Errorf("list is  %s\nnot      %s", got, c.want)
			}
			if n := m.mapCount; f.refs != 1+n || f.onRing() != n || f.opened-f.closed != n-1 {
				t.Errorf("%d vmas: %d references, %d on the ring, %d opened, %d closed", n, f.refs, f.onRing(), f.opened, f.closed)
			}
			for v := m.mmap; v != nil; v = v.vmNext {
				if v.VMFlags&VMRead == 0 {
					continue
				}
				for a := v.VMStart; a < v.VMEnd; a += pg {
					if got, _ := m.peek(1, a); got != uint64(105+(a-base)/pg) {
						t.Errorf("page %d holds %d", (a-base)/pg, got)
					}
				}
			}
			MMPut(m)
			if f.refs != 1 || f.onRing() != 0 || f.closed != f.opened+1 {
				t.Errorf("after exit: %d references, %d on the ring, %d opened, %d closed", f.refs, f.onRing(), f.opened, f.closed)
			}
		})
	}
}

// TestMergeAnonymous: what mmap, brk and mprotect join, and what they do not.
func TestMergeAnonymous(t *testing.T) {
	testMachine(t, 1024)
	for _, c := range []struct {
		name string
		run  func(m *MM)
		want string
	}{
		{"above", func(m *MM) { m.tMmap(base+10*pg, 5*pg, rw, private|fixed) }, "0-15 rw"},
		{"below", func(m *MM) { m.tMmap(base-5*pg, 5*pg, rw, private|fixed) }, "-5-10 rw"},
		{"between", func(m *MM) {
			m.tMmap(base+12*pg, 5*pg, rw, private|fixed)
			m.tMmap(base+10*pg, 2*pg, rw, private|fixed)
		}, "0-17 rw"},
		{"other protection", func(m *MM) { m.tMmap(base+10*pg, 5*pg, syscall.PROT_READ, private|fixed) }, "0-10 rw, 10-15 r"},
		{"noreserve", func(m *MM) { m.tMmap(base+10*pg, 5*pg, rw, private|fixed|syscall.MAP_NORESERVE) }, "0-10 rw, 10-15 rw"},
		{"shared", func(m *MM) { m.tMmap(base+10*pg, 5*pg, rw, shared|fixed) }, "0-10 rw, 10-15 rw @0"},
		{"over the middle", func(m *MM) { m.tMmap(base+3*pg, 3*pg, rw, private|fixed) }, "0-10 rw"},
		{"neighbours do not take theirs", func(m *MM) {
			m.poke(0, base, 1)
			m.tMmap(base+12*pg, 2*pg, rw, private|fixed)
			m.poke(0, base+12*pg, 1)
			m.tMmap(base+10*pg, 2*pg, rw, private|fixed)
			// 12-14 loses its pages, and with them what keeps it apart.
			to, _ := m.tMremap(base+12*pg, 2*pg, 2*pg, MremapMayMove|MremapDontUnmap, 0)
			m.tMunmap(to, 2*pg)
			m.tMmap(base-pg, pg, rw, private|fixed)
		}, "-1-12 rw, 12-14 rw"},
		{"replaced by none", func(m *MM) { m.tMmap(base+3*pg, 3*pg, 0, private|fixed) }, "0-3 rw, 3-6 -, 6-10 rw"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := testSpace(t)
			m.tMmap(base, 10*pg, rw, private|fixed)
			c.run(m)
			CheckInvariants(m)
			if got := show(m); got != c.want {
				t.Errorf("list is %s, not %s", got, c.want)
			}
		})
	}
}

// TestPlacement: where mmap puts things.
func TestPlacement(t *testing.T) {
	testMachine(t, 1024)
	m := testSpace(t)
	top := m.MmapBase
	at := func(addr, pages uintptr, flags int) uintptr {
		t.Helper()
		a, e := m.tMmap(addr, pages*pg, syscall.PROT_READ, private|flags)
		if e != 0 {
			t.Fatal(e)
		}
		CheckInvariants(m)
		return (top - a) / pg
	}
	expect := func(got, want uintptr, what string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %d pages below the top, not %d", what, got, want)
		}
	}
	expect(at(0, 1, 0), 1, "first")
	expect(at(0, 5, 0), 6, "next goes below")
	m.tMunmap(top-4*pg, 2*pg)
	expect(at(0, 3, 0), 9, "a hole too small is passed over")
	expect(at(0, 2, 0), 4, "the hole is filled")
	expect(at(top-100*pg, 2, 0), 100, "hint")
	expect(at(top-99*pg, 1, 0), 10, "hint that is taken")
	expect(at(top-200*pg+1, 1, 0), 200, "hint is rounded down")
	if a, e := m.tMmap(0, pg, rw, private|syscall.MAP_32BIT); e != 0 || a >= 1<<31 {
		t.Errorf("MAP_32BIT gives %#x, %v", a, e)
	}
	expect(at(top-300*pg, 1, syscall.MAP_GROWSDOWN), 300, "grows down")
	expect(at(top-600*pg, 44, 0), 600, "hint at the end of a stack's guard gap")
	if a := at(top-340*pg, 10, 0); a == 340 {
		t.Error("a mapping in a stack's guard gap")
	}
}

// TestLeftBehindIsUnlocked: MREMAP_DONTUNMAP moves the pages of a locked mapping; what stays behind is
// locked no more.
func TestLeftBehindIsUnlocked(t *testing.T) {
	testMachine(t, 256)
	m := testSpace(t)
	addr := mustMmap(t, m, 4)
	fill(t, m, 0, addr, 4, 1)
	if e := m.tMlock(addr, 4*pg, 0); e != 0 {
		t.Fatal("mlock:", e)
	}
	to, e := m.tMremap(addr, 4*pg, 4*pg, MremapMayMove|MremapDontUnmap, 0)
	if e != 0 {
		t.Fatal("mremap:", e)
	}
	verify(t, m, 0, to, 4, 1)
	m.MmapSem.Lock()
	v, w := FindVMA(m, addr), FindVMA(m, to)
	if v.VMFlags&VMLocked != 0 || w.VMFlags&VMLocked == 0 {
		t.Errorf("flags %#x of what stays, %#x of what has moved", v.VMFlags, w.VMFlags)
	}
	m.MmapSem.Unlock()
	if n, r := m.peek(0, addr); r.Failed() || n != 0 {
		t.Errorf("what stays reads %#x, %v", n, r)
	}
	CheckInvariants(m)
	MMPut(m)
}
