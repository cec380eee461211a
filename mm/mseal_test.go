package mm

import (
	"syscall"
	"testing"
)

// call runs f with MmapSem held.
func (m *MM) call(f func() syscall.Errno) syscall.Errno {
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	return f()
}

func TestMseal(t *testing.T) {
	testMachine(t, 512)
	m := testSpace(t)
	const at = 0x600000
	m.tMmap(at, 8*pg, rw, private|fixed)
	m.tMunmap(at+6*pg, pg)
	for _, c := range []struct {
		start, length uintptr
		want          syscall.Errno
	}{
		{at + 1, pg, syscall.EINVAL}, {at, ^uintptr(0) - pg + 2, syscall.EINVAL}, {at, 0, 0},
		{at + 6*pg, 2 * pg, syscall.ENOMEM}, {at + 5*pg, 2 * pg, syscall.ENOMEM}, {at + 2*pg, 2 * pg, 0}, {at + pg, 2 * pg, 0},
	} {
		if e := m.call(func() syscall.Errno { return DoMseal(m, c.start, c.length) }); e != c.want {
			t.Errorf("mseal(%x, %x): %v, want %v", c.start, c.length, e, c.want)
		}
	}
	// Pages 1 to 3 are sealed now, and one mapping.
	for what, f := range map[string]func() syscall.Errno{
		"munmap":   func() syscall.Errno { return DoMunmap(m, at, 2*pg) },
		"mprotect": func() syscall.Errno { return DoMprotect(m, at+3*pg, 2*pg, syscall.PROT_READ) },
		"mremap": func() syscall.Errno {
			_, e := DoMremap(m, at+pg, pg, 2*pg, MremapMayMove, 0)
			return e
		},
		"mmap": func() syscall.Errno {
			_, e := DoMmap(m, nil, at+3*pg, pg, rw, private|fixed, 0)
			return e
		},
	} {
		if e := m.call(f); e != syscall.EPERM {
			t.Errorf("%s of a sealed mapping: %v", what, e)
		}
	}
	m.poke(0, at+pg, 7)
	if e := m.call(func() syscall.Errno { return DoMadvise(m, at+pg, pg, syscall.MADV_DONTNEED) }); e != 0 {
		t.Errorf("MADV_DONTNEED where the program may write: %v", e)
	}
	if e := m.call(func() syscall.Errno { return DoMunmap(m, at+4*pg, 2*pg) }); e != 0 {
		t.Errorf("munmap beside it: %v", e)
	}
	const ro = 0x700000
	m.tMmap(ro, pg, syscall.PROT_READ, private|fixed)
	m.call(func() syscall.Errno { return DoMseal(m, ro, pg) })
	if e := m.call(func() syscall.Errno { return DoMadvise(m, ro, pg, syscall.MADV_DONTNEED) }); e != syscall.EPERM {
		t.Errorf("MADV_DONTNEED of what is sealed and read-only: %v", e)
	}
}

func TestRemapFilePages(t *testing.T) {
	testMachine(t, 512)
	m := testSpace(t)
	f := newTestFile(8)
	const at = 0x600000
	if e := m.call(func() syscall.Errno {
		_, e := DoMmap(m, f, at, 8*pg, rw, shared|fixed, 0)
		return e
	}); e != 0 {
		t.Fatal(e)
	}
	m.tMmap(0x700000, pg, rw, private|fixed)
	remap := func(start, size uintptr, prot int, pgoff uint64) syscall.Errno {
		return m.call(func() syscall.Errno { return DoRemapFilePages(m, start, size, prot, pgoff, 0) })
	}
	for what, e := range map[string]syscall.Errno{
		"a protection": remap(at, pg, rw, 1), "nothing": remap(at, 0, 0, 1), "a hole": remap(at+7*pg, 2*pg, 0, 0),
		"private memory": remap(0x700000, pg, 0, 0), "an offset that wraps": remap(at, pg, 0, ^uint64(0)),
	} {
		if e != syscall.EINVAL {
			t.Errorf("%s: %v", what, e)
		}
	}
	if e := remap(at+2*pg, 2*pg, 0, 5); e != 0 {
		t.Fatal(e)
	}
	m.MmapSem.Lock()
	v := FindVMA(m, at+2*pg)
	if v.VMStart != at+2*pg || v.VMEnd != at+4*pg || v.VMPgoff != 5 || v.VMFlags&(VMWrite|VMShared) != VMWrite|VMShared {
		t.Errorf("%x-%x, page %d, flags %x", v.VMStart, v.VMEnd, v.VMPgoff, v.VMFlags)
	}
	m.MmapSem.Unlock()
}
