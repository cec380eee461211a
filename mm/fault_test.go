package mm

import (
	"syscall"
	"testing"

	"yolk/arch"
)

// TestFaults: what each access to each kind of mapping gives.
func TestFaults(t *testing.T) {
	const (
		none  = 0
		ro    = syscall.PROT_READ
		wo    = syscall.PROT_WRITE
		rx    = syscall.PROT_READ | syscall.PROT_EXEC
		ok    = FaultMinor
		major = FaultMajor
		acc   = FaultAccErr
	)
	for _, c := range []struct {
		name              string
		prot, flags       int
		file              bool
		read, write, exec FaultResult
	}{
		{"none", none, private, false, acc, acc, acc},
		{"read", ro, private, false, ok, acc, acc},
		{"write", wo, private, false, ok, ok, acc},
		{"read write", rw, private, false, ok, ok, acc},
		{"read exec", rx, private, false, ok, acc, ok},
		{"shared", rw, shared, false, ok, ok, acc},
		{"shared read", ro, shared, false, ok, acc, acc},
		{"file", rw, syscall.MAP_PRIVATE, true, major, major, acc},
		{"file read", ro, syscall.MAP_PRIVATE, true, major, acc, acc},
	} {
		t.Run(c.name, func(t *testing.T) {
			testMachine(t, 512)
			for access, want := range []FaultResult{c.read, c.write, c.exec} {
				m := testSpace(t)
				var file File
				if c.file {
					file = newTestFile(2)
				}
				m.MmapSem.Lock()
				_, e := DoMmap(m, file, base, 4*pg, c.prot, c.flags|fixed, 0)
				m.MmapSem.Unlock()
				if e != 0 {
					t.Fatal(e)
				}
				if got := HandleFault(m, base+pg+8, Access(access)); got != want {
					t.Errorf("access %d gives %d, not %d", access, got, want)
				}
				if got := HandleFault(m, base-1, Access(access)); got != FaultMapErr {
					t.Errorf("below: %d", got)
				}
				if got := HandleFault(m, base+4*pg, Access(access)); got != FaultMapErr {
					t.Errorf("above: %d", got)
				}
				if got := HandleFault(m, base+3*pg, Access(access)); c.file && want != acc && got != FaultBus {
					t.Errorf("beyond the end of the file: %d", got)
				}
			}
		})
	}
	m := testSpace(t)
	for _, addr := range []uintptr{0, 4096, arch.TaskSize - 1, arch.TaskSize, 1 << 63, ^uintptr(0)} {
		if r := HandleFault(m, addr, AccessRead); r != FaultMapErr {
			t.Errorf("%#x: %d", addr, r)
		}
	}
}

func TestZeroPage(t *testing.T) {
	testMachine(t, 512)
	m := testSpace(t)
	m.tMmap(base, 8*pg, rw, private|fixed)
	for i := range uintptr(8) {
		m.peek(0, base+i*pg)
	}
	if m.RSS.Load() != 0 {
		t.Error("ZERO_PAGE is counted")
	}
	m.poke(0, base, 1)
	if v, _ := m.peek(1, base+pg); v != 0 || m.RSS.Load() != 1 || m.AnonRSS.Load() != 1 {
		t.Error("write to ZERO_PAGE:", v, m.RSS.Load(), m.AnonRSS.Load())
	}
}

// TestCOW: after a fork neither sees the other's writes, whoever writes first,
// and the last owner of a page writes without a copy.
func TestCOW(t *testing.T) {
	testMachine(t, 512)
	p := testSpace(t)
	p.tMmap(base, 2*pg, rw, private|fixed)
	p.tMmap(base+2*pg, pg, rw, shared|fixed)
	for i := range uintptr(3) {
		p.poke(0, base+i*pg, 10+uint64(i))
	}
	c, e := DupMM(p, noLimits())
	if e != 0 {
		t.Fatal(e)
	}
	p.poke(0, base, 20) // the stale writable translation of CPU 0 must be gone
	c.poke(1, base+pg, 31)
	c.poke(1, base+2*pg, 32)
	for i, want := range [][2]uint64{{20, 10}, {11, 31}, {32, 32}} {
		addr := base + uintptr(i)*pg
		a, _ := p.peek(0, addr)
		b, _ := c.peek(1, addr)
		if a != want[0] || b != want[1] {
			t.Errorf("page %d: parent %d, child %d, want %v", i, a, b, want)
		}
	}
	CheckInvariants(c)
	c.peek(2, base) // CPU 2 knows the page that CPU 1 is about to copy
	c.poke(1, base, 50)
	if v, _ := c.peek(2, base); v != 50 {
		t.Errorf("another thread still reads %d from the page that was copied", v)
	}
	free := NrFreePages()
	p.poke(0, base+pg, 41)
	c.poke(1, base, 40)
	if n := NrFreePages(); n != free {
		t.Errorf("the last owner of a page copied it: %d frames", free-n)
	}
	MMPut(c)
}

// TestProtectionTakesEffect: a translation that a CPU holds does not outlive mprotect.
func TestProtectionTakesEffect(t *testing.T) {
	testMachine(t, 512)
	m := testSpace(t)
	m.tMmap(base, pg, rw, private|fixed)
	m.poke(1, base, 5)
	m.tMprotect(base, pg, syscall.PROT_READ)
	if arch.SoftStore(1, &m.Ctx, base, 6) {
		t.Error("store to a read-only page")
	}
	m.tMprotect(base, pg, 0)
	if _, ok := arch.SoftLoad(1, &m.Ctx, base); ok {
		t.Error("load from a no-access page")
	}
	if m.RSS.Load() != 1 {
		t.Error("the hidden page is not counted")
	}
	m.tMprotect(base, pg, rw)
	if v, _ := m.peek(1, base); v != 5 {
		t.Error("the page lost its contents:", v)
	}
	m.poke(1, base, 7)
	m.tMunmap(base, pg)
	if _, ok := arch.SoftLoad(1, &m.Ctx, base); ok {
		t.Error("load from an unmapped page")
	}
}

func TestStack(t *testing.T) {
	testMachine(t, 1024)
	const top = uintptr(1) << 40
	newStack := func() *MM {
		m := testSpace(t)
		m.Limits.Stack.Store(64 * pg)
		if e := SetupArgPages(m, top, 2*pg); e != 0 {
			t.Fatal(e)
		}
		return m
	}
	m := newStack()
	for i, want := range map[uintptr]FaultResult{1: FaultMinor, 2: FaultMinor, 64: FaultMinor, 65: FaultMapErr} {
		if r := m.poke(0, top-i*pg, 1); r != want {
			t.Errorf("%d pages down: %d, not %d", i, r, want)
		}
	}
	for _, c := range []struct {
		name  string
		prot  int
		below uintptr // where the mapping below ends, in pages from the top
		want  FaultResult
	}{
		{"at the gap", rw, 3 + 256, FaultMinor},
		{"in the gap", rw, 3 + 255, FaultMapErr},
		{"no access in the gap", 0, 3 + 10, FaultMinor},
		{"no access in the way", 0, 2, FaultAccErr},
	} {
		m := newStack()
		if _, e := m.tMmap(top-(c.below+1)*pg, pg, c.prot, private|fixed); e != 0 {
			t.Fatal(e)
		}
		if r := m.poke(0, top-3*pg, 1); r != c.want {
			t.Errorf("%s: %d, not %d", c.name, r, c.want)
		}
	}
	m = newStack()
	m.Limits.AS.Store(uint64(m.totalVM)*pg + pg)
	if r := m.poke(0, top-4*pg, 1); r != FaultMapErr {
		t.Error("growth beyond RLIMIT_AS:", r)
	}
}

func TestBrk(t *testing.T) {
	testMachine(t, 512)
	m := testSpace(t)
	SetBrk(m, base)
	brk := func(to, want uintptr) {
		t.Helper()
		m.MmapSem.Lock()
		got := SysBrk(m, to)
		m.MmapSem.Unlock()
		CheckInvariants(m)
		if got != want {
			t.Errorf("brk(base+%#x) is base+%#x, not base+%#x", to-base, got-base, want-base)
		}
	}
	brk(0, base)
	brk(base+200, base+200)
	if r := m.poke(0, base+192, 1); r != FaultMinor {
		t.Error("heap:", r)
	}
	brk(base+10*pg+1, base+10*pg+1)
	if s := show(m); s != "0-11 rw" {
		t.Error("list", s)
	}
	brk(base-1, base+10*pg+1) // below the start
	m.tMmap(base+20*pg, pg, rw, private|fixed)
	brk(base+20*pg, base+10*pg+1) // would touch the next mapping
	brk(base+19*pg, base+19*pg)
	m.Limits.Data.Store(15 * pg)
	brk(base+19*pg+1, base+19*pg)
	brk(base+5*pg, base+5*pg)
	m.tMunmap(base+2*pg, 3*pg)
	brk(base+3*pg, base+5*pg) // over what is not there
	brk(base+pg, base+pg)
	m.Limits.Data.Store(0)
	brk(base, base)
	brk(base+1, base)
}

// TestUserCopy: copies resolve faults, stop where a program would, and see one
// page at a time.
func TestUserCopy(t *testing.T) {
	testMachine(t, 512)
	m := testSpace(t)
	m.tMmap(base, 2*pg, rw, private|fixed)
	m.tMmap(base+2*pg, pg, syscall.PROT_READ, private|fixed)
	msg := []byte("hello, world")
	buf := make([]byte, len(msg))
	for _, c := range []struct {
		addr      uintptr
		out, back syscall.Errno
	}{
		{base, 0, 0}, {base + pg - 5, 0, 0}, {base + 2*pg - 5, syscall.EFAULT, 0}, {base + 3*pg - 5, syscall.EFAULT, syscall.EFAULT},
		{0, syscall.EFAULT, syscall.EFAULT}, {arch.TaskSize - 4, syscall.EFAULT, syscall.EFAULT},
		{1 << 63, syscall.EFAULT, syscall.EFAULT}, {^uintptr(0) - 4, syscall.EFAULT, syscall.EFAULT},
	} {
		if e := CopyToUser(m, c.addr, msg); e != c.out {
			t.Errorf("to %#x: %v, not %v", c.addr, e, c.out)
		}
		e := CopyFromUser(m, buf, c.addr)
		if e != c.back {
			t.Errorf("from %#x: %v, not %v", c.addr, e, c.back)
		}
		if c.out == 0 && string(buf) != string(msg) {
			t.Errorf("%#x: %q", c.addr, buf)
		}
	}
	CopyToUser(m, base+2*pg-4, []byte("abc\x00"))
	if n, e := CopyStringFromUser(m, base+2*pg-4, buf); n != 3 || e != 0 {
		t.Error("string at the end of a page:", n, e)
	}
	CopyToUser(m, base, []byte("0123456789abcdef"))
	if _, e := CopyStringFromUser(m, base, buf); e != syscall.ENAMETOOLONG {
		t.Error("string without an end:", e)
	}
	if e := ClearUser(m, base+1, 2*pg-2); e != 0 {
		t.Error(e)
	}
	if ok, e := CompareAndSwapUser32(m, base+4, 0, 9); !ok || e != 0 {
		t.Error("compare and swap:", ok, e)
	}
	if v, e := LoadUser32(m, base+4); v != 9 || e != 0 {
		t.Error("load:", v, e)
	}
	if n := AccessProcessVM(m, base+3*pg-3, buf, false); n != 3 {
		t.Error("AccessProcessVM reads", n)
	}
	if n := AccessProcessVM(m, base+2*pg, []byte("poked"), true); n != 5 {
		t.Error("AccessProcessVM writes", n)
	}
	if arch.SoftStore(0, &m.Ctx, base+2*pg, 1) {
		t.Error("a forced write left the page writable")
	}
	if v, _ := m.peek(0, base+2*pg); byte(v) != 'p' {
		t.Error("a forced write was lost")
	}
}
