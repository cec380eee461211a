package mm

import (
	"syscall"

	"yolk/arch"
)

// Advice of madvise that the standard library does not name.
const (
	madvFree          = 8
	madvRemove        = 9
	madvDontDump      = 16
	madvDoDump        = 17
	madvWipeOnFork    = 18
	madvKeepOnFork    = 19
	madvCold          = 20
	madvPageout       = 21
	madvPopulateRead  = 22
	madvPopulateWrite = 23
)

// adviceKnown reports whether advice is one that we take, be it by doing nothing.
// MADV_MERGEABLE is not: there is no ksmd, and Linux built without it says EINVAL.
func adviceKnown(advice int) bool {
	switch advice {
	case syscall.MADV_NORMAL, syscall.MADV_RANDOM, syscall.MADV_SEQUENTIAL, syscall.MADV_WILLNEED,
		syscall.MADV_DONTNEED, syscall.MADV_DONTFORK, syscall.MADV_DOFORK, syscall.MADV_HUGEPAGE, syscall.MADV_NOHUGEPAGE,
		madvDontDump, madvDoDump,
		madvFree, madvRemove, madvWipeOnFork, madvKeepOnFork, madvCold, madvPageout, madvPopulateRead, madvPopulateWrite:
		return true
	}
	return false
}

// DoMadvise (sys_madvise) takes advice on [start, start+length). MmapSem held, no
// spinlock; may sleep. EINVAL unaligned, wrapping, unknown, or not for such a
// mapping; EPERM sealed; ENOMEM a hole, after the advice was taken on the rest.
func DoMadvise(m *MM, start, length uintptr, advice int) syscall.Errno {
	if !adviceKnown(advice) || start&^arch.PageMask != 0 {
		return syscall.EINVAL
	}
	end := start + pageAlign(length)
	if end < start || pageAlign(length) < length {
		return syscall.EINVAL
	}
	v := FindVMA(m, start)
	if takesPages(advice) && losesSealed(v, end) {
		return syscall.EPERM
	}
	var hole syscall.Errno
	for at := start; at < end; v = v.vmNext {
		if v == nil || v.VMStart >= end {
			hole = syscall.ENOMEM
			break
		}
		if at < v.VMStart {
			hole = syscall.ENOMEM
			at = v.VMStart
		}
		to := min(end, v.VMEnd)
		next, e := adviseVMA(m, v, at, to, advice)
		if e != 0 {
			return e
		}
		v, at = next, to
	}
	if changesFlags(advice) {
		mergeRange(m, start, end)
	}
	return hole
}

// takesPages reports whether advice can change what a program reads.
func takesPages(advice int) bool {
	switch advice {
	case syscall.MADV_DONTNEED, madvFree, madvRemove, syscall.MADV_DONTFORK, madvWipeOnFork:
		return true
	}
	return false
}

func changesFlags(advice int) bool {
	switch advice {
	case syscall.MADV_DONTFORK, syscall.MADV_DOFORK, madvWipeOnFork, madvKeepOnFork, madvDontDump, madvDoDump:
		return true
	}
	return false
}

// adviseVMA takes advice on [start, end) of v and returns the vma that ends at end.
func adviseVMA(m *MM, v *VMA, start, end uintptr, advice int) (*VMA, syscall.Errno) {
	flags := v.VMFlags
	switch advice {
	case syscall.MADV_DONTNEED, madvFree:
		if flags&(VMLocked|VMIO) != 0 || advice == madvFree && (v.VMFile != nil || flags&VMShared != 0) {
			return v, syscall.EINVAL
		}
		// A lazy free would only save work that a fault does for us.
		zapPageRange(m, start, end)
	case syscall.MADV_WILLNEED:
		if v.VMOps != nil && v.VMOps.Advise != nil {
			return v, v.VMOps.Advise(v, start, end, advice)
		}
	case madvRemove:
		return v, syscall.EINVAL // no mapping here can punch holes into what backs it
	case syscall.MADV_DONTFORK:
		flags |= VMDontCopy
	case syscall.MADV_DOFORK:
		if flags&VMIO != 0 {
			return v, syscall.EINVAL
		}
		flags &^= VMDontCopy
	case madvWipeOnFork:
		if v.VMFile != nil || flags&VMShared != 0 {
			return v, syscall.EINVAL
		}
		flags |= VMWipeOnFork
	case madvKeepOnFork:
		flags &^= VMWipeOnFork
	case madvDontDump:
		flags |= VMDontDump
	case madvDoDump:
		flags &^= VMDontDump
	case madvPopulateRead, madvPopulateWrite:
		return v, populateAdvised(m, v, start, end, advice == madvPopulateWrite)
	}
	if flags == v.VMFlags {
		return v, 0
	}
	f := fixup{m: m, v: v, start: start, end: end, flags: flags}
	e := f.apply()
	return f.v, e
}

// populateAdvised faults pages in as a program's accesses would.
func populateAdvised(m *MM, v *VMA, start, end uintptr, write bool) syscall.Errno {
	need := vmAccessBits
	access := AccessRead
	if write {
		need, access = VMWrite, AccessWrite
	}
	if v.VMFlags&need == 0 {
		return syscall.EINVAL
	}
	for ; start < end; start += arch.PageSize {
		switch r := faultLocked(m, start, access); {
		case r == FaultOOM:
			return syscall.ENOMEM
		case r.Failed():
			return syscall.EFAULT
		}
	}
	return 0
}

// DoMincore (sys_mincore) sets out[i] to 1 if page i from addr on is in memory,
// else 0. MmapSem held. ENOMEM: a hole.
func DoMincore(m *MM, addr uintptr, out []byte) syscall.Errno {
	v := FindVMA(m, addr)
	for i := range out {
		for v != nil && v.VMEnd <= addr {
			v = v.vmNext
		}
		if v == nil || addr < v.VMStart {
			return syscall.ENOMEM
		}
		out[i] = 0
		if isResident(m, v, addr) {
			out[i] = 1
		}
		addr += arch.PageSize
	}
	return 0
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
	case e.None():
		return v.VMOps != nil && v.VMOps.Resident != nil && v.VMOps.Resident(v, addr)
	}
	page := LookupSwapCache(PTESwapEntry(e))
	if page == nil {
		return false
	}
	PutPage(page)
	return true
}
