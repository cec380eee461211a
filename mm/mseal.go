package mm

import (
	"syscall"

	"yolk/arch"
)

// Sealed mappings stay what they are: see mseal(2).

// DoMseal (sys_mseal) seals [start, start+length). MmapSem held, no spinlock; may
// sleep. EINVAL: unaligned, or it wraps; ENOMEM: not mapped throughout, or no
// memory to split a vma; nothing is sealed then but what came before a split.
func DoMseal(m *MM, start, length uintptr) syscall.Errno {
	end := start + pageAlign(length)
	if start&^arch.PageMask != 0 || pageAlign(length) < length || end < start {
		return syscall.EINVAL
	}
	if start == end {
		return 0
	}
	at := start
	for v := FindVMA(m, start); at < end; v = v.vmNext {
		if v == nil || v.VMStart > at {
			return syscall.ENOMEM
		}
		at = v.VMEnd
	}
	for at = start; at < end; {
		v := FindVMA(m, at)
		f := fixup{m: m, v: v, start: at, end: min(end, v.VMEnd), flags: v.VMFlags | VMSealed}
		at = f.end
		if f.flags == v.VMFlags {
			continue
		}
		if e := f.apply(); e != 0 {
			return e
		}
		f.join()
	}
	return 0
}

// isSealed reports whether v or a mapping behind it, below end, is sealed. MmapSem
// held.
func isSealed(v *VMA, end uintptr) bool {
	for ; v != nil && v.VMStart < end; v = v.vmNext {
		if v.VMFlags&VMSealed != 0 {
			return true
		}
	}
	return false
}

// losesSealed reports whether taking the pages out of v and what is behind it, up to
// end, would change what a program reads in a sealed mapping that it may not write: of
// private anonymous memory. MmapSem held. Source: Linux's is_ro_anon and can_madvise_modify.
func losesSealed(v *VMA, end uintptr) bool {
	for ; v != nil && v.VMStart < end; v = v.vmNext {
		if v.VMFlags&(VMSealed|VMWrite|VMShared) == VMSealed && v.VMFile == nil {
			return true
		}
	}
	return false
}
