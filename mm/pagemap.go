package mm

import (
	"encoding/binary"

	"yolk/arch"
)

// Bits of an entry of /proc/PID/pagemap (Linux's Documentation/admin-guide/mm/pagemap.rst).
// Below them is the frame's number or, of a page in swap, type (5 bits) and offset.
const (
	pagemapPresent   = 1 << 63
	pagemapSwapped   = 1 << 62
	pagemapFile      = 1 << 61 // or shared memory
	pagemapGuard     = 1 << 58
	pagemapExclusive = 1 << 56
	pagemapSwapType  = 5 // bits
)

// PagemapEntrySize is the size in bytes of what pagemap says of one page.
const PagemapEntrySize = 8

// Pagemap fills p with the entries of the pages from addr on, and returns the
// bytes filled: less at the end of the address space. Frame numbers are shown
// only with frames. The caller holds a user reference and no lock; it takes
// PageTableLock for each entry; no list is looked at, so no MmapSem.
func Pagemap(m *MM, addr uintptr, p []byte, frames bool) (n int) {
	for ; n+PagemapEntrySize <= len(p) && addr < arch.TaskSize; n += PagemapEntrySize {
		binary.LittleEndian.PutUint64(p[n:], pagemapEntry(m, addr, frames))
		addr += arch.PageSize
	}
	return n
}

// pagemapEntry is the entry of one page. Takes PageTableLock.
func pagemapEntry(m *MM, addr uintptr, frames bool) uint64 {
	m.PageTableLock.Lock()
	defer m.PageTableLock.Unlock()
	pte := lookupPTE(m, addr)
	if pte == nil {
		return 0
	}
	switch e := loadPTE(pte); {
	case e.None():
		return 0
	case e == pteGuard:
		return pagemapSwapped | pagemapGuard
	case !ptePresent(e):
		s := PTESwapEntry(e)
		return pagemapSwapped | uint64(s.Offset())<<pagemapSwapType | uint64(s.Type())
	default:
		entry := uint64(pagemapPresent)
		if e.PFN() != zeroPFN {
			if e&pteAnon == 0 {
				entry |= pagemapFile
			}
			if PageOf(e.PFN()).mapUsers(e) == 1 {
				entry |= pagemapExclusive
			}
		}
		if frames {
			entry |= uint64(e.PFN())
		}
		return entry
	}
}
