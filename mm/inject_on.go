//go:build lockdep

package mm

import (
	"yolk/locks"
)

// Rules broken on purpose (-append inject=R1 … R12). Each function stands at one
// real place and does there what the rule forbids, if it is the one to break;
// the checker is expected to end the run. inject_off.go has the empty twins.

// injectR1: a fixup has lost mmap_sem on its way.
func injectR1(m *MM) {
	if locks.Injected("R1") {
		m.MmapSem.Unlock()
	}
}

// injectR2: mlock_fixup_middle of the 1999 patch stored vm_flags before it took
// the lock.
func injectR2(v *VMA, f VMFlags) {
	if locks.Injected("R2") {
		v.setFlags(f)
	}
}

// injectR3: access_process_vm before the patch looked the vma up and then took
// mmap_sem; here a fault does.
func injectR3(m *MM, addr uintptr) {
	if locks.Injected("R3") {
		FindVMA(m, addr)
	}
}

// injectR4: the stealer's fault list is locked and somebody asks for memory.
func injectR4() {
	if locks.Injected("R4") {
		PutPage(AllocPage(GFPKernel))
	}
}

// injectR5: fork holds the parent's vmlist lock and takes the child's.
func injectR5(child *MM) {
	if locks.Injected("R5") {
		vmlistModifyLock(child)
	}
}

// injectR6: a level of swap_out drops the vmlist lock and says 0, or (R6held)
// keeps it and says that pages were stolen.
func injectR6(m *MM, n int) int {
	if n == 0 && locks.Injected("R6") {
		vmlistAccessUnlock(m)
	}
	if n == 0 && locks.Injected("R6held") {
		return 1
	}
	return n
}

// injectR7: mremap of the 1999 patch locked current->mm and unlocked vma->vm_mm.
// It returns the mm to unlock.
func injectR7(m *MM) *MM {
	if locks.Injected("R7") {
		other := new(MM)
		other.reset()
		return other
	}
	return m
}

// injectR8: nopage is called with the vmlist lock held.
func injectR8(m *MM) {
	if locks.Injected("R8") {
		m.PageTableLock.Lock()
	}
}

// injectR9: do_munmap before the patch emptied mmap_cache at its end only.
func injectR9(m *MM, v *VMA) {
	if locks.Injected("R9") {
		m.mmapCache.Store(v)
	}
}

// injectR10: the stealer excludes the owner by mmap_sem.
func injectR10(m *MM) {
	if locks.Injected("R10") {
		m.MmapSem.Lock()
	}
}

// injectR11: the slab asks for pages with c_spinlock held.
func injectR11() {
	if locks.Injected("R11") {
		PutPage(AllocPage(GFPKernel))
	}
}

// injectR12: is_page_shared decides about a page that is not locked.
func injectR12(p *Page) {
	if locks.Injected("R12") && p.InSwapCache() {
		IsPageShared(p)
	}
}
