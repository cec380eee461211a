package mm

import (
	"syscall"

	"yolk/arch"
)

// Choice of addresses. The mmap area grows down from MmapBase, below the room
// for the stack; when nothing fits there, the lowest free place from
// unmappedBase upwards will do (in 2.3 that was the only way).

// startGap is where v begins for its neighbour below: a stack keeps its guard gap free.
func (v *VMA) startGap() uintptr {
	if v.VMFlags&VMGrowsDown == 0 {
		return v.VMStart
	}
	return v.VMStart - min(v.VMStart, StackGuardGap)
}

// isFree reports whether [addr, addr+length) meets no vma and no guard gap. Locks as FindVMA.
func isFree(m *MM, addr, length uintptr) bool {
	v := FindVMA(m, addr)
	return v == nil || addr+length <= v.startGap()
}

// getUnmappedArea (get_unmapped_area) returns where length bytes, a multiple of
// the page size, can go: at the hint if that is free, else where it sees fit. MmapSem held.
func getUnmappedArea(m *MM, hint, length uintptr, flags int) (uintptr, bool) {
	if flags&syscall.MAP_32BIT != 0 {
		hint &= arch.PageMask
		if hint >= mmapMinAddr && hint <= top32-min(length, top32) && length <= top32 && isFree(m, hint, length) {
			return hint, true
		}
		return bottomUp(m, lowArea32, top32, length)
	}
	if hint &= arch.PageMask; hint >= mmapMinAddr && length <= arch.TaskSize && hint <= arch.TaskSize-length && isFree(m, hint, length) {
		return hint, true
	}
	if addr, ok := topDown(m, length); ok {
		return addr, true
	}
	return bottomUp(m, unmappedBase, arch.TaskSize, length)
}

// topDown finds the highest room below MmapBase. gapTop spares it the walk over
// what is known to be full: no page of [gapTop, MmapBase) is free.
func topDown(m *MM, length uintptr) (uintptr, bool) {
	top := m.MmapBase
	if m.gapTop != 0 {
		top = min(top, m.gapTop)
	}
	full := true // nothing free was passed over on the way down
	for top >= mmapMinAddr+length {
		v, prev := findVMAPrev(m, top-1)
		if v != nil && v.VMStart < top {
			top = v.VMStart
			continue
		}
		floor := uintptr(0)
		if prev != nil {
			floor = prev.VMEnd
		}
		guarded := v != nil && v.startGap() < top
		if top >= floor+length && !guarded {
			if full {
				m.gapTop = top // not below: the mapping may yet fail
			}
			return top - length, true
		}
		if full && floor < top {
			m.gapTop, full = top, false
		}
		switch {
		case top >= floor+length:
			// Linux finds this room too, and goes on where the stack's guard gap
			// ends, whatever else there may be in it.
			top = v.startGap()
		case prev == nil:
			return 0, false
		default:
			top = prev.VMStart
		}
	}
	return 0, false
}

// bottomUp finds the lowest room in [addr, end).
func bottomUp(m *MM, addr, end, length uintptr) (uintptr, bool) {
	for v := FindVMA(m, addr); ; v = v.vmNext {
		if length > end || addr > end-length {
			return 0, false
		}
		if v == nil || addr+length <= v.startGap() {
			return addr, true
		}
		addr = max(addr, v.VMEnd)
	}
}

// noteFreed tells topDown that [.., end) may have become free. MmapSem held.
func noteFreed(m *MM, end uintptr) {
	if m.gapTop != 0 && end > m.gapTop {
		m.gapTop = end
	}
}
