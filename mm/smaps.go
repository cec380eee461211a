package mm

import (
	"fmt"
	"io"

	"yolk/arch"
	"yolk/arch/pt"
)

// mapUsage is what /proc/PID/smaps counts of a mapping, in pages.
type mapUsage struct {
	rss, anon, swap, referenced int
	clean, dirty                [2]int // [0] one user, [1] several
	pss, pssDirty               int    // in units of 1/pssUnit
}

// pssUnit is the unit of proportional shares: as in Linux, 12 bits of fraction.
const pssUnit = 1 << 12

// usageOf counts the pages of v. MmapSem held; takes PageTableLock.
func usageOf(m *MM, v *VMA) (u mapUsage) {
	m.PageTableLock.Lock()
	defer m.PageTableLock.Unlock()
	for pte, addr := nextPTE(m, v.VMStart, v.VMEnd); pte != nil; pte, addr = nextPTE(m, addr+arch.PageSize, v.VMEnd) {
		switch e := loadPTE(pte); {
		case e.None():
		case !ptePresent(e):
			u.swap++
		case e.PFN() != zeroPFN:
			u.addPage(e)
		}
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
	{VMGrowsDown, "gd"}, {VMLocked, "lo"}, {VMIO, "io"}, {VMDontCopy, "dc"}, {VMDontExpand, "de"},
	{VMAccount, "ac"}, {VMNoReserve, "nr"}, {VMLockOnFlt, "lf"}, {VMWipeOnFork, "wf"},
	{VMDontDump, "dd"}, {VMSealed, "sl"},
}

// WriteSmaps writes a piece of /proc/PID/smaps: each line of maps with what is in memory
// of the mapping. As WriteMaps.
func WriteSmaps(w io.Writer, m *MM, from uintptr) (next uintptr) {
	return eachMapping(m, from, usageOf, func(c *mapping) {
		writeMapLine(w, c)
		c.writeUsage(w)
		fmt.Fprint(w, "VmFlags:")
		for _, f := range smapsFlags {
			if c.flags&f.flag != 0 {
				fmt.Fprint(w, " ", f.name)
			}
		}
		fmt.Fprintln(w)
	})
}

// writeUsage writes the lines of smaps that are sizes. What the kernel does not
// have, as huge pages, is 0.
func (c *mapping) writeUsage(w io.Writer) {
	u, page := &c.usage, kib(1)
	locked := 0
	if c.flags&VMLocked != 0 {
		locked = u.pss
	}
	inPSS := func(n int) int { return n * page / pssUnit }
	for _, l := range [...]struct {
		name string
		kB   int
	}{
		{"Size", int(c.end-c.start) >> 10}, {"KernelPageSize", page}, {"MMUPageSize", page},
		{"Rss", kib(u.rss)}, {"Pss", inPSS(u.pss)}, {"Pss_Dirty", inPSS(u.pssDirty)},
		{"Shared_Clean", kib(u.clean[1])}, {"Shared_Dirty", kib(u.dirty[1])},
		{"Private_Clean", kib(u.clean[0])}, {"Private_Dirty", kib(u.dirty[0])},
		{"Referenced", kib(u.referenced)}, {"Anonymous", kib(u.anon)}, {"LazyFree", 0},
		{"AnonHugePages", 0}, {"ShmemPmdMapped", 0}, {"FilePmdMapped", 0},
		{"Shared_Hugetlb", 0}, {"Private_Hugetlb", 0},
		{"Swap", kib(u.swap)}, {"SwapPss", kib(u.swap)}, {"Locked", inPSS(locked)},
	} {
		fmt.Fprintf(w, "%-16s%8d kB\n", l.name+":", l.kB)
	}
	fmt.Fprintf(w, "%-16s%8d\n", "THPeligible:", 0)
}
