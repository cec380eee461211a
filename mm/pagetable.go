package mm

import (
	"sync/atomic"

	"yolk/arch"
	"yolk/arch/pt"
	"yolk/locks"
)

// Page tables: four levels, each a frame of 512 entries. Entries of the lowest
// level are ptes; hardware sets their A and D bits at any time, so every change
// is an exchange or a compare-and-swap, made under PageTableLock.
//
// Who may walk: with MmapSem, or with PageTableLock held throughout. Tables are
// added under both, and freed only after their entry was cleared under both.

// pteAnon is a software bit: the page belongs to no file and counts in AnonRSS.
const pteAnon arch.PTE = 1 << 9

// pteHidden marks, with Present clear, the pte of a present page in a PROT_NONE mapping.
const pteHidden = pt.Global

// ptePresent reports whether e names a frame, be it hidden by PROT_NONE.
func ptePresent(e arch.PTE) bool { return e&(pt.Present|pteHidden) != 0 }

const (
	tableBits = pt.Present | pt.Write | pt.User | pt.Accessed
	// pteKeep are the bits that a change of protection leaves alone.
	pteKeep   = ^(pt.Present | pt.Write | pt.User | pt.NX | pteHidden)
	levelBits = 9
	pmdSize   = uintptr(1) << (arch.PageShift + levelBits) // what one pte table maps
	pudSize   = pmdSize << levelBits
	pgdSize   = pudSize << levelBits
)

// pageProt is protection_map: the pte bits for vm_flags. Private writable pages
// are mapped read-only until the first write copies them.
func pageProt(f VMFlags) arch.PTE {
	if f&vmAccessBits == 0 {
		return pteHidden | pt.User | pt.NX
	}
	prot := pt.Present | pt.User
	if f&VMExec == 0 {
		prot |= pt.NX
	}
	if f&(VMWrite|VMShared) == VMWrite|VMShared {
		prot |= pt.Write
	}
	return prot
}

func loadPTE(p *uint64) arch.PTE { return arch.PTE(atomic.LoadUint64(p)) }

// assertPTE checks that a lock is held which guards ptes, or the slots of shared
// memory, which look like them.
func assertPTE(what string) { locks.AssertGuard(locks.PageTableLock, locks.ShmLock, what) }

// setPTE stores into an entry that was empty, or non-present for the hardware.
func setPTE(p *uint64, e arch.PTE) {
	assertPTE("a pte is set")
	atomic.StoreUint64(p, uint64(e))
}

// getAndClearPTE empties an entry and returns what it held, A and D bits included.
func getAndClearPTE(p *uint64) arch.PTE {
	assertPTE("a pte is cleared")
	return arch.PTE(atomic.SwapUint64(p, 0))
}

// changePTE replaces bits of an entry without losing an A or D bit that the
// hardware sets meanwhile, and returns the old entry.
func changePTE(p *uint64, keep, set arch.PTE) arch.PTE {
	assertPTE("a pte is changed")
	for {
		old := atomic.LoadUint64(p)
		if atomic.CompareAndSwapUint64(p, old, old&uint64(keep)|uint64(set)) {
			return arch.PTE(old)
		}
	}
}

// countPTE adds n times the page of a present pte to the sums of m.
// PageTableLock held. ZERO_PAGE is nobody's.
func countPTE(m *MM, e arch.PTE, n int64) {
	if locks.Lockdep && m.mmUsers.Load() > 0 {
		m.PageTableLock.AssertHeld()
	}
	if e.PFN() == zeroPFN {
		return
	}
	if rss := m.RSS.Add(n); rss > m.PeakRSS.Load() {
		m.PeakRSS.Store(rss)
	}
	if e&pteAnon != 0 {
		m.AnonRSS.Add(n)
	}
}

func tableShift(level int) uint { return arch.PageShift + levelBits*uint(level) }

// lookupPTE returns the place of addr's pte, or nil when it has no table.
// PageTableLock held: without it a stealer may change the pte the moment after.
func lookupPTE(m *MM, addr uintptr) *uint64 {
	assertPTE("a pte is looked up")
	table := m.Ctx.PGD
	for level := 3; level > 0; level-- {
		e := loadPTE(&arch.Table(table)[addr>>tableShift(level)&(pt.Entries-1)])
		if !e.Present() {
			return nil
		}
		table = e.PFN()
	}
	return &arch.Table(table)[addr>>arch.PageShift&(pt.Entries-1)]
}

// nextPTE returns the pte of the first address at or above addr, below end, that
// has a table, and that address; nil when there is none.
func nextPTE(m *MM, addr, end uintptr) (*uint64, uintptr) {
	slot, at := nextSlot(m, 1, addr, end)
	if slot == nil {
		return nil, end
	}
	return &arch.Table(loadPTE(slot).PFN())[at>>arch.PageShift&(pt.Entries-1)], at
}

// nextSlot finds the first present directory entry of a level at or above addr
// and below end, and the first such address that it maps; nil when there is none.
func nextSlot(m *MM, level int, addr, end uintptr) (*uint64, uintptr) {
	locks.AssertGuard(locks.PageTableLock, locks.MmapSem, "page tables are walked")
	for addr < end {
		table := m.Ctx.PGD
		for l := 3; ; l-- {
			slot, at := firstPresent(arch.Table(table), l, addr, end)
			addr = at
			if slot == nil {
				break // nothing up to addr, where another table begins
			}
			if l == level {
				return slot, addr
			}
			table = loadPTE(slot).PFN()
		}
	}
	return nil, end
}

// firstPresent finds, in one table of a level, the first present entry for an
// address at or above addr and below end, and that address. Without one, nil and
// where the search ended: not below end, or behind what the table maps. Passing over
// empty entries is the cost of unmapping what was hardly used, so the loop does no more.
func firstPresent(table *[pt.Entries]uint64, level int, addr, end uintptr) (*uint64, uintptr) {
	shift := tableShift(level) & 63 // the mask tells the compiler that a shift does not pass the word
	first := addr >> shift & (pt.Entries - 1)
	base := addr>>shift - first // so many spans of this level lie below what the table maps
	last := min((end-1)>>shift-base, pt.Entries-1)
	for i := first; i <= last; i++ {
		if loadPTE(&table[i]).Present() {
			return &table[i], max(addr, (base+i)<<shift)
		}
	}
	return nil, (base + last + 1) << shift
}

// allocPTE returns the place of addr's pte and makes the tables on the way to it;
// nil without memory. MmapSem held, no spinlock; may sleep.
func allocPTE(m *MM, addr uintptr) *uint64 {
	locks.AssertGuard(locks.MmapSem, locks.NoClass, "page tables are made")
	table := m.Ctx.PGD
	for level := 3; level > 0; level-- {
		slot := &arch.Table(table)[addr>>tableShift(level)&(pt.Entries-1)]
		e := loadPTE(slot)
		if !e.Present() {
			if e = addTable(m, slot); e == 0 {
				return nil
			}
		}
		table = e.PFN()
	}
	return &arch.Table(table)[addr>>arch.PageShift&(pt.Entries-1)]
}

// addTable fills a directory entry with a new table and returns the entry; 0
// without memory. Locks as allocPTE.
func addTable(m *MM, slot *uint64) arch.PTE {
	p := AllocPage(GFPKernel | GFPZero)
	if p == nil {
		return 0
	}
	p.Set(PGTable)
	e := pt.Make(p.PFN(), tableBits)
	m.PageTableLock.Lock()
	if have := loadPTE(slot); have.Present() {
		e = have
	} else {
		setPTE(slot, e)
		m.PTables.Add(1)
		p = nil
	}
	m.PageTableLock.Unlock()
	if p != nil {
		freeTable(p)
	}
	return e
}

func freeTable(p *Page) {
	p.Clear(PGTable)
	PutPage(p)
}

// freePgtables frees the tables that only served [start, end), which has just
// been unmapped: those that reach neither prev, the vma before, nor the one
// after. MmapSem held. A stealer may be walking tables of other vmas of m under
// PageTableLock, so an entry is cleared under it, and its table freed when no
// CPU can have the entry cached.
func freePgtables(m *MM, prev *VMA, start, end uintptr) {
	floor, ceil := uintptr(0), tablesEnd
	next := firstVMA(m)
	if prev != nil {
		floor, next = prev.VMEnd, prev.vmNext
	}
	if next != nil {
		ceil = next.VMStart
	}
	for level := 1; level <= 3; level++ {
		freeLevel(m, level, max(start, floor), min(end, ceil), floor, ceil)
	}
}

// tablesEnd is where the tables of programs end: it bounds no table that reaches above
// TaskSize, as the kernel half begins in another entry of the top table.
const tablesEnd = pgdSize << (levelBits - 1)

// exitTables frees the tables of an address space whose vmas go one after the other,
// in order, without looking where no vma was. For each level it knows a range that
// the vmas passed so far lie in, and whose tables are still there.
type exitTables struct {
	start, end [4]uintptr // by level; empty: nothing yet
}

// add is told that [start, end) has been unmapped; nothing below it is mapped.
func (x *exitTables) add(m *MM, start, end uintptr) {
	for level := 1; level <= 3; level++ {
		span := uintptr(1) << tableShift(level)
		if start&^(span-1) > x.end[level] { // more than the rest of one table lies between
			x.free(m, level)
			x.start[level] = start
		}
		x.end[level] = end
	}
}

// free frees the tables of a level for the range known so far, of which no vma above needs
// any. Those of the lower levels are free already: callers go from level 1 up.
func (x *exitTables) free(m *MM, level int) {
	freeLevel(m, level, x.start[level], x.end[level], 0, tablesEnd)
}

// finish frees what is left.
func (x *exitTables) finish(m *MM) {
	for level := 1; level <= 3; level++ {
		x.free(m, level)
	}
}

// tableBatch is the number of tables cleared before a flush.
const tableBatch = 32

// freeLevel frees the tables of one level (1: pte tables) that lie wholly in
// [floor, ceil) and map part of [start, end).
func freeLevel(m *MM, level int, start, end, floor, ceil uintptr) {
	span := uintptr(1) << tableShift(level)
	addr := start &^ (span - 1)
	for addr < end {
		var batch [tableBatch]*Page
		n, first := 0, addr
		m.PageTableLock.Lock()
		for addr < end && n < len(batch) {
			slot, at := nextSlot(m, level, addr, end)
			if slot == nil {
				addr = end
				break
			}
			addr = at + span
			if at < floor || at+span > ceil {
				continue
			}
			if n == 0 {
				first = at
			}
			batch[n] = PageOf(getAndClearPTE(slot).PFN())
			n++
		}
		m.PTables.Add(int64(-n))
		m.PageTableLock.Unlock()
		if n > 0 {
			// One invalidation drops a CPU's paging-structure caches entirely.
			arch.FlushTLBPage(&m.Ctx, first)
		}
		for _, p := range batch[:n] {
			freeTable(p)
		}
	}
}
