package mm

import (
	"syscall"

	"yolk/arch"
	"yolk/arch/pt"
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
	slots := int(shmObjects.pages)
	if shmObjects.rss == 0 {
		slots = 0
	}
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
	c := &shmObjects.cursor
	for s.budget > 0 && s.slots > 0 && s.page == nil {
		if c.o == nil {
			if c.o, c.index = shmObjects.head, 0; c.o == nil {
				return
			}
		}
		o := c.o
		if c.index >= o.pages || o.rss == 0 || o.unswapped {
			s.slots -= int(min(o.pages-min(c.index, o.pages), uint64(s.slots)))
			c.o, c.index = o.next, 0
			if c.o == nil {
				s.slots--
			}
			continue
		}
		slot := o.slot(c.index)
		if slot == nil {
			next := c.index&^(pt.Entries-1) + pt.Entries
			s.slots -= int(min(next-c.index, uint64(s.slots)))
			c.index = next
			continue
		}
		s.slots--
		c.index++
		if e := loadPTE(slot); e.Present() {
			s.budget--
			s.try(o, slot, e)
		}
	}
}

// try moves the page of a slot to the swap cache, if only the slot refers to it.
// In 1999 the swap slot was got before the search; it nests well inside shm_lock,
// so here a search in vain costs none. shmLock held.
func (s *shmSteal) try(o *shmObject, slot *uint64, old arch.PTE) {
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
// (shm_unuse). ENOMEM, EIO. No lock held; sleeps.
func shmUnuse(typ int) (err syscall.Errno) {
	var o *shmObject
	for {
		shmLock.Lock()
		next := shmObjects.head
		if o != nil {
			next = o.next
		}
		for next != nil && (next.swp == 0 || !next.getNotZero()) {
			next = next.next
		}
		shmLock.Unlock()
		if o != nil {
			o.FPut()
		}
		if o = next; o == nil {
			return 0
		}
		if err = o.unuse(typ); err != 0 {
			o.FPut()
			return err
		}
	}
}

// unuse brings back what one object has in an area. The caller has a reference.
func (o *shmObject) unuse(typ int) syscall.Errno {
	for i := range o.dirs {
		dir := loadPTE(&o.dirs[i])
		if !dir.Present() {
			continue
		}
		table := arch.Table(dir.PFN())
		for j := range table {
			e := loadPTE(&table[j])
			if !PTESwapped(e) || PTESwapEntry(e).Type() != typ {
				continue
			}
			if _, err := o.swapIn(&table[j], PTESwapEntry(e)); err != 0 {
				return err
			}
		}
	}
	return 0
}
