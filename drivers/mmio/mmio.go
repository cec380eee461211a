// Package mmio reads and writes device registers that lie in memory. Each
// access is one load or store of the register's own width, in program order:
// the accessors are not inlined, so the compiler can neither merge, drop nor
// reorder them, and x86 does not reorder uncached accesses.
//
// It owns nothing and takes no lock. Callers are the drivers of devices found
// through drivers/pci.
package mmio

import "unsafe"

// Region is a mapped block of registers.
type Region struct {
	base uintptr
	size uint32
}

// At returns the region of size bytes that is mapped at base.
func At(base uintptr, size uint32) Region { return Region{base, size} }

// Size returns the length of the region in bytes.
func (r Region) Size() uint32 { return r.size }

// pointer checks that a register of width bytes at off is in the region. The
// address is memory the Go heap knows nothing of, hence the detour round the
// conversion that vet rightly suspects elsewhere.
func (r Region) pointer(off, width uint32) unsafe.Pointer {
	if off > r.size || r.size-off < width {
		panic("mmio: register outside its region")
	}
	addr := r.base + uintptr(off)
	return *(*unsafe.Pointer)(unsafe.Pointer(&addr))
}

// Read8 reads the byte register at off.
//
//go:noinline
func (r Region) Read8(off uint32) uint8 { return *(*uint8)(r.pointer(off, 1)) }

// Read16 reads the 16-bit register at off.
//
//go:noinline
func (r Region) Read16(off uint32) uint16 { return *(*uint16)(r.pointer(off, 2)) }

// Read32 reads the 32-bit register at off.
//
//go:noinline
func (r Region) Read32(off uint32) uint32 { return *(*uint32)(r.pointer(off, 4)) }

// Write8 writes the byte register at off.
//
//go:noinline
func (r Region) Write8(off uint32, v uint8) { *(*uint8)(r.pointer(off, 1)) = v }

// Write16 writes the 16-bit register at off.
//
//go:noinline
func (r Region) Write16(off uint32, v uint16) { *(*uint16)(r.pointer(off, 2)) = v }

// Write32 writes the 32-bit register at off.
//
//go:noinline
func (r Region) Write32(off uint32, v uint32) { *(*uint32)(r.pointer(off, 4)) = v }
