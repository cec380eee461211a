package mm

import (
	"syscall"

	"yolk/arch"
)

// Guard pages (MADV_GUARD_INSTALL, Linux 6.13): a pte itself says that a touch is
// SIGSEGV, so that guards need no vma of their own. They are inherited, they move with
// mremap, and only munmap and MADV_GUARD_REMOVE take them away.

// pteGuard marks a guard page: a swap entry that no area can have.
const pteGuard arch.PTE = swapTypeMask << swapTypeShift

// guardable reports whether v can have guard pages put in, or, with remove, taken out.
func guardable(v *VMA, remove bool) bool {
	bad := VMIO | VMDontExpand
	if !remove {
		bad |= VMLocked
	}
	return v.VMFlags&bad == 0
}

// installGuards makes [start, end) of v guard pages (madvise_guard_install). What was
// there is lost. MmapSem held; may sleep. EINVAL not in such a mapping; ENOMEM.
func installGuards(m *MM, v *VMA, start, end uintptr) syscall.Errno {
	if !guardable(v, false) {
		return syscall.EINVAL
	}
	vmlistModifyLock(m)
	v.setFlags(v.VMFlags | VMMaybeGuard)
	vmlistModifyUnlock(m)
	if v.VMFile == nil {
		prepareAnon(m, v)
	}
	zapPageRange(m, start, end)
	for at := start; at < end; {
		pte := allocPTE(m, at)
		if pte == nil {
			return syscall.ENOMEM
		}
		stop := min(end, tableEnd(at))
		m.PageTableLock.Lock()
		for i, ptes := 0, tableSlice(pte, at, stop); i < len(ptes); i++ {
			if loadPTE(&ptes[i]).None() {
				setPTE(&ptes[i], pteGuard)
			}
		}
		m.PageTableLock.Unlock()
		at = stop
	}
	return 0
}

// removeGuards empties the guard ptes of [start, end) of v (madvise_guard_remove).
// MmapSem held; does not sleep. EINVAL not in such a mapping.
func removeGuards(m *MM, v *VMA, start, end uintptr) syscall.Errno {
	if !guardable(v, true) {
		return syscall.EINVAL
	}
	m.PageTableLock.Lock()
	defer m.PageTableLock.Unlock()
	for pte, addr := nextPTE(m, start, end); pte != nil; pte, addr = nextPTE(m, addr+arch.PageSize, end) {
		if loadPTE(pte) == pteGuard {
			getAndClearPTE(pte)
		}
	}
	return 0
}
