package mm

import (
	"syscall"

	"yolk/arch"
	"yolk/arch/pt"
)

// fixup describes a change to [start, end) of one vma. mprotect and mlock differ
// only in the flags they set, so they share the four cases of 1999's
// mprotect_fixup_* and mlock_fixup_*.
type fixup struct {
	m          *MM
	v          *VMA
	start, end uintptr
	flags      VMFlags
	whole      bool // the range is all of v; apply says so
}

// apply changes vm_flags of the range, splitting the vma as needed. MmapSem held,
// no spinlock; may sleep. ENOMEM: no memory, or too many vmas; nothing changed.
// The vma pointer is good after it, and then means exactly the range.
func (f *fixup) apply() syscall.Errno {
	v := f.v
	splits := 0
	if f.start != v.VMStart {
		splits++
	}
	if f.end != v.VMEnd {
		splits++
	}
	if f.m.mapCount+splits > maxMapCount() {
		return syscall.ENOMEM
	}
	switch {
	case splits == 0:
		f.whole = true
		injectR1(f.m)
		vmlistModifyLock(f.m)
		v.setFlags(f.flags)
		vmlistModifyUnlock(f.m)
		return 0
	case f.start == v.VMStart:
		return f.fixupStart()
	case f.end == v.VMEnd:
		return f.fixupEnd()
	}
	return f.fixupMiddle()
}

// join joins the range with its neighbours, if they differ in nothing now; v may be gone
// after it. As in Linux, what has a Close that counts, the mapping of a segment, may grow
// by a part that was cut off another one, but none is taken away. MmapSem held, no
// spinlock; may sleep.
func (f *fixup) join() {
	if f.whole && f.v.VMOps == &shmOps {
		return
	}
	mergeRange(f.m, f.start, f.end)
}

// part returns an open copy of f.v, not in the list, for [start, end); nil without memory.
func (f *fixup) part(start, end uintptr, flags VMFlags) *VMA {
	n := copyVMA(f.m, f.v)
	if n == nil {
		return nil
	}
	n.setRange(start, end, f.v.pgoffAt(start))
	n.setFlags(flags)
	openVMA(n)
	return n
}

// fixupStart changes the lower part; the old vma keeps the upper one.
func (f *fixup) fixupStart() syscall.Errno { return f.cutOff(f.end, f.v.VMEnd) }

// fixupEnd changes the upper part; the old vma keeps the lower one.
func (f *fixup) fixupEnd() syscall.Errno { return f.cutOff(f.v.VMStart, f.start) }

// cutOff makes a new vma of the range, at one end of the old one, which keeps
// [start, end).
func (f *fixup) cutOff(start, end uintptr) syscall.Errno {
	v := f.v
	n := f.part(f.start, f.end, f.flags)
	if n == nil {
		return syscall.ENOMEM
	}
	lockVMAMappings(v)
	vmlistModifyLock(f.m)
	v.setRange(start, end, v.pgoffAt(start))
	insertVMStruct(f.m, n)
	vmlistModifyUnlock(f.m)
	unlockVMAMappings(v)
	f.v = n
	return 0
}

// fixupMiddle changes the middle, which stays with the old vma; the new ones are
// left and right of it. (1999's mlock_fixup_middle stored vm_flags before it took
// the lock as well: rule 2 forbids it.)
func (f *fixup) fixupMiddle() syscall.Errno {
	v := f.v
	left := f.part(v.VMStart, f.start, v.VMFlags)
	if left == nil {
		return syscall.ENOMEM
	}
	right := f.part(f.end, v.VMEnd, v.VMFlags)
	if right == nil {
		closeVMA(left)
		return syscall.ENOMEM
	}
	injectR2(v, f.flags)
	lockVMAMappings(v)
	vmlistModifyLock(f.m)
	v.setRange(f.start, f.end, v.pgoffAt(f.start))
	v.setFlags(f.flags)
	insertVMStruct(f.m, left)
	insertVMStruct(f.m, right)
	vmlistModifyUnlock(f.m)
	unlockVMAMappings(v)
	return 0
}

// DoMprotect (sys_mprotect) sets the protection of [start, start+length). MmapSem
// held, no spinlock; may sleep. EINVAL unaligned or unknown bits; ENOMEM a hole
// in the range, or it wraps, too many vmas or no memory; EACCES more than the
// mapping may have. What comes before the place of the error stays changed.
func DoMprotect(m *MM, start, length uintptr, prot int) syscall.Errno {
	const (
		grows   = syscall.PROT_GROWSDOWN | syscall.PROT_GROWSUP
		protSem = 0x8 // asks for what all memory can do
	)
	if prot&grows == grows || start&^arch.PageMask != 0 {
		return syscall.EINVAL
	}
	if length == 0 {
		return 0
	}
	if length = pageAlign(length); length == 0 || start+length <= start {
		return syscall.ENOMEM
	}
	if prot&^(protMask|grows|protSem) != 0 {
		return syscall.EINVAL
	}
	end := start + length
	v := FindVMA(m, start)
	if v == nil {
		return syscall.ENOMEM
	}
	switch {
	case prot&syscall.PROT_GROWSDOWN != 0:
		if v.VMStart >= end {
			return syscall.ENOMEM
		}
		if v.VMFlags&VMGrowsDown == 0 {
			return syscall.EINVAL
		}
		start = v.VMStart
	case v.VMStart > start:
		return syscall.ENOMEM
	case prot&syscall.PROT_GROWSUP != 0:
		return syscall.EINVAL
	}
	return mprotectRange(m, v, start, end, VMFlags(prot&protMask))
}

// mprotectRange goes over the vmas of [start, end), the first of which is v.
func mprotectRange(m *MM, v *VMA, start, end uintptr, access VMFlags) syscall.Errno {
	for at := start; ; {
		to := min(end, v.VMEnd)
		if e := mprotectFixup(m, v, at, to, v.VMFlags&^vmAccessBits|access); e != 0 {
			return e
		}
		if at = to; at == end {
			return 0
		}
		if v = lookupVMA(m, at); v == nil {
			return syscall.ENOMEM
		}
	}
}

// mprotectFixup (mprotect_fixup) changes [start, end) of v to new flags. It may have
// become part of its neighbours then, and v be gone.
func mprotectFixup(m *MM, v *VMA, start, end uintptr, flags VMFlags) syscall.Errno {
	if flags&vmAccessBits&^(v.VMFlags>>4) != 0 {
		return syscall.EACCES
	}
	if v.VMFlags&VMSealed != 0 {
		return syscall.EPERM
	}
	if flags == v.VMFlags {
		return 0
	}
	pages := int64((end - start) >> arch.PageShift)
	old := v.VMFlags
	if flags&VMWrite == 0 && v.VMFile == nil && v.anon == 0 {
		flags &^= VMAccount // it may never be written: it is given back
	}
	if flags&VMWrite != 0 {
		// Data it becomes has to be within its limit; that of all memory does not matter here.
		if !mayExpand(m, flags, pages) && mayExpand(m, old, pages) {
			return syscall.ENOMEM
		}
		if isAccountable(flags) && old&(VMAccount|VMWrite) == 0 {
			if !enoughMemory(pages) {
				return syscall.ENOMEM
			}
			flags |= VMAccount
		}
	}
	f := fixup{m: m, v: v, start: start, end: end, flags: flags}
	if e := f.apply(); e != 0 {
		return e
	}
	accountVMA(m, old, -pages)
	accountVMA(m, flags, pages)
	changeProtection(m, start, end, pageProt(flags))
	f.join()
	if old&(VMWrite|VMShared|vmLockedBits) == VMLocked && flags&VMWrite != 0 {
		makePagesPresent(m, start, end) // of their own, so that a write will not wait
	}
	return 0
}

// changeProtection gives the present ptes of [start, end) new protection bits.
// A writable private page becomes writable again by a fault only. MmapSem held.
func changeProtection(m *MM, start, end uintptr, prot arch.PTE) {
	first, last := end, start
	m.PageTableLock.Lock()
	for pte, addr := nextPTE(m, start, end); pte != nil; pte, addr = nextPTE(m, addr+arch.PageSize, end) {
		e := loadPTE(pte)
		if !ptePresent(e) {
			continue
		}
		set := prot
		if e.PFN() == zeroPFN {
			set &^= pt.Write
		}
		changePTE(pte, pteKeep, set)
		first = min(first, addr)
		last = addr + arch.PageSize
	}
	if first < last {
		arch.FlushTLBRange(&m.Ctx, first, last)
	}
	m.PageTableLock.Unlock()
}
