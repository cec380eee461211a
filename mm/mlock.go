package mm

import (
	"syscall"

	"yolk/arch"
)

// Flags of mlock2 and mlockall.
const (
	MlockOnFault = 1
	MclCurrent   = 1
	MclFuture    = 2
	MclOnFault   = 4
)

// canLock reports whether m's process may lock anything (can_do_mlock).
func canLock(m *MM) bool { return m.Limits.IPCLock.Load() || m.Limits.Memlock.Load() != 0 }

// lockRange turns the arguments of mlock into whole pages. EINVAL when they wrap.
func lockRange(addr, length uintptr) (start, end uintptr, e syscall.Errno) {
	start = addr & arch.PageMask
	end = start + pageAlign(length+addr-start) // a length that wraps is none, as in Linux
	if end < start {
		return start, end, syscall.EINVAL
	}
	return start, end, 0
}

// DoMlock (sys_mlock) locks [addr, addr+length) in memory: at once, or with
// MlockOnFault page by page as they are used. MmapSem held, no spinlock; may sleep.
// EPERM no right; ENOMEM over RLIMIT_MEMLOCK or a hole; EINVAL wraps; EAGAIN not
// all pages could be brought in.
func DoMlock(m *MM, addr, length uintptr, flags int) syscall.Errno {
	if !canLock(m) {
		return syscall.EPERM
	}
	start, end, e := lockRange(addr, length)
	more := int64((end-start)>>arch.PageShift) - lockedIn(m, start, end)
	if !mayLock(m, more) {
		return syscall.ENOMEM
	}
	if e != 0 {
		return e
	}
	lock := VMLocked
	if flags&MlockOnFault != 0 {
		lock |= VMLockOnFlt
	}
	if e = applyLock(m, start, end, lock); e != 0 {
		return e
	}
	if lock&VMLockOnFlt == 0 && end > start {
		return populateLocked(m, start, end)
	}
	return 0
}

// DoMunlock (sys_munlock) unlocks [addr, addr+length). MmapSem held, no spinlock;
// may sleep. EINVAL, ENOMEM as DoMlock. Locks do not stack.
func DoMunlock(m *MM, addr, length uintptr) syscall.Errno {
	start, end, e := lockRange(addr, length)
	if e != 0 {
		return e
	}
	return applyLock(m, start, end, 0)
}

// DoMlockall (sys_mlockall). MmapSem held, no spinlock; may sleep. EINVAL flags;
// EPERM no right; ENOMEM over the limit. What cannot be brought in is not an error.
func DoMlockall(m *MM, flags int) syscall.Errno {
	if flags&(MclCurrent|MclFuture) == 0 || flags&^(MclCurrent|MclFuture|MclOnFault) != 0 {
		return syscall.EINVAL
	}
	if !canLock(m) {
		return syscall.EPERM
	}
	if flags&MclCurrent != 0 && !m.Limits.IPCLock.Load() &&
		uint64(m.totalVM) > m.Limits.Memlock.Load()>>arch.PageShift {
		return syscall.ENOMEM
	}
	lock := VMLocked
	if flags&MclOnFault != 0 {
		lock |= VMLockOnFlt
	}
	m.defFlags = 0
	if flags&MclFuture != 0 {
		m.defFlags = lock
	}
	if flags&MclCurrent == 0 {
		return 0
	}
	setLockAll(m, lock)
	if lock&VMLockOnFlt == 0 {
		for v := firstVMA(m); v != nil; v = v.vmNext {
			populateLocked(m, v.VMStart, v.VMEnd)
		}
	}
	return 0
}

// DoMunlockall (sys_munlockall) unlocks everything, now and in future. MmapSem held.
func DoMunlockall(m *MM) {
	m.defFlags = 0
	setLockAll(m, 0)
}

// setLockAll sets the lock flags of every vma.
func setLockAll(m *MM, lock VMFlags) {
	for v := FindVMA(m, 0); v != nil; {
		next := v.VMEnd
		mlockFixup(m, v, v.VMStart, next, lock) // whole vmas: it cannot fail
		v = FindVMA(m, next)
	}
}

// lockedIn counts the pages of [start, end) that are locked already. The end may have wrapped.
func lockedIn(m *MM, start, end uintptr) (pages int64) {
	if end < start {
		end = arch.TaskSize
	}
	for v := FindVMA(m, start); v != nil && v.VMStart < end; v = v.vmNext {
		if v.VMFlags&VMLocked != 0 {
			pages += int64((min(end, v.VMEnd) - max(start, v.VMStart)) >> arch.PageShift)
		}
	}
	return pages
}

// applyLock (do_mlock) sets the lock flags of [start, end). ENOMEM at a hole or
// without memory; what comes before it stays changed.
func applyLock(m *MM, start, end uintptr, lock VMFlags) syscall.Errno {
	for at := start; at < end; {
		v := lookupVMA(m, at)
		if v == nil {
			return syscall.ENOMEM
		}
		to := min(end, v.VMEnd)
		if e := mlockFixup(m, v, at, to, lock); e != 0 {
			return e
		}
		at = to
	}
	return 0
}

// mlockFixup (mlock_fixup) sets the lock flags of [start, end) of v, which may be part
// of its neighbours afterwards, and v gone. The flag is
// set under vmlistModifyLock, where stealers read it, before any page is brought
// in: so none is stolen after. (2.3 faulted the pages in here; we do so after the merge.)
// Mappings of the kernel's pages stay as they are: those are never stolen.
func mlockFixup(m *MM, v *VMA, start, end uintptr, lock VMFlags) syscall.Errno {
	if lock == v.VMFlags&vmLockedBits || v.VMFlags&(VMIO|VMReserved|VMDontExpand|VMDroppable) != 0 {
		return 0
	}
	old := v.VMFlags
	f := fixup{m: m, v: v, start: start, end: end, flags: old&^vmLockedBits | lock}
	if e := f.apply(); e != 0 {
		return e
	}
	pages := int64((end - start) >> arch.PageShift)
	if old&VMLocked != 0 {
		m.addLocked(-pages)
	}
	if lock != 0 {
		m.addLocked(pages)
	}
	f.join()
	return 0
}

// populateLocked brings in [start, end) for mlock. ENOMEM for what the program
// could not access, EAGAIN without memory.
func populateLocked(m *MM, start, end uintptr) syscall.Errno {
	switch r := makePagesPresent(m, start, end); {
	case r == FaultOOM:
		return syscall.EAGAIN
	case r.Failed():
		return syscall.ENOMEM
	}
	return 0
}
