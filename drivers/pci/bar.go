package pci

const (
	barIO       = 1 << 0
	barTypeMask = 3 << 1
	barType64   = 2 << 1
	barFlags    = 0xf

	commandDecode = 3 // answer port and memory accesses
)

// BAR is one memory window of a function.
type BAR struct {
	Phys uint64 // physical address
	Size uint64 // bytes
}

// BAR decodes memory window i (0..5), 32 or 64 bits wide. It returns false if
// the function has no such window, if it is a window of ports (modern devices
// need none), if the firmware has given it no address, or if register i is the
// upper half of the one before.
func (f *Function) BAR(i int) (BAR, bool) {
	for n := 0; n < f.bars; n++ {
		wide := f.wideBAR(n)
		if n == i {
			// Sizing turns decoding off: once only, before anybody uses the window.
			if s := &f.sized[n]; !s.done {
				s.bar, s.ok = f.memoryBAR(n, wide)
				s.done = true
			}
			return f.sized[n].bar, f.sized[n].ok
		}
		if wide {
			n++
		}
	}
	return BAR{}, false
}

func (f *Function) wideBAR(i int) bool {
	low := f.Read32(regBAR0 + uint8(4*i))
	return low&(barIO|barTypeMask) == barType64 && i < f.bars-1
}

// memoryBAR sizes a window: it writes all ones, reads back which bits stuck,
// and restores the address, with decoding off meanwhile.
func (f *Function) memoryBAR(i int, wide bool) (BAR, bool) {
	off := regBAR0 + uint8(4*i)
	low := f.Read32(off)
	if low&barIO != 0 {
		return BAR{}, false
	}
	cmd := f.Read32(regCommand) & 0xffff // the status half is write-1-to-clear
	f.Write32(regCommand, cmd&^commandDecode)
	phys := uint64(low &^ barFlags)
	mask := uint64(f.stickyBits(off, low)&^barFlags) | 0xffffffff<<32
	if wide {
		high := f.Read32(off + 4)
		phys |= uint64(high) << 32
		mask = mask&0xffffffff | uint64(f.stickyBits(off+4, high))<<32
	}
	f.Write32(regCommand, cmd)

	absent := uint32(mask) == 0 && (!wide || mask == 0)
	if absent || phys == 0 {
		return BAR{}, false
	}
	return BAR{Phys: phys, Size: -mask}, true
}

func (f *Function) stickyBits(off uint8, restore uint32) uint32 {
	f.Write32(off, ^uint32(0))
	bits := f.Read32(off)
	f.Write32(off, restore)
	return bits
}
