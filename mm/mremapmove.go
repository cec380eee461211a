package mm

import (
	"syscall"

	"yolk/arch"
	"yolk/arch/pt"
)

// The part of mremap that moves pages.

// growInPlace moves the end of v up over free space. It is the tree's key, but no
// other key lies between the old end and the new: v keeps its place.
func growInPlace(m *MM, v *VMA, end uintptr) {
	lockVMAMappings(v)
	vmlistModifyLock(m)
	v.setRange(v.VMStart, end, v.VMPgoff)
	vmlistModifyUnlock(m)
	unlockVMAMappings(v)
}

// populateTail brings in what a locked mapping has grown by.
func (r *mremapRequest) populateTail(m *MM, flags VMFlags, addr uintptr) {
	if flags&vmLockedBits == VMLocked && r.newLen > r.oldLen {
		makePagesPresent(m, addr+r.oldLen, addr+r.newLen)
	}
}

// move (move_vma) moves the mapping to free room at to. In 1999 the pages went
// first and the vma after, so that a truncate missed them, and the vma was used
// after merge_segments had freed it. Here the new vma is in the list before the
// first pte, and only locals are used after the merge.
func (r *mremapRequest) move(m *MM, v *VMA, to uintptr) (uintptr, syscall.Errno) {
	more := int64(r.newLen>>arch.PageShift) - int64(r.oldLen>>arch.PageShift)
	if r.flags&MremapDontUnmap != 0 {
		more = int64(r.newLen >> arch.PageShift)
	}
	if m.mapCount >= maxMapCount()-3 || v.VMFlags&VMAccount != 0 && !enoughMemory(more) {
		return 0, syscall.ENOMEM
	}
	flags := v.VMFlags
	n := copyVMA(m, v)
	if n == nil {
		return 0, syscall.ENOMEM
	}
	n.setRange(to, to+r.newLen, movedOff(v, r.addr, to))
	openVMA(n)
	insertVMA(m, n)
	accountVMA(m, flags, int64(r.newLen>>arch.PageShift))
	if !movePageTables(m, v, to, r.addr, r.oldLen) {
		// Back: the old tables are all there, so this cannot fail.
		movePageTables(m, v, r.addr, to, r.oldLen)
		DoMunmap(m, to, r.newLen)
		return 0, syscall.ENOMEM
	}
	mergeRange(m, to, to+r.newLen) // n, and v, may be gone after this
	if r.flags&MremapDontUnmap != 0 {
		r.leaveBehind(m, lookupVMA(m, r.addr))
	} else if r.oldLen > 0 {
		if e := DoMunmap(m, r.addr, r.oldLen); e != 0 {
			// A hole without room for its upper part: undo, as above.
			v = FindVMA(m, r.addr)
			movePageTables(m, v, r.addr, to, r.oldLen)
			DoMunmap(m, to, r.newLen)
			return 0, syscall.ENOMEM
		}
	}
	r.populateTail(m, flags, to)
	return to, 0
}

// leaveBehind is the end of MREMAP_DONTUNMAP for v, which lost pages to another place:
// nothing of it is locked any more. If that was the whole of it, it has none left.
func (r *mremapRequest) leaveBehind(m *MM, v *VMA) {
	if v.VMStart == r.addr && v.VMEnd == r.addr+r.oldLen {
		v.anon = 0
	}
	if v.VMFlags&VMLocked == 0 {
		return
	}
	m.addLocked(-v.pages())
	vmlistModifyLock(m)
	v.setFlags(v.VMFlags &^ vmLockedBits)
	vmlistModifyUnlock(m)
}

// movePageTables (move_page_tables) moves the ptes of length bytes at from to to,
// where none are. False when a table could not be allocated; some have moved
// then. v is the vma whose file the pages are of. MmapSem held; may sleep.
func movePageTables(m *MM, v *VMA, to, from, length uintptr) bool {
	end := from + length
	for at := from; at < end; {
		src, addr := nextPTE(m, at, end)
		if src == nil {
			break
		}
		dst := allocPTE(m, addr-from+to)
		if dst == nil {
			return false
		}
		stop := min(end, tableEnd(addr), tableEnd(addr-from+to)-to+from)
		lockVMAMappings(v)
		m.PageTableLock.Lock()
		movePTEs(v, tableSlice(dst, addr, stop), tableSlice(src, addr, stop))
		// Nobody may write through an old translation once the page is at its new
		// place, where a stealer may find it.
		arch.FlushTLBRange(&m.Ctx, addr, stop)
		m.PageTableLock.Unlock()
		unlockVMAMappings(v)
		step("move_page_tables: moved")
		at = stop
	}
	return true
}

// movePTEs moves entries of v as they are. PageTableLock held, and v's i_shared_lock, by
// which a truncate sees them at their old place or at their new one.
func movePTEs(v *VMA, dst, src []uint64) {
	if r := v.ring(); r != nil {
		r.assertLocked()
	}
	for i := range src {
		if e := loadPTE(&src[i]); !e.None() {
			setPTE(&dst[i], getAndClearPTE(&src[i]))
		}
	}
}

// tableEnd is where the pte table that maps addr ends.
func tableEnd(addr uintptr) uintptr {
	return addr&^(pt.Entries*arch.PageSize-1) + pt.Entries*arch.PageSize
}
