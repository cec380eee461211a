package mm

import (
	"syscall"

	"yolk/arch"
	"yolk/arch/pt"
)

// Flags of mremap.
const (
	MremapMayMove   = 1
	MremapFixed     = 2
	MremapDontUnmap = 4
	mremapKnown     = MremapMayMove | MremapFixed | MremapDontUnmap
)

// mremapRequest is a call of DoMremap; addr and the lengths are page aligned.
type mremapRequest struct {
	addr, oldLen, newLen uintptr
	flags                int
	newAddr              uintptr
}

// DoMremap (do_mremap) changes the size of the mapping at addr, or its place.
// MmapSem held, no spinlock; may sleep. EINVAL flags, alignment, lengths, overlap;
// EPERM sealed; EFAULT not one mapping; EAGAIN locked limit; ENOMEM limits, no room.
// (2.3 unmapped everything for a new length of 0.) With MremapDontUnmap only the pages
// move, and the old mapping stays, empty and unlocked.
func DoMremap(m *MM, addr, oldLen, newLen uintptr, flags int, newAddr uintptr) (uintptr, syscall.Errno) {
	if flags&^mremapKnown != 0 || flags&^MremapMayMove != 0 && flags&MremapMayMove == 0 || addr&^arch.PageMask != 0 {
		return 0, syscall.EINVAL
	}
	r := mremapRequest{addr, pageAlign(oldLen), pageAlign(newLen), flags, newAddr}
	if flags&MremapDontUnmap != 0 && r.oldLen != r.newLen {
		return 0, syscall.EINVAL
	}
	if r.newLen == 0 || r.newLen > arch.TaskSize || r.oldLen > arch.TaskSize || addr > arch.TaskSize-r.oldLen {
		return 0, syscall.EINVAL
	}
	if isSealed(FindVMA(m, addr), addr+r.oldLen) {
		return 0, syscall.EPERM
	}
	if flags&(MremapFixed|MremapDontUnmap) != 0 {
		return r.toFixed(m)
	}
	if r.newLen <= r.oldLen {
		if FindVMA(m, addr) == nil || FindVMA(m, addr).VMStart > addr {
			return 0, syscall.EFAULT
		}
		return addr, r.shrink(m)
	}
	v, e := r.check(m)
	if e != 0 {
		return 0, e
	}
	pages := int64((r.newLen - r.oldLen) >> arch.PageShift)
	if r.oldLen == v.VMEnd-addr && isFree(m, v.VMEnd, r.newLen-r.oldLen) && addr <= arch.TaskSize-r.newLen {
		growInPlace(m, v, addr+r.newLen)
		accountVMA(m, v.VMFlags, pages)
		r.populateTail(m, v.VMFlags, addr)
		return addr, 0
	}
	if flags&MremapMayMove == 0 {
		return 0, syscall.ENOMEM
	}
	to, ok := getUnmappedArea(m, 0, r.newLen, 0)
	if !ok {
		return 0, syscall.ENOMEM
	}
	return r.move(m, v, to)
}

// shrink unmaps the tail beyond the new length.
func (r *mremapRequest) shrink(m *MM) syscall.Errno {
	if r.newLen == r.oldLen {
		return 0
	}
	return DoMunmap(m, r.addr+r.newLen, r.oldLen-r.newLen)
}

// toFixed moves to the address given, from which it removes what is there, or for
// MremapDontUnmap alone to where there is room, there if it can be.
func (r *mremapRequest) toFixed(m *MM) (uintptr, syscall.Errno) {
	to := r.newAddr
	if to&^arch.PageMask != 0 || r.newLen > arch.TaskSize || to > arch.TaskSize-r.newLen ||
		r.addr < to+r.newLen && to < r.addr+r.oldLen {
		return 0, syscall.EINVAL
	}
	if m.mapCount+2 >= maxMapCount()-3 {
		return 0, syscall.ENOMEM
	}
	if v := FindVMA(m, r.addr); v == nil || v.VMStart > r.addr {
		return 0, syscall.EFAULT
	}
	if r.flags&MremapFixed == 0 {
		var ok bool
		if to, ok = getUnmappedArea(m, to, r.newLen, 0); !ok {
			return 0, syscall.ENOMEM
		}
	} else if e := DoMunmap(m, to, r.newLen); e != 0 {
		return 0, e
	}
	if r.oldLen > r.newLen {
		if e := r.shrink(m); e != 0 {
			return 0, e
		}
		r.oldLen = r.newLen
	}
	v, e := r.check(m)
	if e != 0 {
		return 0, e
	}
	return r.move(m, v, to)
}

// check finds the vma and checks what a change of it must pass (vma_to_resize).
func (r *mremapRequest) check(m *MM) (*VMA, syscall.Errno) {
	v := FindVMA(m, r.addr)
	if v == nil || v.VMStart > r.addr {
		return nil, syscall.EFAULT
	}
	if r.oldLen == 0 && v.VMFlags&(VMShared|VMMayShare) == 0 {
		return nil, syscall.EINVAL
	}
	if r.oldLen > v.VMEnd-r.addr {
		return nil, syscall.EFAULT
	}
	pages := int64((r.newLen - r.oldLen) >> arch.PageShift)
	if r.flags&MremapDontUnmap != 0 {
		if v.VMFlags&(VMDontExpand|VMIO) != 0 {
			return nil, syscall.EINVAL
		}
		pages = int64(r.newLen >> arch.PageShift)
		if !mayExpand(m, v.VMFlags, pages) || v.VMFlags&VMAccount != 0 && !enoughMemory(pages) {
			return nil, syscall.ENOMEM
		}
		return v, 0
	}
	if pages == 0 {
		return v, 0
	}
	if v.VMFlags&VMDontExpand != 0 {
		return nil, syscall.EFAULT
	}
	if v.VMFlags&VMLocked != 0 && !mayLock(m, pages) {
		return nil, syscall.EAGAIN
	}
	if !mayExpand(m, v.VMFlags, pages) || v.VMFlags&VMAccount != 0 && !enoughMemory(pages) {
		return nil, syscall.ENOMEM
	}
	return v, 0
}

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
	if m.mapCount+2 >= maxMapCount()-3 {
		return 0, syscall.ENOMEM
	}
	flags := v.VMFlags
	n := copyVMA(m, v)
	if n == nil {
		return 0, syscall.ENOMEM
	}
	n.setRange(to, to+r.newLen, v.pgoffAt(r.addr))
	openVMA(n)
	insertVMA(m, n)
	accountVMA(m, flags, int64(r.newLen>>arch.PageShift))
	if !movePageTables(m, v, to, r.addr, r.oldLen) {
		// Back: the old tables are all there, so this cannot fail.
		movePageTables(m, v, r.addr, to, r.oldLen)
		DoMunmap(m, to, r.newLen)
		return 0, syscall.ENOMEM
	}
	mergeRange(m, to, to+r.newLen) // n may be gone after this
	switch {
	case r.flags&MremapDontUnmap != 0:
		if flags&VMLocked != 0 {
			// Without memory to split the vma in, what is left stays locked.
			applyLock(m, r.addr, r.addr+r.oldLen, 0)
		}
	case r.oldLen > 0:
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
