package mm

import (
	"bytes"
	"strings"
	"syscall"
	"testing"

	"yolk/arch"
	"yolk/arch/pt"
)

// specialPair maps two special mappings, data and code, into m.
func specialPair(t *testing.T, m *MM) (data, code *SpecialMapping, at uintptr) {
	t.Helper()
	data, code = NewSpecialMapping("[data]", false), NewSpecialMapping("[code]", true)
	if data == nil || code == nil {
		t.Fatal("no memory")
	}
	copy(data.Bytes(), "data")
	copy(code.Bytes(), "code")
	m.MmapSem.Lock()
	at, e := InstallSpecialMappings(m, 0, data, code)
	m.MmapSem.Unlock()
	if e != 0 {
		t.Fatal(e)
	}
	return data, code, at
}

func specialRead(t *testing.T, m *MM, addr uintptr) string {
	t.Helper()
	var b [4]byte
	if e := CopyFromUser(m, b[:], addr); e != 0 {
		t.Fatalf("read of %#x: %v", addr, e)
	}
	return string(b[:])
}

// TestSpecialMapping: programs read both pages and write neither, the kernel's
// writes show, maps has their names, and limits and locks pass them by.
func TestSpecialMapping(t *testing.T) {
	testMachine(t, 512)
	m := testSpace(t)
	data, _, at := specialPair(t, m)
	code := at + arch.PageSize
	if specialRead(t, m, at) != "data" || specialRead(t, m, code) != "code" {
		t.Error("contents")
	}
	copy(data.Bytes(), "new!")
	if specialRead(t, m, at) != "new!" {
		t.Error("what the kernel writes does not show")
	}
	for _, addr := range []uintptr{at, code} {
		if e := CopyToUser(m, addr, []byte("x")); e != syscall.EFAULT {
			t.Errorf("write to %#x: %v", addr, e)
		}
	}
	if HandleFault(m, at, AccessExec) != FaultAccErr || HandleFault(m, code, AccessExec).Failed() {
		t.Error("the code is not executable, or the data is")
	}
	var maps bytes.Buffer
	allMaps(&maps, m, AppendMaps)
	for _, want := range []string{" r--p 00000000 00:00 0 ", "[data]\n", " r-xp 00000000 00:00 0 ", "[code]\n"} {
		if !strings.Contains(maps.String(), want) {
			t.Errorf("no %q in\n%s", want, maps.String())
		}
	}
	m.MmapSem.Lock()
	if e := DoMlock(m, at, 2*arch.PageSize, 0); e != 0 {
		t.Errorf("mlock: %v", e)
	}
	if e := DoMlockall(m, MclCurrent); e != 0 {
		t.Errorf("mlockall: %v", e)
	}
	if m.lockedVM != 0 {
		t.Errorf("%d pages locked", m.lockedVM)
	}
	m.MmapSem.Unlock()
	CheckInvariants(m)
}

// TestSpecialNotStolen: a stealer that goes over the address space leaves both
// pages where they are.
func TestSpecialNotStolen(t *testing.T) {
	testMachine(t, 512)
	m := testSpace(t)
	data, code, at := specialPair(t, m)
	specialRead(t, m, at)
	specialRead(t, m, at+arch.PageSize)
	for range 3 { // the first takes the accessed bits
		stealFrom(m, GFPUser)
	}
	m.PageTableLock.Lock()
	for i, s := range []*SpecialMapping{data, code} {
		if e := loadPTE(lookupPTE(m, at+uintptr(i)*arch.PageSize)); !e.Present() || e.PFN() != s.PFN() {
			t.Errorf("pte of page %d is %#x", i, uint64(e))
		}
	}
	m.PageTableLock.Unlock()
	CheckInvariants(m)
}

// TestSpecialPoke: a debugger writes to its program's own copy of the code, with
// the rest of the page in it, and to the data not at all.
func TestSpecialPoke(t *testing.T) {
	testMachine(t, 512)
	for _, touched := range []bool{false, true} {
		m, other := testSpace(t), testSpace(t)
		_, code, at := specialPair(t, m)
		other.MmapSem.Lock()
		elsewhere, e := InstallSpecialMappings(other, 0, code)
		other.MmapSem.Unlock()
		if e != 0 {
			t.Fatal(e)
		}
		if touched {
			specialRead(t, m, at+arch.PageSize)
		}
		if n := AccessProcessVM(m, at+arch.PageSize, []byte{0xcc}, true); n != 1 {
			t.Fatalf("poked %d bytes", n)
		}
		if got := specialRead(t, m, at+arch.PageSize); got != "\xccode" {
			t.Errorf("the program sees %q", got)
		}
		if got := specialRead(t, other, elsewhere); got != "code" || string(code.Bytes()[:4]) != "code" {
			t.Errorf("another program sees %q", got)
		}
		if n := AccessProcessVM(m, at, []byte{0}, true); n != 0 {
			t.Error("the data can be written")
		}
		CheckInvariants(m)
	}
}

// TestSpecialForkMoveUnmap: a child has the mappings too; they can be moved as they
// are, but not grow, and be unmapped.
func TestSpecialForkMoveUnmap(t *testing.T) {
	testMachine(t, 512)
	m := testSpace(t)
	_, _, at := specialPair(t, m)
	specialRead(t, m, at)
	child, e := DupMM(m, m.Limits)
	if e != 0 {
		t.Fatal(e)
	}
	if specialRead(t, child, at) != "data" || specialRead(t, child, at+arch.PageSize) != "code" {
		t.Error("contents in the child")
	}
	const to = 0x10000000
	child.MmapSem.Lock()
	if _, e := DoMremap(child, at, arch.PageSize, 2*arch.PageSize, MremapMayMove, 0); e != syscall.EFAULT {
		t.Errorf("growing: %v", e)
	}
	for i := range uintptr(2) {
		off := i * arch.PageSize
		if got, e := DoMremap(child, at+off, arch.PageSize, arch.PageSize, MremapMayMove|MremapFixed, to+off); e != 0 || got != to+off {
			t.Errorf("moving: %#x, %v", got, e)
		}
	}
	child.MmapSem.Unlock()
	if specialRead(t, child, to) != "data" || specialRead(t, child, to+arch.PageSize) != "code" {
		t.Error("contents after the move")
	}
	CheckInvariants(child)
	child.MmapSem.Lock()
	if e := DoMunmap(child, to, 2*arch.PageSize); e != 0 || child.mmap != nil || child.RSS.Load() != 0 {
		t.Errorf("munmap: %v; rss %d", e, child.RSS.Load())
	}
	child.MmapSem.Unlock()
	if HandleFault(child, to, AccessRead) != FaultMapErr {
		t.Error("still there")
	}
	MMPut(child)
	if pteOf(m, at)&pt.Present == 0 {
		t.Error("the parent has lost its page")
	}
}

// TestSpecialInCore: a core file has the code, whether the program used it or not,
// and not the data.
func TestSpecialInCore(t *testing.T) {
	testMachine(t, 512)
	m := testSpace(t)
	_, _, at := specialPair(t, m)
	segments := CoreSegments(m, 0)
	if len(segments) != 2 || segments[0].Dump != 0 || segments[1].Dump != arch.PageSize {
		t.Errorf("segments %+v", segments)
	}
	var page [arch.PageSize]byte
	if !CorePage(m, at+arch.PageSize, &page) || string(page[:4]) != "code" {
		t.Errorf("page %q", page[:4])
	}
}
