package pci

const (
	barIO       = 1 << 0
	barTypeMask = 3 << 1
	barType64   = 2 << 1
	barFlags    = 0xf
)

// BAR returns the physical address of memory window i (0..5), 32 or 64 bits wide.
// It returns false if the function has no such window, if it is a window of ports
// (modern devices need none), if the firmware has given it no address, or if
// register i is the upper half of the one before.
//
// How large a window is, only writing to its register would tell, with its
// decoding off meanwhile. Virtio's capabilities give the length of each part they
// name, and that is enough: a change of the memory map while other CPUs run is a
// thing to keep away from. (QEMU 7.2 may then send an access of theirs, to their
// own local APIC say, to whatever stands in its place in the new map.)
func (f *Function) BAR(i int) (phys uint64, ok bool) {
	for n := 0; n < f.bars; n++ {
		low := f.Read32(regBAR0 + uint8(4*n))
		wide := low&(barIO|barTypeMask) == barType64 && n < f.bars-1
		if n == i {
			phys = uint64(low &^ barFlags)
			if wide {
				phys |= uint64(f.Read32(regBAR0+uint8(4*n)+4)) << 32
			}
			return phys, low&barIO == 0 && phys != 0
		}
		if wide {
			n++
		}
	}
	return 0, false
}
