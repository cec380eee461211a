package mm

import "testing"

// TestInheritedDoNotMerge: in the child of a fork, what has pages of the parent's
// and what is mapped beside it later are two mappings; in the parent they are one,
// and in the child those without pages.
func TestInheritedDoNotMerge(t *testing.T) {
	testMachine(t, 512)
	m := testSpace(t)
	m.tMmap(0x600000, 3*pg, rw, private|fixed)
	m.tMmap(0x700000, 3*pg, rw, private|fixed)
	m.poke(0, 0x600000, 1)
	c, e := DupMM(m, noLimits())
	if e != 0 {
		t.Fatal(e)
	}
	defer MMPut(c)
	for _, s := range []struct {
		m     *MM
		addr  uintptr
		pages int64
	}{{m, 0x600000, 6}, {c, 0x600000, 3}, {c, 0x700000, 6}} {
		s.m.tMmap(s.addr+3*pg, 3*pg, rw, private|fixed)
		s.m.MmapSem.Lock()
		if n := FindVMA(s.m, s.addr).pages(); n != s.pages {
			t.Errorf("the mapping at %x has %d pages, want %d", s.addr, n, s.pages)
		}
		s.m.MmapSem.Unlock()
	}
}
