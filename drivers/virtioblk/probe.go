//go:build yolk

package virtioblk

import (
	"fmt"
	"os"

	"yolk/arch"
	"yolk/drivers/pci"
	"yolk/drivers/virtio"
)

// deviceID is the type of a block device (5.2.1).
const deviceID = 2

// Probe starts every virtio block device, in the order of the buses. One that
// does not work is reported on the kernel log and left out. Start-up only,
// before arch.Memory ends early allocation; it sleeps.
func Probe() []*Device {
	var found []*Device
	for _, f := range pci.Functions() {
		if f.Vendor != virtio.Vendor || f.Device != virtio.DeviceBase+deviceID {
			continue
		}
		name := "vd" + string(rune('a'+len(found)))
		t, err := virtio.Open(f)
		if err != 0 {
			fmt.Fprintf(os.Stderr, "virtio-blk %v: unusable: %v\n", f.Address, err)
			continue
		}
		d, err := start(name, t, earlyMemory)
		if err != 0 {
			fmt.Fprintf(os.Stderr, "virtio-blk %v: does not start: %v\n", f.Address, err)
			continue
		}
		fmt.Fprintf(os.Stderr, "%s: virtio-blk %v, %d sectors, serial %q\n", name, f.Address, d.sectors, d.serial)
		found = append(found, d)
	}
	return found
}

func earlyMemory(bytes uintptr) virtio.Memory {
	frames := int((bytes + arch.PageSize - 1) >> arch.PageShift)
	pfn := arch.EarlyAlloc(frames)
	if pfn == 0 {
		return virtio.Memory{}
	}
	return virtio.Memory{
		Ptr:  arch.FramePointer(pfn),
		Phys: uint64(pfn) << arch.PageShift,
		Size: uintptr(frames) << arch.PageShift,
	}
}
