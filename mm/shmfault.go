package mm

import (
	"syscall"

	"yolk/arch/pt"
	"yolk/locks"
)

// Faults on shared memory, and the way back from swap.

// shmNopage finds, reads or makes the page of addr (shm_nopage; VMOps.Nopage).
// Beyond the object's end, where only mremap gets a mapping, there is none.
func shmNopage(v *VMA, addr uintptr, _ bool) (*Page, FaultResult) {
	o := v.VMFile.(*shmObject)
	index := v.pgoffAt(addr)
	if index >= o.pages {
		return nil, FaultBus
	}
	slot := o.allocSlot(index)
	if slot == nil {
		return nil, FaultOOM
	}
	how := FaultMinor
	for {
		shmLock.Lock()
		e := loadPTE(slot)
		if e.Present() {
			p := PageOf(e.PFN())
			GetPage(p)
			shmLock.Unlock()
			return p, how
		}
		shmLock.Unlock()
		if e.None() {
			if !o.fillSlot(slot) {
				return nil, FaultOOM
			}
			continue
		}
		switch read, err := o.swapIn(slot, PTESwapEntry(e)); {
		case err == syscall.ENOMEM:
			return nil, FaultOOM
		case err != 0:
			return nil, FaultBus
		case read:
			how = FaultMajor
		}
	}
}

// fillSlot gives an empty slot a page of zeros, unless somebody is faster. False
// without memory. May sleep.
func (o *shmObject) fillSlot(slot *uint64) bool {
	p := AllocPage(GFPHighUser | GFPZero)
	if p == nil {
		return false
	}
	shmLock.Lock()
	if loadPTE(slot).None() {
		o.setSlot(slot, pt.Make(p.PFN(), pt.Present))
		p = nil
	}
	shmLock.Unlock()
	if p != nil {
		PutPage(p)
	}
	return true
}

// swapIn puts the page of swap slot e, which slot named a moment ago, back into
// it; when that has changed, nothing is done and the caller looks again. It
// reports whether it waited for the disk. ENOMEM; EIO the page could not be read.
// No spinlock held; sleeps.
func (o *shmObject) swapIn(slot *uint64, e SwapEntry) (read bool, err syscall.Errno) {
	p := LookupSwapCache(e)
	if p == nil {
		locks.LockKernel()
		SwapinReadahead(e)
		p = ReadSwapCache(e, true)
		locks.UnlockKernel()
		if p == nil {
			shmLock.Lock()
			defer shmLock.Unlock()
			if loadPTE(slot) == e.PTE() {
				return false, syscall.ENOMEM
			}
			return false, 0
		}
		read = true
	}
	LockPage(p)
	defer PutPage(p)
	defer UnlockPage(p)
	if !p.InSwapCache() || p.index != uint64(e) {
		return read, 0
	}
	shmLock.Lock()
	defer shmLock.Unlock()
	if loadPTE(slot) != e.PTE() {
		return read, 0 // swapoff was faster, and the swap slot is another's now
	}
	if !p.Uptodate() {
		return read, syscall.EIO
	}
	// The object's only copy is in memory from here on: whoever maps it may write.
	DeleteFromSwapCache(p)
	SwapFree(e)
	GetPage(p)
	o.setSlot(slot, pt.Make(p.PFN(), pt.Present))
	CountVM(ShmSwapIn)
	return read, 0
}

// shmResident says whether the page of addr can be had without waiting (VMOps.Resident).
func shmResident(v *VMA, addr uintptr) bool {
	o := v.VMFile.(*shmObject)
	index := v.pgoffAt(addr)
	if index >= o.pages {
		return false
	}
	slot := o.slot(index)
	if slot == nil {
		return false
	}
	e := loadPTE(slot)
	if e.Present() || e.None() {
		return e.Present()
	}
	p := FindGetPage(&swapperSpace, uint64(PTESwapEntry(e)))
	if p == nil {
		return false
	}
	defer PutPage(p)
	return p.Uptodate()
}

// KeepPage is the Swapout of a mapping whose object keeps its pages (shm_swapout):
// a stealer may take the pte and nothing has to be written. That the method
// exists keeps the stealer from giving the page a swap slot of its own.
func KeepPage(*Page, File) syscall.Errno { return 0 }
