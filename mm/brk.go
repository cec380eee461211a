package mm

import (
	"syscall"

	"yolk/arch"
)

// DoBrk (do_brk) maps length bytes of anonymous memory at addr, as the heap or a
// bss is. MmapSem held; may sleep. EINVAL, EAGAIN, ENOMEM. (2.3 made it
// executable; it has been read and write only for long.)
func DoBrk(m *MM, addr, length uintptr) syscall.Errno {
	length = pageAlign(length)
	if length == 0 {
		return 0
	}
	_, e := DoMmap(m, nil, addr, length, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_FIXED, 0)
	return e
}

// SetBrk puts the heap's start, and so its end, at addr: exec does, after the
// last segment. MmapSem held or m not public yet.
func SetBrk(m *MM, addr uintptr) { m.StartBrk, m.Brk = addr, addr }

// SysBrk moves the end of the heap to brk and returns where it is then: the old
// place if it could not, for RLIMIT_DATA, which counts the program's data segment
// too, or because of the next mapping, to which a page (to a stack, its guard gap) is
// left free. MmapSem held; may sleep.
func SysBrk(m *MM, brk uintptr) uintptr {
	if brk < m.StartBrk || brk >= arch.TaskSize ||
		uint64(brk-m.StartBrk)+uint64(m.EndData-m.StartData) > m.Limits.Data.Load() {
		return m.Brk
	}
	oldEnd, newEnd := pageAlign(m.Brk), pageAlign(brk)
	switch {
	case newEnd < oldEnd:
		// Linux does not move it over what the program has unmapped itself.
		if findIntersection(m, newEnd, oldEnd) == nil || DoMunmap(m, newEnd, oldEnd-newEnd) != 0 {
			return m.Brk
		}
	case newEnd > oldEnd:
		if !isFree(m, oldEnd, newEnd-oldEnd+arch.PageSize) || DoBrk(m, oldEnd, newEnd-oldEnd) != 0 {
			return m.Brk
		}
	}
	m.Brk = brk
	return brk
}
