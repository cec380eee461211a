package mm

import (
	"syscall"

	"yolk/arch"
)

// expandStack (expand_stack) grows v, the stack vma above addr, down to addr.
// ENOMEM when that would pass RLIMIT_STACK, RLIMIT_AS or the locked limit, or
// come closer than the guard gap to the mapping below, unless that is no-access
// or a stack itself. MmapSem held, no spinlock. The limits are those of m's
// process, whoever caused the access.
func expandStack(m *MM, v *VMA, addr uintptr) syscall.Errno {
	addr &= arch.PageMask
	if addr < mmapMinAddr {
		return syscall.EPERM
	}
	_, prev := findVMAPrev(m, v.VMStart)
	if prev != nil && prev.VMFlags&VMGrowsDown == 0 && prev.VMFlags&vmAccessBits != 0 &&
		addr-prev.VMEnd < StackGuardGap {
		return syscall.ENOMEM
	}
	if prev != nil && addr < prev.VMEnd {
		return syscall.ENOMEM
	}
	prepareAnon(m, v) // even if only reading, or not at all, as it does in Linux
	grow := int64((v.VMStart - addr) >> arch.PageShift)
	if uint64(v.VMEnd-addr) > m.Limits.Stack.Load() || !mayExpand(m, v.VMFlags, grow) ||
		v.VMFlags&VMLocked != 0 && !mayLock(m, grow) || !enoughMemory(grow) {
		return syscall.ENOMEM
	}
	// In 1999 this was not under the lock ("hard to come up with a destructive
	// scenario"); rule 2 makes no exception, so neither do we.
	vmlistModifyLock(m)
	v.setRange(addr, v.VMEnd, v.VMPgoff-uint64(grow)) // no mapping of a file grows down
	vmlistModifyUnlock(m)
	accountVMA(m, v.VMFlags, grow)
	return 0
}

// findExtendVMA (find_extend_vma) returns the vma that covers addr, growing a
// stack for it if need be; nil when there is none. MmapSem held; may sleep.
func findExtendVMA(m *MM, addr uintptr) *VMA {
	v := FindVMA(m, addr)
	if v == nil || v.VMStart <= addr {
		return v
	}
	start := v.VMStart
	if v.VMFlags&VMGrowsDown == 0 || expandStack(m, v, addr) != 0 {
		return nil
	}
	if v.VMFlags&VMLocked != 0 {
		makePagesPresent(m, v.VMStart, start)
	}
	return v
}

// SetupArgPages (setup_arg_pages) makes the stack of a new program: size bytes
// that end at top, which grow down on demand; exec then fills them with
// CopyToUser. ENOMEM. The caller holds no lock; may sleep.
func SetupArgPages(m *MM, top, size uintptr) syscall.Errno {
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	v := allocVMA(m)
	if v == nil {
		return syscall.ENOMEM
	}
	size = pageAlign(size)
	v.setRange(top-size, top, uint64((top-size)>>arch.PageShift))
	v.setFlags(vmStackFlags | VMAccount | m.defFlags)
	insertVMA(m, v)
	accountVMA(m, v.VMFlags, v.pages())
	m.StartStack = top
	return 0
}
