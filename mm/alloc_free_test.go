package mm

import (
	"testing"

	"yolk/arch"
)

// TestFaultsAllocateNothing: the Go heap of the kernel is small, and a fault may
// come when it is empty.
func TestFaultsAllocateNothing(t *testing.T) {
	swapMachine(t, 512, 4000)
	m := testSpace(t)
	const pages = 1500
	addr := mustMmap(t, m, pages)
	i := uintptr(0)
	check := func(what string, runs int, f func()) {
		t.Helper()
		if n := testing.AllocsPerRun(runs, f); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
	check("read of a new page", 200, func() { m.peek(0, addr+i*pg); i++ })
	i = 0
	check("write to the zero page", 200, func() { m.poke(0, addr+i*pg, 1); i++ })
	check("write to a new page, with stealing", 1000, func() { m.poke(0, addr+i*pg, 1); i++ })
	i = 0
	var buf [64]byte
	check("copies to and from a program, with swapping", 1000, func() {
		CopyToUser(m, addr+i*pg, buf[:])
		CopyFromUser(m, buf[:], addr+i*pg)
		i++
	})
}

// BenchmarkFault is a fault that fills a page.
func BenchmarkFault(b *testing.B) {
	testMachine(b, 4096)
	m := testSpace(b)
	const pages = 2048
	addr := mustMmap(b, m, pages)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%pages == 0 {
			b.StopTimer()
			m.MmapSem.Lock()
			zapPageRange(m, addr, addr+pages*pg)
			m.MmapSem.Unlock()
			b.StartTimer()
		}
		HandleFault(m, addr+uintptr(n%pages)*arch.PageSize, AccessWrite)
	}
}

// BenchmarkSwap is a fault on one of more pages than memory holds: a page is stolen
// and written, and another read.
func BenchmarkSwap(b *testing.B) {
	swapMachine(b, 512, 4000)
	m := testSpace(b)
	const pages = 1500
	addr := mustMmap(b, m, pages)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		m.poke(0, addr+uintptr(n%pages)*pg, 1)
	}
}

// BenchmarkMmapMunmap maps, touches and unmaps a page.
func BenchmarkMmapMunmap(b *testing.B) {
	testMachine(b, 1024)
	m := testSpace(b)
	b.ReportAllocs()
	for b.Loop() {
		addr := mustMmap(b, m, 1)
		HandleFault(m, addr, AccessWrite)
		m.tMunmap(addr, pg)
	}
}
