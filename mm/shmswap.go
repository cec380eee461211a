package mm

import (
	"syscall"

	"yolk/arch"
	"yolk/locks"
)

// Stealing from shared memory. swap_out takes the ptes of a shared page away one
// by one; when none is left only the object's slot refers to it, and shm_swap
// moves it to a swap area.

// shmScan is how many slots shm_swap looks at before it lets others have shmLock.
const shmScan = 512

// shmSwap moves one page of shared memory to swap (shm_swap) and reports whether
// it could. It goes on where it stopped the last time, and looks at 1/2^prio of
// the pages. kernel_lock is taken; no spinlock held on entry; may sleep.
func shmSwap(prio int, gfp GFP) bool {
	if NrSwapPages() == 0 {
		return false
	}
	locks.LockKernel()
	defer locks.UnlockKernel()
	throttleWrites()
	shmLock.Lock()
	budget := shmObjects.rss>>prio + 1
	slots := shmObjects.rss + shmObjects.swp + shmObjects.n + 1
	shmLock.Unlock()
	for budget > 0 && slots > 0 {
		s := shmSteal{gfp: gfp, budget: budget, slots: min(slots, shmScan)}
		slots -= s.slots
		shmLock.Lock()
		s.scan()
		shmLock.Unlock()
		if s.page != nil {
			CountVM(ShmSwapOut)
			writeSwapPage(s.page)
			PutPage(s.page) // was the slot's reference
			return true
		}
		budget = s.budget
	}
	return false
}

// shmSteal is a part of shm_swap's scan, for which shmLock is held.
type shmSteal struct {
	gfp    GFP
	budget int   // pages it may still look at
	slots  int   // slots it may still look at
	page   *Page // found: locked, in the swap cache
}

// scan moves the cursor over the objects until there is a page. shmLock held.
func (s *shmSteal) scan() {
	c := &shmObjects.swap
	for s.budget > 0 && s.slots > 0 && s.page == nil {
		s.slots--
		if c.o == nil {
			if c.o, c.index = shmObjects.head, 0; c.o == nil {
				return
			}
		}
		o := c.o
		index, slot := c.index, (*uint64)(nil)
		if o.rss > 0 && !o.unswapped {
			index, slot = o.slots.ShmNext(c.index)
		}
		if slot == nil {
			c.o, c.index = o.next, 0
			continue
		}
		c.index = index + 1
		if e := loadPTE(slot); e.Present() {
			s.budget--
			s.try(o, slot, e)
		}
	}
}

// try moves the page of a slot to the swap cache, if only the slot refers to it.
// In 1999 the swap slot was got before the search; it nests well inside shm_lock,
// so here a search in vain costs none. shmLock held.
func (s *shmSteal) try(o *ShmObject, slot *uint64, old arch.PTE) {
	CountVM(ShmSwapTry)
	p := PageOf(old.PFN())
	if p.Count() != 1 || wrongClass(p, s.gfp) || !p.tryLockForIO() {
		return
	}
	var entry [1]SwapEntry
	if getSwapPages(entry[:]) == 0 {
		p.unlockAfterIO()
		s.budget = 0
		return
	}
	e := entry[0]
	low := prepareBigmemSwapout(p)
	if low == nil {
		SwapFree(e)
		p.unlockAfterIO()
		return
	}
	SwapDuplicate(e) // the first reference is the slot's, this one the swap cache's
	low.Set(PGUptodate)
	low.Clear(PGReferenced | PGDirty)
	if !addToSwapCache(low, e) {
		panic("mm: a free swap slot has a page")
	}
	o.setSlot(slot, e.PTE())
	s.page = low
}

// shmUnuse brings back what shared memory has in a swap area, for swapoff
// (shm_unuse). ENOMEM, EIO. swapon_sem held, which makes the cursor this
// swapoff's; sleeps.
func shmUnuse(typ int) syscall.Errno {
	shmLock.Lock()
	shmObjects.unuse.o, shmObjects.unuse.index = shmObjects.head, 0
	shmLock.Unlock()
	for {
		o, index, e := shmNextUsed(typ)
		if o == nil {
			return 0
		}
		if _, err := o.SwapIn(index, e); err != 0 {
			return err
		}
	}
}

// shmNextUsed finds the next entry of an area. The object may be gone when the
// caller looks again: then SwapIn does nothing.
func shmNextUsed(typ int) (*ShmObject, uint64, SwapEntry) {
	c := &shmObjects.unuse
	for {
		shmLock.Lock()
		for range shmScan {
			if c.o == nil {
				shmLock.Unlock()
				return nil, 0, 0
			}
			index, slot := c.index, (*uint64)(nil)
			if c.o.swp > 0 {
				index, slot = c.o.slots.ShmNext(c.index)
			}
			if slot == nil {
				c.o, c.index = c.o.next, 0
				continue
			}
			c.index = index + 1
			if e := loadPTE(slot); PTESwapped(e) && PTESwapEntry(e).Type() == typ {
				o := c.o
				shmLock.Unlock()
				return o, index, PTESwapEntry(e)
			}
		}
		shmLock.Unlock()
	}
}
