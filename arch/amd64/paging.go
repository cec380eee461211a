package amd64

import (
	"sync/atomic"

	"yolk/arch/pt"
)

// MMContext is what the CPU side must know of an address space.
type MMContext struct {
	PGD  pt.PFN
	cr3  uint64
	cpus uint64 // bit per CPU that has cr3 loaded; changed by entry code
}

const (
	kernelData = pt.Present | pt.Write | pt.NX | pt.Global | pt.Accessed | pt.Dirty
	kernelRO   = pt.Present | pt.NX | pt.Global | pt.Accessed
	kernelText = pt.Present | pt.Global | pt.Accessed
	tableBits  = pt.Present | pt.Write | pt.Accessed
)

// walk returns the entry of va at the level (0 is the page, 1 the 2 MiB entry),
// making tables on the way from frame(); nil when frame has none left.
func walk(pgd pt.PFN, va uintptr, level uint, frame func() pt.PFN) *uint64 {
	t := table(pgd)
	for l := uint(3); ; l-- {
		e := &t[va>>(12+9*l)&511]
		if l == level {
			return e
		}
		if *e&uint64(pt.Present) == 0 {
			f := frame()
			if f == 0 {
				return nil
			}
			*e = uint64(pt.Make(f, tableBits))
		}
		t = table(pt.PTE(*e).PFN())
	}
}

// buildTables makes the kernel's own page tables: text read-only, data not
// executable, guard pages below stacks, all RAM in the direct map.
func buildTables() {
	kernelPGD = earlyFrame()
	top := table(kernelPGD)
	for _, slot := range [...]int{heapSlot, directSlot, mmioSlot, stackSlot, imageSlot} {
		top[slot] = uint64(pt.Make(earlyFrame(), tableBits))
	}
	text, etext := syms.text&^4095, (syms.etext+4095)&^4095
	rodata, erodata := syms.rodata&^4095, (syms.erodata+4095)&^4095
	first, last := syms.text&^4095-pt.PageSize, (syms.end+4095)&^4095
	for va := first; va < last; va += pt.PageSize {
		bits := kernelData
		switch {
		case va >= text && va < etext:
			bits = kernelText
		case va >= rodata && va < erodata, va < text:
			bits = kernelRO
		}
		*walk(kernelPGD, va, 0, earlyFrame) = uint64(pt.Make(pt.PFN((va-imageBase)>>12), bits))
	}
	// Direct map: large pages, small ones where the image lies, so that its
	// text has no writable second name.
	small := (uint64(last-imageBase) + largeSize - 1) &^ (largeSize - 1)
	for p := uint64(0); p < small; p += pt.PageSize {
		bits := kernelData
		if va := uintptr(p) + imageBase; va >= first && va < erodata {
			bits = kernelRO
		}
		*walk(kernelPGD, direct(p), 0, earlyFrame) = uint64(pt.Make(pt.PFN(p>>12), bits))
	}
	for i := 0; i < nmapped; i++ {
		start, end := mapped[i][0]&^(largeSize-1), mapped[i][1]
		for p := start; p < end; p += largeSize {
			if p >= small {
				*walk(kernelPGD, direct(p), 1, earlyFrame) = uint64(pt.Make(pt.PFN(p>>12), kernelData|pt.Large))
			}
		}
	}
}

// mapStack maps a stack for CPU cpu and returns its bounds; the page below
// stays unmapped.
func mapStack(cpu, index, size int) (lo, hi uintptr) {
	lo = stackBase + uintptr(cpu)<<20 + uintptr(index)<<17 + pt.PageSize
	for va := lo; va < lo+uintptr(size); va += pt.PageSize {
		*walk(kernelPGD, va, 0, earlyFrame) = uint64(pt.Make(earlyFrame(), kernelData))
	}
	return lo, lo + uintptr(size)
}

var mmioNext uintptr = mmioBase

// mapDevice maps device registers, uncached. Floor lock held, or booting.
func mapDevice(phys, size uint64) uintptr {
	off := uintptr(phys & 4095)
	va := mmioNext
	n := (size + uint64(off) + 4095) &^ 4095
	for p := uint64(0); p < n; p += pt.PageSize {
		e := walk(kernelPGD, va+uintptr(p), 0, takeFrame)
		if e == nil {
			return 0
		}
		*e = uint64(pt.Make(pt.PFN((phys+p)>>12), kernelData|pt.PCD|pt.PWT))
	}
	mmioNext += uintptr(n) + pt.PageSize
	return va + off
}

// MapMMIO maps size bytes of device registers at phys and returns their
// address, 0 when no frame is left for the tables. They stay mapped.
func MapMMIO(phys, size uint64) uintptr {
	return floorCall(callMapMMIO, uintptr(phys), uintptr(size))
}

// InitPGD makes frame pfn the top-level table of c: the kernel half shared,
// the user half empty.
func InitPGD(c *MMContext, pfn pt.PFN) {
	t, k := table(pfn), table(kernelPGD)
	clear(t[:pt.Entries/2])
	copy(t[pt.Entries/2:], k[pt.Entries/2:])
	c.PGD = pfn
	c.cr3 = uint64(pfn) << pt.PageShift
	atomic.StoreUint64(&c.cpus, 0)
}

// ReleasePGD takes c's tables off every CPU that still has them loaded. No CPU
// loads them again: the caller holds the last reference.
func ReleasePGD(c *MMContext) {
	for atomic.LoadUint64(&c.cpus) != 0 {
		shootdown(c, 0, 0, true)
	}
}
