package mm

import (
	"syscall"
	"testing"
)

// TestMaxMapCount: what would take more mappings than max_map_count fails, and
// changes nothing.
func TestMaxMapCount(t *testing.T) {
	testMachine(t, 512)
	m := testSpace(t)
	m.tMmap(0x600000, 5*pg, rw, private|fixed)
	defer MaxMapCount.Store(MaxMapCount.Load())
	MaxMapCount.Store(2)
	if e := m.call(func() syscall.Errno { return DoMprotect(m, 0x601000, pg, syscall.PROT_READ) }); e != syscall.ENOMEM {
		t.Errorf("mprotect that makes three of one: %v", e)
	}
	if e := m.call(func() syscall.Errno { return DoMprotect(m, 0x600000, pg, syscall.PROT_READ) }); e != 0 || m.mapCount != 2 {
		t.Errorf("mprotect that makes two: %v, %d mappings", e, m.mapCount)
	}
	if e := m.call(func() syscall.Errno { return DoMunmap(m, 0x602000, pg) }); e != syscall.ENOMEM {
		t.Errorf("munmap that makes three: %v", e)
	}
}
