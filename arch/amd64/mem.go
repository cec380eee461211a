package amd64

import (
	"unsafe"

	"yolk/arch/pt"
)

// Where things are in the kernel half; each range has PML4 slots of its own.
const (
	heapBase   = 0xffff800000000000 // the Go heap, backed on first touch
	directBase = 0xffff880000000000 // all RAM
	mmioBase   = 0xffff888000000000 // device registers, uncached
	stackBase  = 0xffff890000000000 // the CPUs' own stacks, with guard pages
	imageBase  = 0xffffffff80000000 // virtual minus physical of the kernel image

	heapSlot   = 256
	directSlot = 272
	mmioSlot   = 273
	stackSlot  = 274
	imageSlot  = 511

	largeShift = 21
	largeSize  = 1 << largeShift
)

// Region is a range of frames, [Start, End).
type Region struct{ Start, End pt.PFN }

var (
	ramRegions [32]Region // usable RAM as the boot loader reports it
	nram       int
	reserved   [8]Region // parts of it that hold something
	nreserved  int

	bump, bumpEnd pt.PFN // early frames are taken from here
	handedOver    bool   // mm owns what is left

	kernelPGD pt.PFN
)

func direct(phys uint64) uintptr { return uintptr(directBase + phys) }

// FrameAddr returns the kernel address of a frame's first byte.
func FrameAddr(pfn pt.PFN) uintptr { return directBase + uintptr(pfn)<<pt.PageShift }

// FramePointer is FrameAddr as a pointer.
func FramePointer(pfn pt.PFN) unsafe.Pointer {
	return ptr(FrameAddr(pfn))
}

// ptr converts an address in a way that vet does not doubt: what lies outside of
// the Go heap never moves.
func ptr(a uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&a)) }

func table(pfn pt.PFN) *[pt.Entries]uint64 { return (*[pt.Entries]uint64)(ptr(FrameAddr(pfn))) }

// earlyFrame takes a zeroed frame before mm owns them.
func earlyFrame() pt.PFN {
	if bump >= bumpEnd {
		die("out of memory while booting")
	}
	p := bump
	bump++
	clearFrame(p)
	return p
}

func clearFrame(p pt.PFN) {
	t := table(p)
	for i := range t {
		t[i] = 0
	}
}

// EarlyAlloc returns the first of n contiguous zeroed frames, 0 when there are
// none. It may be called until Memory has been.
func EarlyAlloc(n int) pt.PFN { return pt.PFN(floorCall(callEarlyAlloc, uintptr(n), 0)) }

func earlyAlloc(n int) pt.PFN {
	if handedOver || int(bumpEnd-bump) < n {
		return 0
	}
	p := bump
	for i := 0; i < n; i++ {
		clearFrame(p + pt.PFN(i))
	}
	bump += pt.PFN(n)
	return p
}

// handOver ends the early allocator. It leaves the reserve of the Go heap with
// HeapTarget frames and room for mem_map, 64 bytes a frame, which mm makes
// before it can give any.
func handOver() pt.PFN {
	if !handedOver {
		n := HeapTarget + int(ramPages()>>6)
		for ; n > 0 && bump < bumpEnd; n-- {
			giveFrame(bump)
			bump++
		}
		handedOver = true
	}
	return bump
}

func ramPages() uint64 {
	n := uint64(0)
	for i := 0; i < nram; i++ {
		n += uint64(ramRegions[i].End - ramRegions[i].Start)
	}
	return n
}

// Memory hands what RAM is left to mm and ends EarlyAlloc.
func Memory() []Region {
	left := Region{pt.PFN(floorCall(callHandOver, 0, 0)), bumpEnd}
	var out []Region
	for _, r := range ramRegions[:nram] {
		if r.End <= lowReserved {
			continue
		}
		if r.Start < lowReserved {
			r.Start = lowReserved
		}
		out = append(out, subtract(r, left)...)
	}
	return out
}

// lowReserved frames stay out of use: firmware data, the boot stub and the
// trampoline of the application processors live there.
const lowReserved = 0x200

// subtract returns the parts of r that are free: outside of what is reserved,
// and of the early allocator's range only what it did not take.
func subtract(r, left Region) []Region {
	free := []Region{r}
	cut := func(hole Region) {
		var next []Region
		for _, f := range free {
			if hole.End <= f.Start || hole.Start >= f.End {
				next = append(next, f)
				continue
			}
			if f.Start < hole.Start {
				next = append(next, Region{f.Start, hole.Start})
			}
			if hole.End < f.End {
				next = append(next, Region{hole.End, f.End})
			}
		}
		free = next
	}
	for _, h := range reserved[:nreserved] {
		cut(h)
	}
	cut(Region{bumpStart, left.Start})
	return free
}

var bumpStart pt.PFN

func reserve(start, end uint64) {
	if nreserved < len(reserved) {
		reserved[nreserved] = Region{pt.PFN(start >> 12), pt.PFN((end + 4095) >> 12)}
		nreserved++
	}
}

// chooseEarly picks the early allocator's range: the largest piece of RAM
// below 1 GiB (what the boot tables map) that nothing is in.
func chooseEarly() {
	var best Region
	for i := 0; i < nram; i++ {
		r := ramRegions[i]
		if r.Start < lowReserved {
			r.Start = lowReserved
		}
		if r.End > 1<<18 {
			r.End = 1 << 18
		}
		for r.Start < r.End {
			// The piece from r.Start to the next reserved start.
			end, next := r.End, r.End
			skip := false
			for j := 0; j < nreserved; j++ {
				h := reserved[j]
				if h.Start <= r.Start && r.Start < h.End {
					r.Start = h.End
					skip = true
					break
				}
				if h.Start > r.Start && h.Start < end {
					end, next = h.Start, h.End
				}
			}
			if skip {
				continue
			}
			if end-r.Start > best.End-best.Start {
				best = Region{r.Start, end}
			}
			r.Start = next
		}
	}
	bump, bumpEnd, bumpStart = best.Start, best.End, best.Start
}
