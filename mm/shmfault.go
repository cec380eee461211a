package mm

import (
	"syscall"
)

// Faults on shared memory, and the way back from swap.

// shmNopage finds, reads or makes the page of addr (shm_nopage; VMOps.Nopage).
// Beyond the object's end, where only mremap gets a mapping, there is none.
func shmNopage(v *VMA, addr uintptr, _ bool) (*Page, FaultResult) {
	o := v.VMFile.(*shmFrames)
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
		p, e := ShmPage(slot)
		shmLock.Unlock()
		if p != nil {
			return p, how
		}
		if e == 0 {
			if !o.fillSlot(slot) {
				return nil, FaultOOM
			}
			continue
		}
		switch read, err := o.SwapIn(index, e); {
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
func (o *shmFrames) fillSlot(slot *uint64) bool {
	p := AllocPage(GFPHighUser | GFPZero)
	if p == nil {
		return false
	}
	shmLock.Lock()
	if loadPTE(slot).None() {
		o.Set(slot, p)
		p = nil
	}
	shmLock.Unlock()
	if p != nil {
		PutPage(p)
	}
	return true
}

// SwapIn puts the page of entry e, which the slot of page index named a moment ago,
// back into the slot; when that has changed, nothing is done and the caller looks
// again. It reports whether it waited for the disk. ENOMEM; EIO the page could not
// be read. No spinlock held; sleeps.
func (o *ShmObject) SwapIn(index uint64, e SwapEntry) (read bool, err syscall.Errno) {
	p, read := swapIn(e)
	if p == nil {
		shmLock.Lock()
		defer shmLock.Unlock()
		if o.names(index, e) != nil {
			return false, syscall.ENOMEM
		}
		return false, 0
	}
	LockPage(p)
	defer PutPage(p)
	defer UnlockPage(p)
	if !p.InSwapCache() || p.index != uint64(e) {
		return read, 0
	}
	valid := rereadSwapPage(p)
	shmLock.Lock()
	defer shmLock.Unlock()
	slot := o.names(index, e)
	if slot == nil {
		return read, 0 // somebody was faster, and the place in swap may be another's now
	}
	if !valid {
		return read, syscall.EIO
	}
	// The object's only copy is in memory from here on: whoever maps it may write.
	DeleteFromSwapCache(p)
	SwapFree(e)
	GetPage(p)
	o.Set(slot, p)
	CountVM(ShmSwapIn)
	return read, 0
}

// names returns the slot of page index if e is there. shmLock held.
func (o *ShmObject) names(index uint64, e SwapEntry) *uint64 {
	assertShm("a slot is looked at")
	if slot := o.slots.ShmSlot(index); slot != nil && loadPTE(slot) == e.PTE() {
		return slot
	}
	return nil
}

// shmResident says whether the page of addr can be had without waiting (VMOps.Resident).
func shmResident(v *VMA, addr uintptr) bool {
	o := v.VMFile.(*shmFrames)
	index := v.pgoffAt(addr)
	if index >= o.pages {
		return false
	}
	slot := o.ShmSlot(index)
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
