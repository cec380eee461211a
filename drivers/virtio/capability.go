package virtio

import (
	"syscall"

	"yolk/drivers/pci"
)

// Vendor is the PCI vendor of virtio devices; a modern device of type n has the
// PCI device number DeviceBase+n (4.1.2).
const (
	Vendor     = 0x1af4
	DeviceBase = 0x1040
)

// The register blocks of a device: cfg_type of its capability (4.1.4).
const (
	capCommon = 1
	capNotify = 2
	capDevice = 4
	numCaps   = 5
)

// window says where a register block lies.
type window struct {
	bar        int
	off, len   uint32
	multiplier uint32 // notifications only: bytes between the doorbells
	present    bool
}

// findWindows reads the vendor capabilities of f. Of two for the same block the
// first counts. ENODEV: f is not a modern virtio device; EIO: a block that it
// must have is missing.
func findWindows(f *pci.Function) (w [numCaps]window, err syscall.Errno) {
	if f.Vendor != Vendor || f.Device < DeviceBase {
		return w, syscall.ENODEV
	}
	for _, c := range f.Capabilities() {
		if c.ID != pci.CapVendor || c.Off > 256-20 {
			continue
		}
		kind := f.Byte(c.Off + 3)
		if kind >= numCaps || w[kind].present {
			continue
		}
		w[kind] = window{
			bar:     int(f.Byte(c.Off + 4)),
			off:     f.Read32(c.Off + 8),
			len:     f.Read32(c.Off + 12),
			present: true,
		}
		if kind == capNotify {
			w[kind].multiplier = f.Read32(c.Off + 16)
		}
	}
	if !w[capCommon].present || !w[capNotify].present {
		return w, syscall.EIO
	}
	return w, 0
}
