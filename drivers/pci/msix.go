package pci

import "yolk/drivers/mmio"

// MSI-X capability and table (PCI Local Bus 3.0, 6.8.2).
const (
	msixEnable     = 1 << 31 // of the message control word, as a 32-bit register
	msixMaskAll    = 1 << 30
	msixSizeMask   = 0x7ff
	msixBIRMask    = 7
	msixEntrySize  = 16
	msixEntryAddr  = 0
	msixEntryData  = 8
	msixEntryCtrl  = 12
	msixEntryMaskd = 1
)

// MSIX is a function's table of message interrupts.
type MSIX struct {
	f     *Function
	cap   uint8
	table mmio.Region
	n     int
}

// MSIXTable says where the table of f lies: a window, an offset within it, and
// the number of entries. It returns false if f has no MSI-X capability.
func (f *Function) MSIXTable() (bar int, off uint32, entries int, ok bool) {
	for _, c := range f.Capabilities() {
		if c.ID != CapMSIX || c.Off > 0xf4 {
			continue
		}
		entries = int(f.Read32(c.Off)>>16&msixSizeMask) + 1
		where := f.Read32(c.Off + 4)
		return int(where & msixBIRMask), where &^ msixBIRMask, entries, true
	}
	return 0, 0, 0, false
}

// NewMSIX masks every entry of f's table, which the caller has mapped, and turns MSI-X
// on. It returns nil if f has no MSI-X capability or table is too small for it.
func (f *Function) NewMSIX(table mmio.Region) *MSIX {
	_, _, entries, ok := f.MSIXTable()
	if !ok || uint64(table.Size()) < uint64(entries)*msixEntrySize {
		return nil
	}
	m := &MSIX{f: f, table: table, n: entries}
	for _, c := range f.Capabilities() {
		if c.ID == CapMSIX {
			m.cap = c.Off
			break
		}
	}
	f.Write32(m.cap, f.Read32(m.cap)|msixEnable|msixMaskAll)
	for i := range entries {
		table.Write32(uint32(i)*msixEntrySize+msixEntryCtrl, msixEntryMaskd)
	}
	f.Write32(m.cap, f.Read32(m.cap)&^msixMaskAll)
	return m
}

// Entries returns the number of messages the function can send.
func (m *MSIX) Entries() int { return m.n }

// Set makes entry i send data to addr, and unmasks it. It returns false if
// there is no such entry.
func (m *MSIX) Set(i int, addr uint64, data uint32) bool {
	if i < 0 || i >= m.n {
		return false
	}
	e := uint32(i) * msixEntrySize
	m.table.Write32(e+msixEntryCtrl, msixEntryMaskd)
	m.table.Write32(e+msixEntryAddr, uint32(addr))
	m.table.Write32(e+msixEntryAddr+4, uint32(addr>>32))
	m.table.Write32(e+msixEntryData, data)
	m.table.Write32(e+msixEntryCtrl, 0)
	return true
}
