package mm

import (
	"syscall"
	"unsafe"

	"yolk/arch"
	"yolk/arch/pt"
)

// DupMM (dup_mmap) copies the address space old for a child whose limits are
// given. ENOMEM. The caller holds no lock; may sleep.
//
// The child's MmapSem is not taken (two of a class would be out of order): until
// the child is complete it has no user. Stealers may see it already, and take
// its PageTableLock. Swapoff walks the mmlist, where the child stands behind its
// parent: it either had dealt with the parent before the fork, and then there
// are no entries to copy, or waits for the parent's MmapSem until the child is complete.
func DupMM(old *MM, limits *Limits) (*MM, syscall.Errno) {
	old.MmapSem.Lock()
	m := mmAllocAfter(limits, old)
	if m == nil {
		old.MmapSem.Unlock()
		return nil, syscall.ENOMEM
	}
	m.layout = old.layout
	m.totalVM, m.lockedVM, m.dataVM, m.stackVM, m.peakVM, m.defFlags, m.gapTop = 0, 0, 0, 0, 0, 0, 0
	e := dupVMAs(m, old)
	// The parent's ptes have become read-only.
	arch.FlushTLBMM(&old.Ctx)
	m.mmUsers.Store(1)
	old.MmapSem.Unlock()
	if e != 0 {
		MMPut(m)
		return nil, e
	}
	return m, 0
}

// dupVMAs copies the vmas of old, whose MmapSem is held, and their pages. On an
// error what has been copied is in m, for exitMmap to clean up.
func dupVMAs(m, old *MM) syscall.Errno {
	for v := firstVMA(old); v != nil; v = v.vmNext {
		if v.VMFlags&VMDontCopy != 0 {
			continue
		}
		if v.VMFlags&VMAccount != 0 && !enoughMemory(v.pages()) {
			return syscall.ENOMEM
		}
		n := copyVMA(m, v)
		if n == nil {
			return syscall.ENOMEM
		}
		n.VMFlags &^= vmLockedBits // locks are not inherited
		forkAnon(n, v)
		openVMA(n)
		insertVMA(m, n)
		accountVMA(m, n.VMFlags, n.pages())
		if v.VMFlags&VMWipeOnFork != 0 || v.anon == 0 && v.VMFlags&(VMIO|VMMaybeGuard) == 0 {
			continue // what is not the mapping's own a fault brings in as well
		}
		if !copyPageRange(m, old, n) {
			return syscall.ENOMEM
		}
	}
	return 0
}

// copyPageRange (copy_page_range) gives the child m the pages and swap entries
// that old has in v, the child's vma. Private writable pages become read-only in
// both. Old's MmapSem is held; false without memory. May sleep.
//
// Each table's worth of ptes is copied under the parent's PageTableLock, taken
// when the child's table is there. The child's lock is not taken, as rule 5
// forbids two: its ptes are empty and filled once, and a stealer may take away
// at once what was filled in.
func copyPageRange(m, old *MM, v *VMA) bool {
	for addr := v.VMStart; addr < v.VMEnd; {
		src, at := nextPTE(old, addr, v.VMEnd)
		if src == nil {
			return true
		}
		dst := allocPTE(m, at)
		if dst == nil {
			return false
		}
		end := min(v.VMEnd, at&^(pmdSize-1)+pmdSize)
		copyPTEs(m, old, v, at, end)
		addr = end
	}
	return true
}

// copyPTEs copies the ptes of [addr, end), which one table maps in either mm.
func copyPTEs(m, old *MM, v *VMA, addr, end uintptr) {
	cow := v.VMFlags&(VMShared|VMMayWrite) == VMMayWrite
	old.PageTableLock.Lock()
	src := tableSlice(lookupPTE(old, addr), addr, end)
	dst := tableSlice(lookupPTE(m, addr), addr, end)
	injectR5(m)
	step("copy_page_range: copies")
	for i := range src {
		e := loadPTE(&src[i])
		if e.None() {
			continue
		}
		if e == pteGuard {
			setPTE(&dst[i], e)
			continue
		}
		if !ptePresent(e) {
			if SwapDuplicate(PTESwapEntry(e)) {
				setPTE(&dst[i], e)
				m.SwapEnts.Add(1)
			}
			continue
		}
		if cow && e.Writable() {
			e = changePTE(&src[i], ^pt.Write, 0)
			e &^= pt.Write
		}
		if v.VMFlags&VMShared != 0 {
			e &^= pt.Dirty
		}
		GetPage(PageOf(e.PFN()))
		e &^= pt.Accessed
		setPTE(&dst[i], e)
		countPTE(m, e, 1)
	}
	old.PageTableLock.Unlock()
}

// tableSlice returns the ptes of [addr, end), of which pte is the first.
func tableSlice(pte *uint64, addr, end uintptr) []uint64 {
	return unsafe.Slice(pte, (end-addr)>>arch.PageShift)
}
