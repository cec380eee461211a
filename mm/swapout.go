package mm

import (
	"sync/atomic"
	"syscall"

	"yolk/arch"
	"yolk/arch/pt"
)

// steal is one stealer's scan of one address space. try_to_swap_out of 1999
// dealt with a pte at a time; here the ptes that look worth it are collected
// first, because taking a page from a running program costs an interrupt on
// every CPU that runs it: one flush then serves a whole batch, and their
// writes leave in few requests. From the exchange of the first pte to the
// decision on the last the vmlist lock is held throughout.
type steal struct {
	m   *MM
	v   *VMA
	gfp GFP

	n    int
	cand [stealBatch]candidate

	touched        bool // [lo, hi) has ptes that some TLB may still hold
	lo, hi         uintptr
	slots          [stealBatch]SwapEntry
	nSlots, used   int // slots[used:nSlots] have no page yet
	stolen, writes int
	after          [stealBatch]afterwards
}

// stealBatch is how many ptes one flush serves.
const stealBatch = 64

// candidate is a pte that was exchanged for an empty one.
type candidate struct {
	pte  *uint64
	old  arch.PTE // what it held, A and D bits included
	page *Page    // still with that pte's reference
	dest fate
}

// afterwards is what is left to do once the vmlist lock is dropped: write the
// page to its slot, or, with a file, hand it to the driver.
type afterwards struct {
	page    *Page
	file    File
	swapout func(*Page, File) syscall.Errno
	vma     *VMA // in the form of 1999, until the snapshot
}

// fate is what becomes of a candidate.
type fate uint8

const (
	keep    fate = iota // put the pte back
	forget              // clean: the page can be had again
	requeue             // in the swap cache: its slot holds the contents
	toFile              // dirty, and the driver knows where to
	toSwap              // dirty, needs a slot
)

// consider is the first half of try_to_swap_out: it passes over what is not worth
// stealing, ages what was used, and takes the rest out of the page table. vmlist
// lock held.
func (s *steal) consider(pte *uint64, addr uintptr) {
	e := loadPTE(pte)
	if !ptePresent(e) || !PFNValid(e.PFN()) {
		return
	}
	p := PageOf(e.PFN())
	switch {
	case e.Young():
		atomic.AndUint64(pte, ^uint64(pt.Accessed))
		p.Set(PGReferenced)
		s.touch(addr)
		CountVM(TSOYoung)
		return
	case p.Reserved():
		CountVM(TSOReserved)
		return
	case p.Locked():
		CountVM(TSOLocked)
		return
	case s.gfp&GFPDMA != 0 && !p.PageDMA() || s.gfp&GFPBigmem == 0 && p.PageHigh() && s.gfp&GFPSwap == 0:
		CountVM(TSOClass)
		return
	case isDirty(e) && !p.InSwapCache():
		// Do not trouble the TLBs for a page that we cannot get rid of.
		if s.gfp&GFPIO == 0 {
			CountVM(TSONoIO)
			return
		}
		if s.swapout() == nil && NrSwapPages() == 0 {
			CountVM(TSONoSlot)
			return
		}
	}
	step("try_to_swap_out: looked")
	s.touch(addr)
	s.cand[s.n] = candidate{pte: pte, old: getAndClearPTE(pte), page: p}
	s.n++
}

func (s *steal) touch(addr uintptr) {
	if !s.touched {
		s.touched, s.lo, s.hi = true, addr, addr
	}
	s.lo, s.hi = min(s.lo, addr), max(s.hi, addr+arch.PageSize)
}

// flush makes every CPU forget the ptes that changed.
func (s *steal) flush() {
	if s.touched {
		CountVM(SwapOutFlush)
		arch.FlushTLBRange(&s.m.Ctx, s.lo, s.hi)
		s.touched = false
	}
}

// isDirty reports whether dropping the page would lose its contents. An
// anonymous page that is not in the swap cache exists nowhere else.
func isDirty(e arch.PTE) bool { return e&(pt.Dirty|pteAnon) != 0 }

func (s *steal) swapout() func(*Page, File) syscall.Errno {
	if s.v.VMOps == nil {
		return nil
	}
	return s.v.VMOps.Swapout
}

// tryToSwapOut is the second half: with the ptes out of every TLB, their dirty
// bits are final and nobody writes to the pages, so it can decide on each. The
// order is that of the document's patch as corrected the day after: slot, copy
// (bounce), duplicate, swap cache, rss, pte, (TLB: flushed already), unlock, write.
//
// vmlist lock held on entry. 0: it is still held, and nothing was stolen. Else
// the number of pages stolen: the lock is gone. kernel_lock held; may sleep then.
func tryToSwapOut(s *steal) int {
	if s.n == 0 {
		return 0
	}
	s.flush()
	s.stolen, s.writes, s.nSlots, s.used = 0, 0, 0, 0
	need := 0
	for i := range s.cand[:s.n] {
		c := &s.cand[i]
		if c.dest = s.decide(c); c.dest == toSwap {
			need++
		}
	}
	if need > 0 {
		s.nSlots = getSwapPages(s.slots[:need])
	}
	for i := range s.cand[:s.n] {
		s.settle(&s.cand[i])
	}
	s.n = 0
	if s.stolen == 0 {
		return 0
	}
	m := s.m
	s.m, s.v = nil, nil // from here on they are not ours to look at
	vmlistAccessUnlock(m)
	step("try_to_swap_out: unlocked")
	for i := range s.after[:s.writes] {
		s.after[i].snapshot()
	}
	for i := range s.after[:s.writes] {
		s.after[i].run()
		s.after[i] = afterwards{}
	}
	return s.stolen
}

// decide says what becomes of a candidate. Unless that is keep or toFile, the
// page is locked on return. vmlist lock held.
func (s *steal) decide(c *candidate) fate {
	p := c.page
	if c.old.Young() {
		CountVM(TSOYoung)
		return keep
	}
	if !p.tryLockForIO() {
		CountVM(TSOLocked)
		return keep
	}
	switch {
	case p.InSwapCache():
		e := SwapEntry(p.index)
		if swapArea(e).writeOK.Load() {
			return requeue
		}
		// Swapoff is emptying the area: the page moves to another one. If ptes
		// still name its slot the page stays for them, and a copy moves.
		if SwapCount(e) == 1 {
			DeleteFromSwapCache(p)
		}
		return toSwap
	case !isDirty(c.old):
		return forget
	case s.gfp&GFPIO == 0:
		CountVM(TSONoIO)
		p.unlockAfterIO()
		return keep
	case s.swapout() != nil:
		p.unlockAfterIO()
		return toFile
	}
	return toSwap
}

// settle carries a decision out. vmlist lock held.
func (s *steal) settle(c *candidate) {
	p := c.page
	switch c.dest {
	case forget:
		CountVM(TSOClean)
		s.unmap(c, 0)
		p.unlockAfterIO()
		PutPage(p)
	case requeue:
		e := SwapEntry(p.index)
		if !stealDuplicate(e) {
			c.dest = keep
			p.unlockAfterIO()
			break
		}
		CountVM(TSOSwapCached)
		s.unmap(c, e.PTE())
		p.Clear(PGReferenced)
		lruRotate(p)
		p.unlockAfterIO()
		PutPage(p)
	case toFile:
		CountVM(TSOFile)
		SetPageDirty(p)
		p.Clear(PGReferenced)
		s.later(s.handOver(p))
		s.unmap(c, 0)
	case toSwap:
		s.toSwap(c)
	}
	if c.dest == keep {
		setPTE(c.pte, c.old)
	}
}

// toSwap moves a dirty anonymous page, which is locked, to the swap cache.
func (s *steal) toSwap(c *candidate) {
	if s.used == s.nSlots {
		CountVM(TSONoSlot)
		c.dest = keep
		c.page.unlockAfterIO()
		return
	}
	e := s.slots[s.used]
	s.used++
	p := prepareBigmemSwapout(c.page)
	if p == nil {
		CountVM(TSONoBounce)
		SwapFree(e)
		c.dest = keep
		c.page.unlockAfterIO()
		return
	}
	CountVM(TSOAnon)
	if p != c.page {
		CountVM(BigmemSwapout)
	}
	SwapDuplicate(e) // the first reference is the pte's, this one the swap cache's
	p.Set(PGUptodate)
	p.Clear(PGReferenced | PGDirty) // what is written from now on sets PGDirty again
	if !addToSwapCache(p, e) {
		panic("mm: a free swap slot has a page")
	}
	s.unmap(c, e.PTE())
	s.later(afterwards{page: p})
}

// unmap replaces a candidate's pte and takes the page out of the sums.
func (s *steal) unmap(c *candidate, e arch.PTE) {
	countPTE(s.m, c.old, -1)
	if e != 0 {
		s.m.SwapEnts.Add(1)
		setPTE(c.pte, e)
	}
	s.stolen++
}

func (s *steal) later(a afterwards) {
	s.after[s.writes] = a
	s.writes++
}

// run finishes a theft and drops the pte's reference. No spinlock held; may sleep.
func (a *afterwards) run() {
	if a.swapout == nil {
		writeSwapPage(a.page)
	} else {
		assertDriver()
		if a.swapout(a.page, a.file) != 0 {
			CountVM(TSOFileError)
		}
		assertDriver()
		a.file.FPut()
	}
	PutPage(a.page)
}
