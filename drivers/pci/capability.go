package pci

// Capability identifiers.
const (
	CapVendor = 0x09
	CapMSIX   = 0x11
)

// Capability is one entry of a function's capability list.
type Capability struct {
	ID  uint8
	Off uint8 // of its first register in configuration space
}

// Capabilities returns the function's list, in its order. A list that loops or
// leaves configuration space ends where it does.
func (f *Function) Capabilities() []Capability {
	if f.Read32(regCommand)>>16&statusCapList == 0 {
		return nil
	}
	var caps []Capability
	var seen [256]bool
	off := uint8(f.Read32(regCapPointer)) &^ 3
	for off >= 0x40 && !seen[off] {
		seen[off] = true
		v := f.Read32(off)
		caps = append(caps, Capability{ID: uint8(v), Off: off})
		off = uint8(v>>8) &^ 3
	}
	return caps
}

// Byte reads the byte at off of configuration space.
func (f *Function) Byte(off uint8) uint8 {
	return uint8(f.Read32(off&^3) >> (8 * (off & 3)))
}
