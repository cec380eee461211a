package mm

import (
	"syscall"

	"yolk/arch"
	"yolk/locks"
)

// DoMunmap (do_munmap) removes all mappings of [addr, addr+length). MmapSem
// held, no spinlock; may sleep. EINVAL: unaligned, empty, or beyond TaskSize.
// EPERM: sealed. ENOMEM: a hole would exceed MaxMapCount, or no memory for the vma above it;
// then nothing has changed.
func DoMunmap(m *MM, addr, length uintptr) syscall.Errno {
	if addr&^arch.PageMask != 0 || addr > arch.TaskSize || length > arch.TaskSize-addr {
		return syscall.EINVAL
	}
	length = pageAlign(length)
	if length == 0 {
		return syscall.EINVAL
	}
	end := addr + length
	v, prev := findVMAPrev(m, addr)
	if v == nil || v.VMStart >= end {
		return 0
	}
	if isSealed(v, end) {
		return syscall.EPERM
	}
	var extra *VMA // for the upper part, when a hole splits a vma
	if v.VMStart < addr && end < v.VMEnd {
		if m.mapCount >= maxMapCount() {
			return syscall.ENOMEM
		}
		if extra = allocVMA(m); extra == nil {
			return syscall.ENOMEM
		}
	}
	free := detachVMAs(m, v, prev, end)
	noteFreed(m, end)
	for free != nil {
		area := free
		free = area.vmNext
		area.vmNext = nil
		extra = unmapArea(m, area, max(addr, area.VMStart), min(end, area.VMEnd), extra)
	}
	if extra != nil {
		freeVMA(extra)
	}
	// The survivors of the vmas at the borders are in the list again.
	_, prev = findVMAPrev(m, addr)
	freePgtables(m, prev, addr, end)
	return 0
}

// detachVMAs takes v, which follows prev, and all after it that begin below end
// out of the list, and returns them chained. From then on no stealer sees them.
func detachVMAs(m *MM, v, prev *VMA, end uintptr) (free *VMA) {
	tail := &free
	vmlistModifyLock(m)
	for v != nil && v.VMStart < end {
		next := v.vmNext
		unlinkVMA(m, v, prev)
		*tail = v
		tail = &v.vmNext
		v = next
	}
	injectR9(m, free)
	vmlistModifyUnlock(m)
	return free
}

// unmapArea removes the pages of [st, end) from area, which is not in the list,
// and puts what is left of it back. It returns extra, or nil when it used it.
func unmapArea(m *MM, area *VMA, st, end uintptr, extra *VMA) *VMA {
	step("do_munmap: detached")
	interlockSwapout()
	if area.VMOps != nil && area.VMOps.Unmap != nil {
		// In 1999 this kernel lock kept a stealer's swapout(vma) and the death of the
		// vma apart, as interlockSwapout does now. Swapout has had a page and a file
		// since; the lock is the contract of the method only.
		locks.LockKernel()
		assertDriver()
		area.VMOps.Unmap(area, st, end-st)
		assertDriver()
		locks.UnlockKernel()
	}
	zapRange(m, st, end, zapGuards)
	step("unmap_fixup: begins")
	return unmapFixup(m, area, st, end, extra)
}

// unmapFixup (unmap_fixup) puts back what is left of area, which is not in the
// list, when [addr, end) goes. It returns extra, or nil when it used it.
func unmapFixup(m *MM, area *VMA, addr, end uintptr, extra *VMA) *VMA {
	accountVMA(m, area.VMFlags, -int64((end-addr)>>arch.PageShift))
	if addr == area.VMStart && end == area.VMEnd {
		removeShared(area)
		closeVMA(area)
		return extra
	}
	split := addr > area.VMStart && end < area.VMEnd
	if split { // a hole: extra is the part above it
		*extra = VMA{
			VMStart: end, VMEnd: area.VMEnd, VMFlags: area.VMFlags, VMPgoff: area.pgoffAt(end),
			pageProt: area.pageProt, anon: area.anon, VMMM: m, VMFile: area.VMFile, VMOps: area.VMOps, PrivateData: area.PrivateData,
		}
		openVMA(extra)
	}
	// These changes are not under PageTableLock: area is in no list. But it is
	// still on its file's ring.
	lockVMAMappings(area)
	if addr == area.VMStart {
		area.setRange(end, area.VMEnd, area.pgoffAt(end))
	} else {
		area.setRange(area.VMStart, addr, area.VMPgoff)
	}
	vmlistModifyLock(m)
	if split {
		insertVMStruct(m, extra)
	}
	insertVMStruct(m, area)
	vmlistModifyUnlock(m)
	unlockVMAMappings(area)
	if split {
		return nil
	}
	return extra
}

// pageAlign rounds up to a multiple of the page size; 0 on overflow.
func pageAlign(n uintptr) uintptr { return (n + arch.PageSize - 1) & arch.PageMask }

// accountVMA adds n pages of a mapping with these flags to the sums of m. MmapSem held.
func accountVMA(m *MM, f VMFlags, n int64) {
	m.totalVM += n
	m.peakVM = max(m.peakVM, m.totalVM)
	if f&VMLocked != 0 {
		m.addLocked(n)
	}
	switch {
	case f&VMGrowsDown != 0:
		m.stackVM += n
	case isData(f):
		m.dataVM += n
	}
	if f&VMAccount != 0 {
		committed.Add(n)
	}
}

// addLocked counts n pages more that are locked. MmapSem held.
func (m *MM) addLocked(n int64) {
	m.lockedVM += n
	mlocked.Add(n)
}

// isData says what RLIMIT_DATA counts: private writable mappings but stacks.
func isData(f VMFlags) bool { return f&(VMWrite|VMShared|VMGrowsDown) == VMWrite }

// isAccountable says what Committed_AS counts: private writable mappings, without MAP_NORESERVE.
func isAccountable(f VMFlags) bool { return f&(VMWrite|VMShared|VMNoReserve) == VMWrite }
