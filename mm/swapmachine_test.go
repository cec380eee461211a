package mm

import (
	"encoding/binary"
	"syscall"
	"testing"
	"time"

	"yolk/arch"
	"yolk/drivers/blk"
	"yolk/drivers/memdisk"
)

// swapDisk makes a formatted swap device of the given number of usable slots.
func swapDisk(name string, slots int, bad ...uint32) *memdisk.Disk {
	d := memdisk.New(name, uint64(slots+1)*sectorsPerPage)
	hdr := make([]byte, arch.PageSize)
	le := binary.LittleEndian
	le.PutUint32(hdr[hdrVersion:], 1)
	le.PutUint32(hdr[hdrLastPage:], uint32(slots))
	le.PutUint32(hdr[hdrNrBad:], uint32(len(bad)))
	for i, b := range bad {
		le.PutUint32(hdr[hdrBadPages+4*i:], b)
	}
	copy(hdr[arch.PageSize-len(swapMagic):], swapMagic)
	d.WriteAt(hdr, 0)
	return d
}

// swapMachine is a machine with kswapd running and one swap device.
func swapMachine(t testing.TB, frames, slots int) *memdisk.Disk {
	t.Helper()
	arch.InitSoft(frames, 4)
	Init(Config{DMAEnd: 0x100 + arch.PFN(frames/4)})
	return startSwap(t, slots)
}

// bigmemMachine is a swapMachine of 1024 frames, half of which the disk cannot reach.
func bigmemMachine(t testing.TB, slots int) {
	t.Helper()
	arch.InitSoft(1024, 2)
	Init(Config{DMAEnd: 0x100 + 128, BigmemFrames: 512})
	startSwap(t, slots)
}

func startSwap(t testing.TB, slots int) *memdisk.Disk {
	t.Helper()
	d := swapDisk("swap", slots)
	if e := SwapOn(d, -1); e != 0 {
		t.Fatal("swapon:", e)
	}
	StartKswapd()
	t.Cleanup(stopMachine)
	return d
}

// stopMachine ends kswapd and waits for the disks, before the next test's machine.
func stopMachine() {
	StopKswapd()
	for waitForWrites() {
	}
	for i := range readIOs {
		for readIOs[i].busy.Load() {
			time.Sleep(time.Millisecond)
		}
	}
}

// pattern is what page i of a test's memory holds in word w.
func pattern(seed, i, w uint64) uint64 { return (seed<<40 | i<<8 | w) * 0x9e3779b97f4a7c15 }

// fill writes each page's pattern, verify reads it back: the first and last word.
func fill(t testing.TB, m *MM, cpu int, addr uintptr, pages int, seed uint64) {
	t.Helper()
	for i := range uint64(pages) {
		for _, w := range [...]uint64{0, 511} {
			if r := m.poke(cpu, addr+uintptr(i)*pg+uintptr(w)*8, pattern(seed, i, w)); r.Failed() {
				t.Fatalf("write to page %d: %v", i, r)
			}
		}
	}
}

func verify(t testing.TB, m *MM, cpu int, addr uintptr, pages int, seed uint64) {
	t.Helper()
	for i := range uint64(pages) {
		for _, w := range [...]uint64{0, 511} {
			v, r := m.peek(cpu, addr+uintptr(i)*pg+uintptr(w)*8)
			if r.Failed() {
				t.Fatalf("read of page %d: %v", i, r)
			}
			if v != pattern(seed, i, w) {
				t.Fatalf("page %d word %d: %#x, want %#x", i, w, v, pattern(seed, i, w))
			}
		}
	}
}

// settle waits for writes in flight and empties the page cache as far as it
// goes; a page that kswapd just looks at takes another try.
func settle(t testing.TB) {
	t.Helper()
	for range 50 {
		for waitForWrites() {
		}
		for shrinkMmap(0, GFPUser, 1<<20) > 0 {
		}
		if swapperSpace.Pages() == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func mustMmap(t testing.TB, m *MM, pages int) uintptr {
	t.Helper()
	addr, e := m.tMmap(0, uintptr(pages)*pg, rw, private)
	if e != 0 {
		t.Fatal("mmap:", e)
	}
	return addr
}

// checkEmptySwap expects every slot to be free, once kswapd has put down what it holds.
func checkEmptySwap(t *testing.T, slots int) {
	t.Helper()
	waitEmptySwap(t, func() int { return slots })
}

// waitEmptySwap is checkEmptySwap for a number of slots that may still fall.
func waitEmptySwap(t *testing.T, slots func() int) {
	t.Helper()
	for range 2000 {
		settle(t)
		if NrSwapPages() == slots() && swapperSpace.Pages() == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d slots free at the end, want %d", NrSwapPages(), slots())
	if pfn := swapperSpace.pages; pfn != 0 {
		p := PageOf(pfn)
		t.Errorf("%d pages left in the swap cache, first: flags %#x count %d slot %d", swapperSpace.Pages(),
			p.flags.Load(), p.Count(), SwapCount(SwapEntry(p.index)))
	}
}

// failReads reads a settled working set from a disk that cannot be read. Readers
// get SIGBUS, or the contents; afterwards the disk is sound again.
func failReads(t testing.TB, d *memdisk.Disk, m *MM, addr uintptr, pages int, seed uint64) {
	t.Helper()
	d.SetFault(func(op blk.Op, _ uint64) syscall.Errno {
		if op == blk.Read {
			return syscall.EIO
		}
		return 0
	})
	defer d.SetFault(nil)
	bus := 0
	for i := range uint64(pages) {
		switch v, r := m.peek(0, addr+uintptr(i)*pg); {
		case r == FaultBus:
			bus++
		case r.Failed() || v != pattern(seed, i, 0):
			t.Fatalf("page %d: %v %#x", i, r, v)
		}
	}
	if bus == 0 {
		t.Error("no read failed")
	}
}

// onAndOff takes a further swap area, of a high priority, into use and out of it
// until it is stopped. ENOMEM, for there is not always room elsewhere, is no fault.
func onAndOff(t testing.TB, d *memdisk.Disk, stopped func() bool) {
	for !stopped() {
		if e := SwapOn(d, 10); e != 0 {
			t.Error("swapon:", e)
			return
		}
		time.Sleep(3 * time.Millisecond)
		for e := SwapOff(d.Name()); e != 0; e = SwapOff(d.Name()) {
			if e != syscall.ENOMEM {
				t.Error("swapoff:", e)
				return
			}
		}
	}
}
