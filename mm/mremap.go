package mm

import (
	"syscall"

	"yolk/arch"
)

// Flags of mremap.
const (
	MremapMayMove   = 1
	MremapFixed     = 2
	MremapDontUnmap = 4
)

// mremapRequest is a call of DoMremap; the lengths are page aligned.
type mremapRequest struct {
	addr, oldLen, newLen uintptr
	flags                int
	newAddr              uintptr
}

// DoMremap (do_mremap) changes the size of the mapping at addr, or its place.
// MmapSem held, no spinlock; may sleep. EINVAL flags, alignment, lengths, overlap;
// EFAULT not one mapping; EPERM sealed; EAGAIN locked limit; ENOMEM limits, no room.
// The order of errors, and the move of several mappings at once, are those of Linux 6.17.
// (2.3 unmapped everything for a new length of 0.)
func DoMremap(m *MM, addr, oldLen, newLen uintptr, flags int, newAddr uintptr) (uintptr, syscall.Errno) {
	r := mremapRequest{addr, pageAlign(oldLen), pageAlign(newLen), flags, newAddr}
	if e := r.checkArgs(m); e != 0 {
		return 0, e
	}
	if flags&MremapFixed != 0 && r.oldLen == r.newLen {
		return r.moveAll(m)
	}
	v, e := r.check(m)
	switch {
	case e != 0:
		return 0, e
	case r.picksPlace():
		return r.moveTo(m)
	case r.newLen < r.oldLen:
		return addr, r.shrink(m)
	case r.newLen == r.oldLen:
		return addr, 0
	}
	return r.grow(m, v)
}

// picksPlace reports whether the mapping is to move in any case.
func (r *mremapRequest) picksPlace() bool { return r.flags&(MremapFixed|MremapDontUnmap) != 0 }

// checkArgs is what needs no mapping (check_mremap_params).
func (r *mremapRequest) checkArgs(m *MM) syscall.Errno {
	const known = MremapMayMove | MremapFixed | MremapDontUnmap
	if r.flags&^known != 0 || r.addr&^arch.PageMask != 0 || r.newLen == 0 || r.newLen > arch.TaskSize {
		return syscall.EINVAL
	}
	if !r.picksPlace() {
		return 0
	}
	to := r.newAddr
	if to > arch.TaskSize-r.newLen || to&^arch.PageMask != 0 || r.flags&MremapMayMove == 0 ||
		r.flags&MremapDontUnmap != 0 && r.oldLen != r.newLen ||
		r.addr+r.oldLen > to && to+r.newLen > r.addr {
		return syscall.EINVAL
	}
	if m.mapCount+2 >= maxMapCount()-3 {
		return syscall.ENOMEM
	}
	return 0
}

// check finds the vma at addr and checks what a change of it must pass (check_prep_vma).
func (r *mremapRequest) check(m *MM) (*VMA, syscall.Errno) {
	v := lookupVMA(m, r.addr)
	switch {
	case v == nil:
		return nil, syscall.EFAULT
	case v.VMFlags&VMSealed != 0:
		return nil, syscall.EPERM
	case r.newLen <= r.oldLen && !r.picksPlace():
		return v, 0
	case r.oldLen == 0 && v.VMFlags&(VMShared|VMMayShare) == 0,
		r.flags&MremapDontUnmap != 0 && v.VMFlags&(VMDontExpand|VMIO) != 0:
		return nil, syscall.EINVAL
	case min(r.oldLen, r.newLen) > v.VMEnd-r.addr:
		return nil, syscall.EFAULT
	case r.newLen <= r.oldLen:
		return v, 0
	}
	off := v.pgoffAt(r.addr)
	pages := int64((r.newLen - r.oldLen) >> arch.PageShift)
	switch {
	case off+uint64(r.newLen>>arch.PageShift) < off:
		return nil, syscall.EINVAL
	case v.VMFlags&(VMDontExpand|VMIO) != 0:
		return nil, syscall.EFAULT
	case v.VMFlags&VMLocked != 0 && !mayLock(m, pages):
		return nil, syscall.EAGAIN
	case !mayExpand(m, v.VMFlags, pages):
		return nil, syscall.ENOMEM
	}
	return v, 0
}

// shrink unmaps the tail beyond the new length.
func (r *mremapRequest) shrink(m *MM) syscall.Errno {
	return DoMunmap(m, r.addr+r.newLen, r.oldLen-r.newLen)
}

// grow makes the mapping v larger, where it is if that is free (expand_vma).
func (r *mremapRequest) grow(m *MM, v *VMA) (uintptr, syscall.Errno) {
	more := r.newLen - r.oldLen
	pages := int64(more >> arch.PageShift)
	if r.oldLen == v.VMEnd-r.addr && more <= arch.TaskSize-v.VMEnd && findIntersection(m, v.VMEnd, v.VMEnd+more) == nil {
		if v.VMFlags&VMAccount != 0 && !enoughMemory(pages) {
			return 0, syscall.ENOMEM
		}
		flags := v.VMFlags
		growInPlace(m, v, r.addr+r.newLen)
		accountVMA(m, flags, pages)
		joinAbove(m, v)
		r.populateTail(m, flags, r.addr)
		return r.addr, 0
	}
	if r.flags&MremapMayMove == 0 {
		return 0, syscall.ENOMEM
	}
	to, ok := getUnmappedArea(m, 0, r.newLen, 0)
	if !ok {
		return 0, syscall.ENOMEM
	}
	return r.move(m, v, to)
}

// moveTo moves to the address given, from which it removes what is there, or with
// DONTUNMAP alone to one that is free (mremap_to).
func (r *mremapRequest) moveTo(m *MM) (uintptr, syscall.Errno) {
	if r.flags&MremapFixed != 0 {
		if e := DoMunmap(m, r.newAddr, r.newLen); e != 0 {
			return 0, e
		}
		if lookupVMA(m, r.addr) == nil { // it was there itself
			return 0, syscall.EFAULT
		}
	}
	if r.oldLen > r.newLen {
		if e := r.shrink(m); e != 0 {
			return 0, e
		}
		r.oldLen = r.newLen
	}
	v := lookupVMA(m, r.addr)
	if v == nil {
		return 0, syscall.EFAULT
	}
	if r.flags&MremapDontUnmap != 0 && !mayExpand(m, v.VMFlags, int64(r.oldLen>>arch.PageShift)) {
		return 0, syscall.ENOMEM
	}
	to := r.newAddr
	switch {
	case r.flags&MremapFixed == 0:
		var ok bool
		if to, ok = getUnmappedArea(m, to, r.newLen, 0); !ok {
			return 0, syscall.ENOMEM
		}
	case !mayMapAt(m, to):
		return 0, syscall.EPERM
	}
	return r.move(m, v, to)
}

// moveAll moves all mappings of the range, with the gaps between them (remap_move).
// What was moved before an error stays there. Attached segments move one at a time.
func (r *mremapRequest) moveAll(m *MM) (uintptr, syscall.Errno) {
	end := r.addr + r.oldLen
	v := FindVMA(m, r.addr)
	if v == nil || v.VMStart > r.addr || end < r.addr {
		return 0, syscall.EFAULT
	}
	for first := true; v != nil && v.VMStart < end; first = false {
		next := v.VMEnd // v will be gone
		start := max(v.VMStart, r.addr)
		part := mremapRequest{start, 0, 0, r.flags, r.newAddr + start - r.addr}
		part.oldLen = min(end, next) - start
		part.newLen = part.oldLen
		if v.VMOps == &shmOps && (!first || next < end) {
			return 0, syscall.EFAULT
		}
		if _, e := part.check(m); e != 0 {
			return 0, e
		}
		if _, e := part.moveTo(m); e != 0 {
			return 0, e
		}
		v = FindVMA(m, next)
	}
	return r.newAddr, 0
}
