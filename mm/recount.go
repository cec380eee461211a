package mm

import (
	"fmt"
	"io"

	"yolk/arch"
	"yolk/arch/pt"
	"yolk/locks"
)

// The sums of an address space (rss, total_vm, locked_vm, …) are exact at all
// times. Here they are counted again from the vmas and the page tables: in checking
// builds for each address space at its end, in tests, and by whoever reads /proc/recount.

// CheckInvariants checks all that should hold of m while nothing changes it,
// the sums against the ptes included; it panics with what is wrong. It takes
// MmapSem and PageTableLock.
func CheckInvariants(m *MM) {
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	m.PageTableLock.Lock()
	defer m.PageTableLock.Unlock()
	recount(m)
}

// recount is CheckInvariants for those who hold MmapSem and PageTableLock.
func recount(m *MM) (sum ptesums) { return recountInto(m, nil) }

// recountInto is recount that also enters what the ptes name into a census.
func recountInto(m *MM, c *census) (sum ptesums) {
	m.MmapSem.AssertHeld()
	m.PageTableLock.AssertHeld()
	checkList(m)
	sum.m, sum.census = m, c
	for v := m.mmap; v != nil; v = v.vmNext {
		sum.addVMA(v)
	}
	inVMAs := sum.ptes
	sum.ptes = 0
	for pte, addr := nextPTE(m, 0, arch.TaskSize); pte != nil; pte, addr = nextPTE(m, addr+arch.PageSize, arch.TaskSize) {
		if !loadPTE(pte).None() {
			sum.ptes++
		}
	}
	if sum.ptes != inVMAs {
		broken("%d ptes in vmas, %d in the tables", inVMAs, sum.ptes)
	}
	sum.tables = countTables(m.Ctx.PGD, 3)
	sum.compare()
	return sum
}

// countTables counts a page table and those below it; of the top one (level 3) only the
// user half is the mm's own.
func countTables(table arch.PFN, level int) (n int64) {
	n = 1
	if level == 0 {
		return n
	}
	entries := arch.Table(table)[:]
	if level == 3 {
		entries = entries[:pt.Entries/2]
	}
	for i := range entries {
		if e := loadPTE(&entries[i]); e.Present() {
			n += countTables(e.PFN(), level-1)
		}
	}
	return n
}

// ptesums adds up what the counters of an mm should say.
type ptesums struct {
	m                   *MM
	census              *census // nil: none
	rss, anon, swapped  int64
	total, locked, ptes int64
	data, stack, tables int64
}

func (s *ptesums) addVMA(v *VMA) {
	s.total += v.pages()
	if v.VMFlags&VMLocked != 0 {
		s.locked += v.pages()
	}
	if v.VMFlags&VMGrowsDown != 0 {
		s.stack += v.pages()
	} else if isData(v.VMFlags) {
		s.data += v.pages()
	}
	for pte, addr := nextPTE(s.m, v.VMStart, v.VMEnd); pte != nil; pte, addr = nextPTE(s.m, addr+arch.PageSize, v.VMEnd) {
		e := loadPTE(pte)
		if e.None() {
			continue
		}
		s.ptes++
		if e == pteGuard {
			continue
		}
		if !ptePresent(e) {
			s.swapped++
			continue
		}
		checkPTE(v, addr, e)
		s.census.addPTE(e)
		if e.PFN() != zeroPFN {
			s.rss++
			if e&pteAnon != 0 {
				s.anon++
			}
		}
	}
}

func (s *ptesums) compare() {
	type pair struct {
		name      string
		got, want int64
	}
	m := s.m
	for _, p := range []pair{
		{"rss", m.RSS.Load(), s.rss}, {"anon_rss", m.AnonRSS.Load(), s.anon}, {"swap entries", m.SwapEnts.Load(), s.swapped},
		{"total_vm", m.totalVM, s.total}, {"locked_vm", m.lockedVM, s.locked},
		{"data_vm", m.dataVM, s.data}, {"stack_vm", m.stackVM, s.stack}, {"page tables", m.PTables.Load(), s.tables},
	} {
		if p.got != p.want {
			broken("%s is %d, should be %d", p.name, p.got, p.want)
		}
	}
}

// recountAtExit is recount for exitMmap; empty but in checking builds. MmapSem held.
func recountAtExit(m *MM) {
	if locks.Lockdep {
		m.PageTableLock.Lock()
		recount(m)
		m.PageTableLock.Unlock()
	}
}

// WriteRecount writes /proc/recount, a file of ours: it recounts every address space
// and the frames, and says how much there was. What is not exact ends the
// kernel, as any broken invariant does. The caller holds no lock; sleeps.
func WriteRecount(w io.Writer) {
	c := startCensus()
	if c == nil {
		return
	}
	var mms, vmas int
	var total ptesums
	for m := nextMM(nil); m != nil; m = nextMM(m) {
		m.MmapSem.Lock()
		m.PageTableLock.Lock()
		sum := recountInto(m, c)
		n := m.mapCount
		m.PageTableLock.Unlock()
		m.MmapSem.Unlock()
		mms++
		vmas += n
		total.rss += sum.rss
		total.swapped += sum.swapped
		total.locked += sum.locked
		c.tables += sum.tables
	}
	tables := c.tables
	c.addShm()
	c.addFrames()
	fmt.Fprintf(w, "address_spaces %d\nvmas %d\nrss %d\nswap_entries %d\nlocked %d\npage_tables %d\n",
		mms, vmas, total.rss, total.swapped, total.locked, tables)
	c.write(w)
}

// nextMM returns the address space after m, or the first, with a user reference;
// m's is given back. nil at the end. No lock held.
func nextMM(m *MM) *MM {
	mmlistLock.Lock()
	next := mmlistHead
	if m != nil {
		next = m.mmlistNext
	}
	for next != nil && !MMGetNotZero(next) {
		next = next.mmlistNext
	}
	mmlistLock.Unlock()
	if m != nil {
		MMPut(m)
	}
	return next
}

// recountFrames compares the free lists with the zones' counts. page_alloc_lock held.
func recountFrames() (free int) {
	for i := range zones {
		z, listed := &zones[i], 0
		for order, pfn := range z.list {
			for ; pfn != 0; pfn = memMap[pfn].lruNext {
				listed += 1 << order
			}
		}
		if n := int(z.free.Load()); n != listed {
			broken("zone %s: %d frames on the free lists, %d counted", zoneNames[i], listed, n)
		}
		free += listed
	}
	return free
}
