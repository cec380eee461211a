package mm

import (
	"sync/atomic"
	"syscall"

	"yolk/arch"
	"yolk/arch/pt"
	"yolk/locks"
)

// Memory for MAP_SHARED|MAP_ANONYMOUS: a file without a name that owns its
// pages, which the processes that inherit the mapping find by index. It is like a
// System V segment: a slot per page, held in frames like page tables, empty or
// with the page's frame. The object has one reference to each page, each pte
// another; so a stealer that takes a pte away frees nothing and loses nothing.

// anonShared is such an object; it is the File of its mappings.
type anonShared struct {
	refs  atomic.Int32   // mappings, and stealers in Swapout
	pages uint64         // size
	lock  locks.SpinLock // shm_lock: guards the slots
	dirs  []uint64       // entries of the frames that hold the slots, as in a page table
}

var anonSharedOps = VMOps{Nopage: anonSharedNopage, Resident: anonSharedResident, Swapout: KeepPage}

// KeepPage is the Swapout of a mapping whose object keeps its pages in memory: a
// pte can go without anything being written.
func KeepPage(*Page, File) syscall.Errno { return 0 }

// newAnonShared backs v, which is in no list, with a new object. May sleep.
func newAnonShared(v *VMA) syscall.Errno {
	pages := uint64(v.pages())
	if !enoughMemory(int64(pages)) {
		return syscall.ENOMEM
	}
	s := &anonShared{pages: pages, dirs: make([]uint64, (pages+pt.Entries-1)/pt.Entries)}
	s.lock.Init(locks.ShmLock)
	s.refs.Store(1)
	v.VMFile = s
	v.VMOps = &anonSharedOps
	return 0
}

// slot returns the place for page index, or nil while its frame of slots is missing.
func (s *anonShared) slot(index uint64) *uint64 {
	e := loadPTE(&s.dirs[index/pt.Entries])
	if !e.Present() {
		return nil
	}
	return &arch.Table(e.PFN())[index%pt.Entries]
}

// allocSlot is slot that makes the frame; nil without memory. May sleep.
func (s *anonShared) allocSlot(index uint64) *uint64 {
	if p := s.slot(index); p != nil {
		return p
	}
	table := AllocPage(GFPKernel | GFPZero)
	if table == nil {
		return nil
	}
	s.lock.Lock()
	dir := &s.dirs[index/pt.Entries]
	if loadPTE(dir).None() {
		setPTE(dir, pt.Make(table.PFN(), pt.Present))
		table = nil
	}
	s.lock.Unlock()
	if table != nil {
		PutPage(table)
	}
	return s.slot(index)
}

// anonSharedNopage finds or makes the page of addr (VMOps.Nopage).
func anonSharedNopage(v *VMA, addr uintptr, _ bool) (*Page, FaultResult) {
	s := v.VMFile.(*anonShared)
	index := v.pgoffAt(addr)
	if index >= s.pages {
		return nil, FaultBus // the mapping grew, the object did not
	}
	slot := s.allocSlot(index)
	if slot == nil {
		return nil, FaultOOM
	}
	if page := s.find(slot); page != nil {
		return page, FaultMinor
	}
	page := AllocPage(GFPHighUser | GFPZero)
	if page == nil {
		return nil, FaultOOM
	}
	s.lock.Lock()
	if e := loadPTE(slot); e.None() {
		setPTE(slot, pt.Make(page.PFN(), pt.Present))
		GetPage(page)
		s.lock.Unlock()
		return page, FaultMinor
	}
	s.lock.Unlock()
	PutPage(page)
	return s.find(slot), FaultMinor
}

// anonSharedResident says whether the object has the page of addr (VMOps.Resident).
func anonSharedResident(v *VMA, addr uintptr) bool {
	s := v.VMFile.(*anonShared)
	index := v.pgoffAt(addr)
	if index >= s.pages {
		return false
	}
	slot := s.slot(index)
	return slot != nil && !loadPTE(slot).None()
}

// find returns the page of a slot with a reference, or nil.
func (s *anonShared) find(slot *uint64) (page *Page) {
	s.lock.Lock()
	if e := loadPTE(slot); e.Present() {
		page = PageOf(e.PFN())
		GetPage(page)
	}
	s.lock.Unlock()
	return page
}

// The methods below make *anonShared a File.

// GetFile counts a mapping.
func (s *anonShared) GetFile() { s.refs.Add(1) }

// FPut drops a mapping; the last frees the pages.
func (s *anonShared) FPut() {
	if s.refs.Add(-1) > 0 {
		return
	}
	for i := range s.dirs {
		e := loadPTE(&s.dirs[i])
		if !e.Present() {
			continue
		}
		table := arch.Table(e.PFN())
		for j := range table {
			if p := loadPTE(&table[j]); p.Present() {
				PutPage(PageOf(p.PFN()))
			}
		}
		PutPage(PageOf(e.PFN()))
	}
}

// CanRead and CanWrite: its mappings may be given any protection.
func (s *anonShared) CanRead() bool { return true }

// CanWrite is always true.
func (s *anonShared) CanWrite() bool { return true }

// Mmap is not called: nobody can open it.
func (s *anonShared) Mmap(*VMA) syscall.Errno { return syscall.ENODEV }

// IMmap is nil: it is never truncated.
func (s *anonShared) IMmap() *IMmap { return nil }

// MapInfo gives the name that Linux shows for such memory.
func (s *anonShared) MapInfo() (name string, major, minor uint32, ino uint64) {
	return "/dev/zero (deleted)", 0, 1, 0
}
