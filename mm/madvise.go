package mm

import (
	"syscall"

	"yolk/arch"
)

// Advice of madvise that the standard library does not name.
const (
	madvFree           = 8
	madvRemove         = 9
	madvDontDump       = 16
	madvDoDump         = 17
	madvWipeOnFork     = 18
	madvKeepOnFork     = 19
	madvCold           = 20
	madvPageout        = 21
	madvPopulateRead   = 22
	madvPopulateWrite  = 23
	madvDontNeedLocked = 24
	madvCollapse       = 25
	madvGuardInstall   = 102
	madvGuardRemove    = 103
)

// adviceKnown reports whether advice is one that we take, be it by doing nothing.
func adviceKnown(advice int) bool {
	switch advice {
	case syscall.MADV_WILLNEED, syscall.MADV_DONTNEED, madvFree, madvRemove,
		madvCold, madvPageout, madvPopulateRead, madvPopulateWrite, madvDontNeedLocked, madvCollapse,
		madvGuardInstall, madvGuardRemove:
		return true
	}
	return changesFlags(advice)
}

// DoMadvise (sys_madvise) takes advice on [start, start+length). MmapSem held, which
// MADV_REMOVE lets go of meanwhile, no spinlock; may sleep. EINVAL unaligned, wrapping, unknown, or not for such a
// mapping; EPERM sealed; ENOMEM a hole, after the advice was taken on the rest; of
// MADV_REMOVE also EACCES no shared mapping that may write, and what its file says.
func DoMadvise(m *MM, start, length uintptr, advice int) syscall.Errno {
	if !adviceKnown(advice) || start&^arch.PageMask != 0 {
		return syscall.EINVAL
	}
	end := start + pageAlign(length)
	if end < start || pageAlign(length) < length {
		return syscall.EINVAL
	}
	if advice == madvPopulateRead || advice == madvPopulateWrite {
		return populateAdvised(m, start, end, advice == madvPopulateWrite)
	}
	var result syscall.Errno
	for at := start; at < end; {
		v := FindVMA(m, at)
		if v == nil || v.VMStart >= end {
			return syscall.ENOMEM
		}
		if at < v.VMStart {
			result = syscall.ENOMEM
			at = v.VMStart
		}
		to := min(end, v.VMEnd)
		if e := adviseVMA(m, v, at, to, advice); e != 0 {
			return e
		}
		at = to
	}
	return result
}

// takesPages reports whether advice can change what a program reads.
func takesPages(advice int) bool {
	switch advice {
	case syscall.MADV_DONTNEED, madvDontNeedLocked, madvFree, madvRemove, syscall.MADV_DONTFORK, madvWipeOnFork, madvGuardInstall:
		return true
	}
	return false
}

// changesFlags reports whether advice is kept in vm_flags.
func changesFlags(advice int) bool {
	switch advice {
	case syscall.MADV_NORMAL, syscall.MADV_RANDOM, syscall.MADV_SEQUENTIAL, syscall.MADV_DONTFORK, syscall.MADV_DOFORK,
		syscall.MADV_MERGEABLE, syscall.MADV_UNMERGEABLE, syscall.MADV_HUGEPAGE, syscall.MADV_NOHUGEPAGE,
		madvDontDump, madvDoDump, madvWipeOnFork, madvKeepOnFork:
		return true
	}
	return false
}

// adviseVMA takes advice on [start, end) of v, which may be gone afterwards: it may
// have become part of its neighbours.
func adviseVMA(m *MM, v *VMA, start, end uintptr, advice int) syscall.Errno {
	if takesPages(advice) && losesSealed(v, end) {
		return syscall.EPERM
	}
	locked := v.VMFlags&VMLocked != 0
	switch advice {
	case syscall.MADV_DONTNEED, madvDontNeedLocked, madvFree:
		if locked && advice != madvDontNeedLocked || v.VMFlags&VMIO != 0 || advice == madvFree && (v.VMFile != nil || v.VMFlags&VMShared != 0) {
			return syscall.EINVAL
		}
		// A lazy free would only save work that a fault does for us.
		zapPageRange(m, start, end)
		return 0
	case syscall.MADV_WILLNEED:
		if v.VMOps != nil && v.VMOps.Advise != nil {
			return v.VMOps.Advise(v, start, end, advice)
		}
		return 0
	case madvRemove:
		return punchHole(m, v, start, end)
	case madvCold, madvPageout:
		if locked || v.VMFlags&VMIO != 0 {
			return syscall.EINVAL
		}
		if advice == madvCold {
			coolRange(m, start, end)
		} else {
			pageOut(m, v, start, end)
		}
		return 0
	case madvGuardInstall:
		return installGuards(m, v, start, end)
	case madvGuardRemove:
		return removeGuards(m, v, start, end)
	case madvCollapse:
		return syscall.EINVAL // there are no huge pages
	}
	flags, e := adviseFlags(v, advice)
	if e != 0 || flags == v.VMFlags {
		return e
	}
	f := fixup{m: m, v: v, start: start, end: end, flags: flags}
	if e = f.apply(); e == 0 {
		f.join()
	}
	return e
}

// Puncher is a File of which a range can be freed (FALLOC_FL_PUNCH_HOLE). It takes locks
// that come before any MmapSem, and sleeps. EOPNOTSUPP, EPERM, and what the file gives.
type Puncher interface {
	PunchHole(off, n int64) syscall.Errno
}

// punchHole frees what the file of v has for [start, end) (madvise_remove). MmapSem held;
// it is dropped and taken again, so that v may be gone.
func punchHole(m *MM, v *VMA, start, end uintptr) syscall.Errno {
	if v.VMFlags&VMLocked != 0 || v.VMFile == nil {
		return syscall.EINVAL
	}
	if v.VMFlags&(VMShared|VMMayWrite) != VMShared|VMMayWrite {
		return syscall.EACCES
	}
	p, ok := v.VMFile.(Puncher)
	if !ok {
		return syscall.EOPNOTSUPP
	}
	file, off := v.VMFile, int64(v.pgoffAt(start))<<arch.PageShift
	file.GetFile()
	zapPageRange(m, start, end)
	m.MmapSem.Unlock()
	e := p.PunchHole(off, int64(end-start))
	file.FPut()
	m.MmapSem.Lock()
	return e
}

// adviseFlags is what advice makes of v's flags. EINVAL: not for such a mapping.
func adviseFlags(v *VMA, advice int) (VMFlags, syscall.Errno) {
	flags := v.VMFlags
	switch advice {
	case syscall.MADV_NORMAL:
		flags &^= VMRandRead | VMSeqRead
	case syscall.MADV_RANDOM:
		flags = flags&^VMSeqRead | VMRandRead
	case syscall.MADV_SEQUENTIAL:
		flags = flags&^VMRandRead | VMSeqRead
	case syscall.MADV_DONTFORK:
		flags |= VMDontCopy
	case syscall.MADV_DOFORK:
		if flags&VMIO != 0 {
			return flags, syscall.EINVAL
		}
		flags &^= VMDontCopy
	case syscall.MADV_HUGEPAGE:
		flags = flags&^VMNoHuge | VMHugePage
	case syscall.MADV_NOHUGEPAGE:
		flags = flags&^VMHugePage | VMNoHuge
	case syscall.MADV_MERGEABLE:
		// There is no ksmd: it is as if it had been told not to run.
		if flags&(VMMayShare|VMIO|VMDontExpand) == 0 {
			flags |= VMMergeable
		}
	case syscall.MADV_UNMERGEABLE:
		flags &^= VMMergeable
	case madvWipeOnFork:
		if v.VMFile != nil || flags&VMShared != 0 {
			return flags, syscall.EINVAL
		}
		flags |= VMWipeOnFork
	case madvKeepOnFork:
		if flags&VMDroppable != 0 {
			return flags, syscall.EINVAL
		}
		flags &^= VMWipeOnFork
	case madvDontDump:
		flags |= VMDontDump
	case madvDoDump:
		if flags&(VMDroppable|VMIO|VMDontExpand) != 0 {
			return flags, syscall.EINVAL
		}
		flags &^= VMDontDump
	}
	return flags, 0
}

// populateAdvised faults pages in as a program's accesses would. ENOMEM: a hole, or no
// memory; EINVAL: that access is not permitted; EFAULT. What comes before stays.
func populateAdvised(m *MM, start, end uintptr, write bool) syscall.Errno {
	need, access := VMRead, AccessRead
	if write {
		need, access = VMWrite, AccessWrite
	}
	for ; start < end; start += arch.PageSize {
		v := FindVMA(m, start)
		if v == nil || v.VMStart > start {
			return syscall.ENOMEM
		}
		if v.VMFlags&need == 0 {
			return syscall.EINVAL
		}
		switch r := faultLocked(m, start, access); {
		case r == FaultOOM:
			return syscall.ENOMEM
		case r.Failed():
			return syscall.EFAULT
		}
	}
	return 0
}

// DoMincore (do_mincore) sets out[i] to 1 if page i from addr on is in memory, else 0,
// as far as the vma at addr reaches, and returns for how many. MmapSem held. ENOMEM: addr
// is in a hole.
func DoMincore(m *MM, addr uintptr, out []byte) (int, syscall.Errno) {
	v := lookupVMA(m, addr)
	if v == nil {
		return 0, syscall.ENOMEM
	}
	n := int(min(uintptr(len(out)), (v.VMEnd-addr)>>arch.PageShift))
	for i := range out[:n] {
		out[i] = 0
		if isResident(m, v, addr+uintptr(i)<<arch.PageShift) {
			out[i] = 1
		}
	}
	return n, 0
}

// isResident reports whether the page of addr in v is in memory. MmapSem held.
func isResident(m *MM, v *VMA, addr uintptr) bool {
	m.PageTableLock.Lock()
	e := arch.PTE(0)
	if pte := lookupPTE(m, addr); pte != nil {
		e = loadPTE(pte)
	}
	m.PageTableLock.Unlock()
	switch {
	case ptePresent(e):
		return true
	case e.None(), e == pteGuard:
		return v.VMOps != nil && v.VMOps.Resident != nil && v.VMOps.Resident(v, addr)
	}
	page := LookupSwapCache(PTESwapEntry(e))
	if page == nil {
		return false
	}
	PutPage(page)
	return true
}
