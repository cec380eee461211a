package mm

import (
	"yolk/arch"
	"yolk/locks"
)

// Life and death of an address space. mmUsers counts those who use the user
// addresses (tasks, and a short while /proc or ptrace); at 0 the mappings go.
// mmCount counts those who use the struct: all users together are one, each
// page stealer and each CPU that lazily keeps the tables loaded is another; at 0
// the top-level table and the struct go.

var (
	vmAreaCachep Cache[VMA]
	mmCachep     Cache[MM]

	// zeroPFN is ZERO_PAGE: reserved, mapped read-only wherever a program reads
	// anonymous memory that it never wrote.
	zeroPFN arch.PFN
)

// initAddressSpaces prepares what this half of mm needs; Init calls it.
func initAddressSpaces() {
	vmAreaCachep.Init("vm_area_struct", nil)
	mmCachep.Init("mm_struct", nil)
	p := AllocPage(GFPAtomic | GFPZero)
	p.Set(PGReserved)
	zeroPFN = p.PFN()
}

// allocVMA returns an empty vma for m, which is in no list; nil without memory.
// May sleep: no spinlock held.
func allocVMA(m *MM) *VMA {
	v := vmAreaCachep.Alloc(GFPKernel)
	if v != nil {
		v.VMMM = m
	}
	return v
}

// copyVMA returns a copy of v, in no list and without references of its own yet.
func copyVMA(m *MM, v *VMA) *VMA {
	n := vmAreaCachep.Alloc(GFPKernel)
	if n == nil {
		return nil
	}
	*n = VMA{
		VMStart: v.VMStart, VMEnd: v.VMEnd, VMFlags: v.VMFlags, VMPgoff: v.VMPgoff,
		pageProt: v.pageProt, anon: v.anon, VMMM: m, VMFile: v.VMFile, VMOps: v.VMOps, PrivateData: v.PrivateData,
	}
	return n
}

// openVMA takes the references of a copy: the file's, and the driver's. No spinlock held.
func openVMA(v *VMA) {
	if v.VMFile != nil {
		v.VMFile.GetFile()
	}
	if v.VMOps != nil && v.VMOps.Open != nil {
		assertDriver()
		v.VMOps.Open(v)
		assertDriver()
	}
}

// closeVMA undoes openVMA and frees v, which is in no list. No spinlock held; may sleep.
func closeVMA(v *VMA) {
	assertDriver()
	if v.VMOps != nil && v.VMOps.Close != nil {
		v.VMOps.Close(v)
		assertDriver()
	}
	if v.VMFile != nil {
		v.VMFile.FPut()
	}
	freeVMA(v)
}

// freeVMA gives back a vma that holds no references. Callable under PageTableLock.
func freeVMA(v *VMA) { vmAreaCachep.Free(v) }

// MMAlloc returns a new empty address space with one user, on the mmlist; nil
// without memory. May sleep.
func MMAlloc(limits *Limits) *MM { return mmAllocAfter(limits, nil) }

// mmAllocAfter puts the new mm behind parent in the mmlist: swapoff, which walks
// the list once, must meet a child after the parent it copies entries from.
func mmAllocAfter(limits *Limits, parent *MM) *MM {
	m := mmCachep.Alloc(GFPKernel)
	if m == nil {
		return nil
	}
	pgd := AllocPage(GFPKernel | GFPZero)
	if pgd == nil {
		mmCachep.Free(m)
		return nil
	}
	pgd.Set(PGTable)
	m.reset()
	m.Limits = limits
	arch.InitPGD(&m.Ctx, pgd.PFN())
	m.mmUsers.Store(1)
	if parent != nil {
		m.mmUsers.Store(0) // who walks the list passes over it until the fork is complete
	}
	m.mmCount.Store(1)
	MMListAdd(m, parent)
	return m
}

// reset makes m, fresh from the cache, empty. Nobody else can see it. (Not one
// assignment: the struct holds atomics and locks.)
func (m *MM) reset() {
	m.MmapSem.Init(locks.MmapSem)
	m.PageTableLock.Init(locks.PageTableLock)
	m.mmap, m.mmapAVL, m.mapCount, m.unchecked = nil, nil, 0, 0
	m.mmapCache.Store(nil)
	m.RSS.Store(0)
	m.PeakRSS.Store(0)
	m.AnonRSS.Store(0)
	m.SwapEnts.Store(0)
	m.PTables.Store(1)
	m.SwapCnt.Store(0)
	m.SwapAddress = 0
	m.layout = layout{MmapBase: defaultMmapBase}
	m.OOMKilled.Store(false)
}

// MMGrab takes a reference to the struct (mm_count).
func MMGrab(m *MM) { m.mmCount.Add(1) }

// MMDrop (mmdrop) drops a reference to the struct; the last frees the top-level
// table and the struct. No spinlock held.
func MMDrop(m *MM) {
	if m.mmCount.Add(-1) > 0 {
		return
	}
	pgd := PageOf(m.Ctx.PGD)
	arch.ReleasePGD(&m.Ctx)
	freeTable(pgd)
	m.Limits = nil
	mmCachep.Free(m)
}

// MMGet takes a user reference (mm_users) on behalf of a task that already has one.
func MMGet(m *MM) { m.mmUsers.Add(1) }

// MMGetNotZero takes a user reference unless the last is gone; for those who
// found m through a list or another task.
func MMGetNotZero(m *MM) bool {
	for {
		n := m.mmUsers.Load()
		if n == 0 {
			return false
		}
		if m.mmUsers.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// MMUsers is the number of users; a snapshot.
func MMUsers(m *MM) int { return int(m.mmUsers.Load()) }

// MMPut (mmput) drops a user reference; the last unmaps everything. No lock held; may sleep.
func MMPut(m *MM) {
	if m.mmUsers.Add(-1) > 0 {
		return
	}
	exitMmap(m)
	MMListDel(m)
	MMDrop(m)
}
