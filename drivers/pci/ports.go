//go:build yolk

package pci

import "yolk/arch"

const (
	portAddress = 0xcf8
	portData    = 0xcfc
	portEnable  = 1 << 31
)

// Ports is configuration space through the address and data ports of the host
// bridge. Two goroutines must not use it at once: see the package comment.
type Ports struct{}

func selectRegister(a Address, off uint8) {
	arch.Out32(portAddress, portEnable|uint32(a.Bus)<<16|uint32(a.Dev&31)<<11|uint32(a.Fn&7)<<8|uint32(off&^3))
}

// Read32 reads the register at off of the function at a.
func (Ports) Read32(a Address, off uint8) uint32 {
	selectRegister(a, off)
	return arch.In32(portData)
}

// Write32 writes the register at off of the function at a.
func (Ports) Write32(a Address, off uint8, v uint32) {
	selectRegister(a, off)
	arch.Out32(portData, v)
}

var functions []*Function

// Functions scans the buses on the first call, and returns what it found.
func Functions() []*Function {
	if functions == nil {
		functions = Scan(Ports{})
	}
	return functions
}
