package mm

import (
	"yolk/arch"
	"yolk/arch/pt"
)

// mapUsage is what /proc/PID/smaps counts of a mapping, in pages.
type mapUsage struct {
	rss, anon, swap, referenced    int
	clean, dirty                   [2]int // [0] one user, [1] several
	pss, pssAnon, pssDirty, locked int    // shares, in units of 1/pssUnit
}

// pssUnit is the unit of proportional shares: as in Linux, 12 bits of fraction.
const pssUnit = 1 << 12

// usageOf counts the pages of v. MmapSem held; takes PageTableLock.
func usageOf(m *MM, v *VMA) (u mapUsage) {
	m.PageTableLock.Lock()
	defer m.PageTableLock.Unlock()
	for pte, addr := nextPTE(m, v.VMStart, v.VMEnd); pte != nil; pte, addr = nextPTE(m, addr+arch.PageSize, v.VMEnd) {
		switch e := loadPTE(pte); {
		case e.None(), e == pteGuard:
		case !ptePresent(e):
			u.swap++
		case e.PFN() != zeroPFN:
			u.addPage(e)
		}
	}
	if v.VMFlags&VMLocked != 0 {
		u.locked = u.pss
	}
	return u
}

// addPage counts the page of a present pte. PageTableLock held: the page stays.
func (u *mapUsage) addPage(e arch.PTE) {
	assertPTE("the page of a pte is looked at")
	page := PageOf(e.PFN())
	users := page.mapUsers(e)
	u.rss++
	if e&pteAnon != 0 {
		u.anon++
		u.pssAnon += pssUnit / users
	}
	if e&pt.Accessed != 0 || page.Test(PGReferenced) {
		u.referenced++
	}
	shared := 0
	if users > 1 {
		shared = 1
	}
	u.pss += pssUnit / users
	if e&pt.Dirty != 0 || page.Test(PGDirty) {
		u.dirty[shared]++
		u.pssDirty += pssUnit / users
	} else {
		u.clean[shared]++
	}
}

// mapUsers estimates how many ptes name the page, one of which is e: its
// references without that of a cache. Those who use it for a moment count too.
func (p *Page) mapUsers(e arch.PTE) int {
	n := p.Count()
	if e&pteAnon == 0 || p.InSwapCache() {
		n--
	}
	return max(1, n)
}

// smapsFlags are the two-letter names of vm_flags, in the order of Linux.
var smapsFlags = []struct {
	flag VMFlags
	name string
}{
	{VMRead, "rd"}, {VMWrite, "wr"}, {VMExec, "ex"}, {VMShared, "sh"},
	{VMMayRead, "mr"}, {VMMayWrite, "mw"}, {VMMayExec, "me"}, {VMMayShare, "ms"},
	{VMGrowsDown, "gd"}, {VMMaybeGuard, "gu"}, {VMLocked, "lo"}, {VMIO, "io"}, {VMDontCopy, "dc"}, {VMDontExpand, "de"},
	{VMLockOnFlt, "lf"}, {VMAccount, "ac"}, {VMNoReserve, "nr"}, {VMWipeOnFork, "wf"},
	{VMDontDump, "dd"}, {VMSealed, "sl"},
}

// AppendSmaps appends a piece of /proc/PID/smaps: each line of maps with what is in memory
// of the mapping. As AppendMaps.
func AppendSmaps(b []byte, m *MM, from uintptr) (text []byte, next uintptr) {
	var room mappings
	batch := room.fill(m, from, usageOf)
	nameFiles(batch)
	for i := range batch {
		c := &batch[i]
		b = c.appendLine(b)
		b = appendSize(b, "Size:           ", int(c.end-c.start)>>10)
		b = appendSize(b, "KernelPageSize: ", kib(1))
		b = appendSize(b, "MMUPageSize:    ", kib(1))
		b = c.usage.appendTo(b, false)
		b = append(b, "THPeligible:           0\nVmFlags: "...)
		for j := range smapsFlags {
			if f := &smapsFlags[j]; c.flags&f.flag != 0 {
				b = append(append(b, f.name...), ' ')
			}
		}
		b = append(b, '\n')
	}
	dropFiles(batch)
	return b, nextBatch(batch)
}

// AppendRollup appends /proc/PID/smaps_rollup: the sums of smaps.
func AppendRollup(b []byte, m *MM) []byte {
	var room mappings
	var sum mapUsage
	all := mapping{name: "[rollup]"}
	for at := uintptr(0); ; {
		batch := room.fill(m, at, usageOf)
		if at == 0 && len(batch) > 0 {
			all.start = batch[0].start
		}
		for i := range batch {
			sum.add(&batch[i].usage)
			all.end = batch[i].end
		}
		dropFiles(batch)
		if at = nextBatch(batch); at == 0 {
			return sum.appendTo(all.appendLine(b), true)
		}
	}
}

// add adds what was counted of another mapping.
func (u *mapUsage) add(o *mapUsage) {
	u.rss += o.rss
	u.anon += o.anon
	u.swap += o.swap
	u.referenced += o.referenced
	for i := range o.clean {
		u.clean[i] += o.clean[i]
		u.dirty[i] += o.dirty[i]
	}
	u.pss += o.pss
	u.pssAnon += o.pssAnon
	u.pssDirty += o.pssDirty
	u.locked += o.locked
}

// appendTo appends the lines that smaps and smaps_rollup have in common, and those of
// the latter.
func (u *mapUsage) appendTo(b []byte, rollup bool) []byte {
	share := func(n int) int { return n * kib(1) / pssUnit }
	b = appendSize(b, "Rss:            ", kib(u.rss))
	b = appendSize(b, "Pss:            ", share(u.pss))
	b = appendSize(b, "Pss_Dirty:      ", share(u.pssDirty))
	if rollup {
		b = appendSize(b, "Pss_Anon:       ", share(u.pssAnon))
		b = appendSize(b, "Pss_File:       ", share(u.pss-u.pssAnon))
		b = appendSize(b, "Pss_Shmem:      ", 0)
	}
	b = appendSize(b, "Shared_Clean:   ", kib(u.clean[1]))
	b = appendSize(b, "Shared_Dirty:   ", kib(u.dirty[1]))
	b = appendSize(b, "Private_Clean:  ", kib(u.clean[0]))
	b = appendSize(b, "Private_Dirty:  ", kib(u.dirty[0]))
	b = appendSize(b, "Referenced:     ", kib(u.referenced))
	b = appendSize(b, "Anonymous:      ", kib(u.anon))
	b = append(b, smapsNone...)
	b = appendSize(b, "Swap:           ", kib(u.swap))
	b = appendSize(b, "SwapPss:        ", kib(u.swap))
	return appendSize(b, "Locked:         ", share(u.locked))
}

// smapsNone are the lines about what the kernel does not have.
const smapsNone = "" +
	"KSM:                   0 kB\n" +
	"LazyFree:              0 kB\n" +
	"AnonHugePages:         0 kB\n" +
	"ShmemPmdMapped:        0 kB\n" +
	"FilePmdMapped:         0 kB\n" +
	"Shared_Hugetlb:        0 kB\n" +
	"Private_Hugetlb:       0 kB\n"

// appendSize appends a line of smaps that is a size; name fills its column.
func appendSize(b []byte, name string, kB int) []byte {
	b = append(b, name...)
	if kB == 0 {
		return append(b, "       0 kB\n"...)
	}
	return append(appendRight(b, kB, 8), " kB\n"...)
}
