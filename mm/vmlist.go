package mm

import (
	"yolk/arch"
	"yolk/locks"
)

// The list of an address space's vmas, and the lock that holds page stealers
// off it. Rules 1 to 5 of docs/locking.md are about this file.

// vmlistAccessLock is taken by a page stealer to look at the list and the ptes
// of a victim. It is the same exclusive lock as vmlistModifyLock.
func vmlistAccessLock(m *MM) { m.PageTableLock.Lock() }

func vmlistAccessUnlock(m *MM) { m.PageTableLock.Unlock() }

// vmlistModifyLock is taken by the owner, who holds m.MmapSem, to change the
// list. Until the unlock no path may lead to page stealing: nothing sleeps,
// asks for memory or calls a driver (rule 4).
func vmlistModifyLock(m *MM) { vmlistAccessLock(m) }

func vmlistModifyUnlock(m *MM) {
	if locks.Lockdep {
		checkNow(m)
	}
	vmlistAccessUnlock(m)
}

// assertModify checks rules 1 and 2: who changes the list, or a vma in it,
// holds both locks; mmap_sem is not wanted of who owns the mm alone, but a stealer may
// have that in hand too.
func assertModify(m *MM) {
	if !locks.Lockdep {
		return
	}
	if m.mmUsers.Load() > 0 {
		m.MmapSem.AssertHeld()
	}
	m.PageTableLock.AssertHeld()
}

// assertScan checks rule 3: who looks at the list holds one of the locks.
func assertScan(m *MM) {
	if !locks.Lockdep || m.mmUsers.Load() == 0 || m.MmapSem.Held() {
		return
	}
	if !m.PageTableLock.Held() {
		m.MmapSem.Violation("R3", "a vma list is scanned with neither mmap_sem nor vmlist_access_lock (page_table_lock)")
	} else if locks.Current().Flags&(locks.PFMemAlloc|locks.PFSwapoff) == 0 {
		m.PageTableLock.Violation("R3", "a vma list is scanned with page_table_lock alone by one that is no page stealer; mmap_sem is missing")
	}
}

// assertFrozen checks rule R6, the freezing contract, after a level of swap_out
// has returned n: zero with the vmlist lock, anything else without it.
func assertFrozen(m *MM, n int) {
	if !locks.Lockdep {
		return
	}
	switch held := m.PageTableLock.Held(); {
	case n == 0 && !held:
		m.PageTableLock.Violation("R6", "swap_out goes on (0), but page_table_lock is gone")
	case n != 0 && held:
		m.PageTableLock.Violation("R6", "swap_out ends (%d), but page_table_lock is still held", n)
	}
}

// assertDriver checks that no spinlock is held on entry to a driver's method,
// and none when it returns.
func assertDriver() { locks.AssertNoSpinlock("R8") }

// setRange moves the borders of a vma. In the list it needs both locks; one
// that is not in the list is its creator's alone.
func (v *VMA) setRange(start, end uintptr, pgoff uint64) {
	if v.inList {
		assertModify(v.VMMM)
	}
	if v.onRing {
		v.ring().assertLocked()
	}
	v.VMStart, v.VMEnd, v.VMPgoff = start, end, pgoff
	if v.inList {
		noteChange(v)
	}
}

// setFlags changes vm_flags and the page protection that follows from them.
// Locks as for setRange.
func (v *VMA) setFlags(f VMFlags) {
	if v.inList {
		assertModify(v.VMMM)
	}
	v.VMFlags = f
	v.pageProt = pageProt(f)
}

// pgoffAt is the file offset, in pages, of address addr in v.
func (v *VMA) pgoffAt(addr uintptr) uint64 {
	return v.VMPgoff + uint64(addr-v.VMStart)>>arch.PageShift
}

// pages is the size of v.
func (v *VMA) pages() int64 { return int64((v.VMEnd - v.VMStart) >> arch.PageShift) }

// Next is the vma after v. MmapSem or vmlistAccessLock.
func (v *VMA) Next() *VMA { return v.vmNext }

// firstVMA is the head of the list. Locks as FindVMA.
func firstVMA(m *MM) *VMA {
	assertScan(m)
	return m.mmap
}

// FindVMA returns the first vma that ends above addr, which may also begin
// above it, or nil. The caller holds MmapSem or, a page stealer,
// vmlistAccessLock (rule 3). The hint it updates is racy and harmless: it is
// checked against addr, and cleared under the lock before a vma leaves the list.
func FindVMA(m *MM, addr uintptr) *VMA {
	assertScan(m)
	if v := m.mmapCache.Load(); v != nil && v.VMStart <= addr && addr < v.VMEnd {
		return v
	}
	var found *VMA
	if m.mmapAVL == nil {
		for found = m.mmap; found != nil && found.VMEnd <= addr; {
			found = found.vmNext
		}
	} else {
		for v := m.mmapAVL; v != nil; {
			if v.VMEnd <= addr {
				v = v.avlRight
				continue
			}
			found = v
			if v.VMStart <= addr {
				break
			}
			v = v.avlLeft
		}
	}
	if found != nil {
		m.mmapCache.Store(found)
	}
	return found
}

// findVMAPrev is FindVMA that also returns the vma before the one found; when
// none is found, the last of the list. Locks as FindVMA. It leaves the hint alone.
func findVMAPrev(m *MM, addr uintptr) (v, prev *VMA) {
	assertScan(m)
	if m.mmapAVL == nil {
		for v = m.mmap; v != nil && v.VMEnd <= addr; v = v.vmNext {
			prev = v
		}
		return v, prev
	}
	for n := m.mmapAVL; n != nil; {
		if n.VMEnd <= addr {
			prev = n
			n = n.avlRight
		} else {
			n = n.avlLeft
		}
	}
	if prev == nil {
		return m.mmap, nil
	}
	return prev.vmNext, prev
}

// findIntersection returns the first vma that has a page in [start, end), or nil.
func findIntersection(m *MM, start, end uintptr) *VMA {
	if v := FindVMA(m, start); v != nil && v.VMStart < end {
		return v
	}
	return nil
}

// insertVMStruct puts v, which overlaps nothing, into the list, the tree and the
// ring of its file.
// The caller holds MmapSem and vmlistModifyLock, and v's ISharedLock if it has
// one. Nothing sleeps, allocates or calls a driver.
func insertVMStruct(m *MM, v *VMA) {
	assertModify(m)
	var prev *VMA
	if m.mmapAVL != nil {
		prev, _ = avlInsertNeighbours(v, &m.mmapAVL)
	} else {
		for n := m.mmap; n != nil && n.VMEnd <= v.VMStart; n = n.vmNext {
			prev = n
		}
	}
	link := &m.mmap
	if prev != nil {
		link = &prev.vmNext
	}
	v.vmNext = *link
	*link = v
	v.inList = true
	m.mapCount++
	noteChange(v)
	linkShared(v)
	if m.mapCount >= avlMinMapSize && m.mmapAVL == nil {
		buildMmapAVL(m)
	}
}

// unlinkVMA takes v, which follows prev (nil: is first), out of the list and
// the tree, but not off the ring. MmapSem and vmlistModifyLock held.
func unlinkVMA(m *MM, v, prev *VMA) {
	assertModify(m)
	m.mmapCache.Store(nil)
	if prev == nil {
		m.mmap = v.vmNext
	} else {
		prev.vmNext = v.vmNext
	}
	if m.mmapAVL != nil {
		avlRemove(v, &m.mmapAVL)
	}
	v.vmNext = nil
	v.inList = false
	m.mapCount--
	noteChange(v)
}

// lookupVMA returns the vma that covers addr, or nil (vma_lookup). Locks as FindVMA.
func lookupVMA(m *MM, addr uintptr) *VMA {
	if v := FindVMA(m, addr); v != nil && v.VMStart <= addr {
		return v
	}
	return nil
}
