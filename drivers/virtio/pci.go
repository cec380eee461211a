//go:build yolk

package virtio

import (
	"syscall"

	"yolk/arch"
	"yolk/drivers/mmio"
	"yolk/drivers/pci"
)

// maxWindow is how much of a register block is mapped: an MSI-X table is the
// longest that is of use, and a device must not make us map gigabytes.
const maxWindow = 64 << 10

// Open maps the register blocks of the modern virtio device f, switches it on
// and to message interrupts. ENODEV: f is no such device; EIO: its windows or
// capabilities make no sense. Start-up only; does not sleep.
func Open(f *pci.Function) (*Transport, syscall.Errno) {
	w, err := findWindows(f)
	if err != 0 {
		return nil, err
	}
	bar, off, entries, ok := f.MSIXTable()
	if !ok {
		return nil, syscall.EIO
	}
	f.Enable()
	m := mapper{f: f}
	common := m.window(w[capCommon])
	notify := m.window(w[capNotify])
	table := m.window(window{bar: bar, off: off, len: uint32(entries) * 16, present: true})
	if m.failed || common.Size() < commonSize {
		return nil, syscall.EIO
	}
	msix := f.NewMSIX(table)
	if msix == nil {
		return nil, syscall.EIO
	}
	t := &Transport{Common: common, Isolate: f.Disable}
	if w[capDevice].present {
		t.Config = m.window(w[capDevice])
		if m.failed {
			return nil, syscall.EIO
		}
	}
	t.Doorbell = func(queue, notifyOff uint16) func() {
		at := uint64(notifyOff) * uint64(w[capNotify].multiplier)
		if at+2 > uint64(notify.Size()) {
			return nil
		}
		return func() { notify.Write16(uint32(at), queue) }
	}
	t.Interrupt = func(i uint16, handler func()) bool {
		if int(i) >= msix.Entries() {
			return false
		}
		vector := arch.AllocVector(handler)
		if vector == 0 {
			return false
		}
		addr, data := arch.MSIMessage(vector)
		return msix.Set(int(i), addr, data)
	}
	return t, 0
}

// mapper maps windows of a function, and remembers whether one was impossible.
type mapper struct {
	f      *pci.Function
	failed bool
}

func (m *mapper) window(w window) mmio.Region {
	phys, ok := m.f.BAR(w.bar)
	if !ok || w.len == 0 || phys+uint64(w.off)+uint64(w.len) < phys {
		m.failed = true
		return mmio.Region{}
	}
	size := min(w.len, maxWindow)
	phys += uint64(w.off)
	inPage := uintptr(phys) &^ arch.PageMask
	base := arch.MapMMIO(phys-uint64(inPage), uint64(size)+uint64(inPage))
	return mmio.At(base+inPage, size)
}
