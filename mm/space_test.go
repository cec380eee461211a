package mm

import (
	"slices"
	"syscall"
	"testing"

	"yolk/arch"
)

// testMachine makes a fresh machine of nframes frames and four CPUs.
func testMachine(t testing.TB, nframes int) {
	t.Helper()
	arch.InitSoft(nframes, 4)
	Init(Config{})
}

func noLimits() *Limits {
	l := new(Limits)
	l.AS.Store(Infinity)
	l.Data.Store(Infinity)
	l.Memlock.Store(Infinity)
	l.Stack.Store(8 << 20)
	return l
}

// testSpace makes an address space, which is checked and freed at the end, unless
// the test has put it: then kswapd may drop it, so the struct is kept until here.
func testSpace(t testing.TB) *MM {
	t.Helper()
	m := MMAlloc(noLimits())
	if m == nil {
		t.Fatal("no memory for an mm")
	}
	MMGrab(m)
	kept = append(kept, m)
	t.Cleanup(func() {
		if m.mmUsers.Load() > 0 {
			CheckInvariants(m)
			MMPut(m)
		}
		dropKept()
	})
	return m
}

// kept are the spaces whose struct, and with it the top page table, testSpace keeps
// for what a test still wants to read of them.
var kept []*MM

// dropKept lets go of those that no program has any more.
func dropKept() {
	kept = slices.DeleteFunc(kept, func(m *MM) bool {
		if m.mmUsers.Load() > 0 {
			return false
		}
		MMDrop(m)
		return true
	})
}

const (
	pg      = arch.PageSize
	rw      = syscall.PROT_READ | syscall.PROT_WRITE
	private = syscall.MAP_PRIVATE | syscall.MAP_ANON
	shared  = syscall.MAP_SHARED | syscall.MAP_ANON
	fixed   = syscall.MAP_FIXED
)

// The calls, with MmapSem taken.
func (m *MM) tMmap(addr, length uintptr, prot, flags int) (uintptr, syscall.Errno) {
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	return DoMmap(m, nil, addr, length, prot, flags, 0)
}

func (m *MM) tMunmap(addr, length uintptr) syscall.Errno {
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	return DoMunmap(m, addr, length)
}

func (m *MM) tMprotect(addr, length uintptr, prot int) syscall.Errno {
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	return DoMprotect(m, addr, length, prot)
}

func (m *MM) tMremap(addr, old, new uintptr, flags int, to uintptr) (uintptr, syscall.Errno) {
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	return DoMremap(m, addr, old, new, flags, to)
}

func (m *MM) tMlock(addr, length uintptr, flags int) syscall.Errno {
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	return DoMlock(m, addr, length, flags)
}

func (m *MM) tMunlock(addr, length uintptr) syscall.Errno {
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	return DoMunlock(m, addr, length)
}

// poke and peek are a program's accesses on CPU cpu, faults and all.
func (m *MM) poke(cpu int, addr uintptr, v uint64) FaultResult {
	for step("store"); !arch.SoftStore(cpu, &m.Ctx, addr, v); step("store again") {
		if r := HandleFault(m, addr, AccessWrite); r.Failed() {
			return r
		}
	}
	return FaultMinor
}

func (m *MM) peek(cpu int, addr uintptr) (uint64, FaultResult) {
	for {
		step("load")
		if v, ok := arch.SoftLoad(cpu, &m.Ctx, addr); ok {
			return v, FaultMinor
		}
		if r := HandleFault(m, addr, AccessRead); r.Failed() {
			return 0, r
		}
	}
}

func TestMapTouchUnmap(t *testing.T) {
	testMachine(t, 2048)
	free := NrFreePages()
	m := MMAlloc(noLimits())
	addr, e := m.tMmap(0, 100*pg, rw, private)
	if e != 0 {
		t.Fatal(e)
	}
	for i := uintptr(0); i < 100; i++ {
		if v, r := m.peek(0, addr+i*pg); v != 0 || r.Failed() {
			t.Fatal(v, r)
		}
		if r := m.poke(0, addr+i*pg, uint64(i)+1); r.Failed() {
			t.Fatal(r)
		}
	}
	for i := uintptr(0); i < 100; i++ {
		if v, _ := m.peek(1, addr+i*pg); v != uint64(i)+1 {
			t.Fatalf("page %d: %d", i, v)
		}
	}
	CheckInvariants(m)
	if m.RSS.Load() != 100 || m.AnonRSS.Load() != 100 {
		t.Fatal("rss", m.RSS.Load(), m.AnonRSS.Load())
	}
	c, e := DupMM(m, noLimits())
	if e != 0 {
		t.Fatal(e)
	}
	CheckInvariants(m)
	CheckInvariants(c)
	if r := c.poke(1, addr, 77); r.Failed() {
		t.Fatal(r)
	}
	if v, _ := m.peek(0, addr); v != 1 {
		t.Fatal("parent sees the child's write", v)
	}
	if v, _ := c.peek(0, addr+pg); v != 2 {
		t.Fatal("child does not see the parent's page", v)
	}
	CheckInvariants(c)
	MMPut(c)
	if e := m.tMunmap(addr, 100*pg); e != 0 {
		t.Fatal(e)
	}
	CheckInvariants(m)
	if _, r := m.peek(1, addr); r != FaultMapErr {
		t.Fatal("unmapped page is still there", r)
	}
	MMPut(m)
	if n := NrFreePages(); n != free {
		t.Fatalf("%d frames lost", free-n)
	}
}
