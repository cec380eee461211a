package mm

import "yolk/arch"

// CoreSegment is a mapping as a core file shows it: all of it has a place in the
// program headers, its first Dump bytes are in the file.
type CoreSegment struct {
	Start, End uintptr
	Flags      VMFlags
	Dump       uintptr
}

// Bits of /proc/PID/coredump_filter, see core(5).
const (
	CoreAnonPrivate = 1 << iota
	CoreAnonShared
	CoreFilePrivate
	CoreFileShared
	CoreELFHeaders
	CoreHugePrivate

	// CoreFilterDefault is what Linux dumps unless told otherwise.
	CoreFilterDefault = CoreAnonPrivate | CoreAnonShared | CoreELFHeaders | CoreHugePrivate
)

// CoreSegments returns the mappings of m and what filter wants of them, nil when there is
// no memory for so many. The caller has a user reference and holds no lock. It takes
// MmapSem.
func CoreSegments(m *MM, filter uint32) []CoreSegment {
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	segments := MakeSlice[CoreSegment](m.mapCount)[:0]
	for v := firstVMA(m); v != nil && len(segments) < cap(segments); v = v.vmNext {
		segments = append(segments, CoreSegment{v.VMStart, v.VMEnd, v.VMFlags, v.coreSize(filter)})
	}
	return segments
}

// coreSize is how many bytes of v go into a core file (vma_dump_size). What a
// private mapping of a file has copied is anonymous: one that may be written is
// dumped like anonymous memory. MmapSem held.
func (v *VMA) coreSize(filter uint32) uintptr {
	named := v.VMFile != nil && v.VMFile.IMmap() != nil
	var kind uint32
	switch shared := v.VMFlags&VMShared != 0; {
	case v.VMFlags&(VMIO|VMDontDump) != 0:
		return 0
	case special(v) != nil:
		return v.VMEnd - v.VMStart // what a backtrace through it needs is nowhere else
	case shared && named:
		kind = CoreFileShared
	case shared:
		kind = CoreAnonShared
	case named && v.VMFlags&VMWrite == 0:
		kind = CoreFilePrivate
	default:
		kind = CoreAnonPrivate
	}
	switch {
	case filter&kind != 0:
		return v.VMEnd - v.VMStart
	case kind == CoreFilePrivate && filter&CoreELFHeaders != 0 && v.VMPgoff == 0 && v.VMFlags&VMRead != 0:
		return arch.PageSize
	}
	return 0
}

// CorePage reads the page at addr for a core file; false if it is all zeros
// because nobody has used it, or cannot be had. Locks as for AccessProcessVM.
func CorePage(m *MM, addr uintptr, buf *[arch.PageSize]byte) bool {
	m.MmapSem.Lock()
	v := FindVMA(m, addr)
	untouched := v != nil && v.VMFile == nil && special(v) == nil && pteUnused(m, addr)
	m.MmapSem.Unlock()
	return !untouched && AccessProcessVM(m, addr, buf[:], false) == len(buf)
}

// pteUnused reports whether no pte names a page for addr. MmapSem held.
func pteUnused(m *MM, addr uintptr) bool {
	m.PageTableLock.Lock()
	defer m.PageTableLock.Unlock()
	pte := lookupPTE(m, addr)
	return pte == nil || loadPTE(pte).None() || loadPTE(pte) == pteGuard
}
