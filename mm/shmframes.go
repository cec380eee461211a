package mm

import (
	"sync/atomic"
	"syscall"

	"yolk/arch"
	"yolk/arch/pt"
)

// shmFrames is the object behind a System V segment and behind
// MAP_SHARED|MAP_ANONYMOUS. It is the File of its mappings, and keeps its slots in
// frames, like page tables.
type shmFrames struct {
	ShmObject
	refs  atomic.Int32 // mappings, the segment's table, stealers in Swapout
	pages uint64       // size; fixed
	name  string       // for /proc/PID/maps; fixed
	ino   uint64       // likewise
	dirs  []uint64     // entries of the frames; shmLock, or a reference, keeps them
}

// maxShmPages bounds a size, for the sake of dirs.
const maxShmPages = 1 << 24

// newShmFrames makes an object of that many pages with one reference, or nil. May sleep.
func newShmFrames(pages uint64, name string) *shmFrames {
	if pages > maxShmPages {
		return nil
	}
	dirs := MakeSlice[uint64](int((pages + pt.Entries - 1) / pt.Entries))
	if dirs == nil {
		return nil
	}
	o := &shmFrames{pages: pages, name: name, dirs: dirs}
	o.refs.Store(1)
	o.Init(o)
	return o
}

// ShmSlot implements ShmSlots.
func (o *shmFrames) ShmSlot(index uint64) *uint64 {
	if index/pt.Entries >= uint64(len(o.dirs)) {
		return nil
	}
	e := loadPTE(&o.dirs[index/pt.Entries])
	if !e.Present() {
		return nil
	}
	return &arch.Table(e.PFN())[index%pt.Entries]
}

// ShmNext implements ShmSlots.
func (o *shmFrames) ShmNext(index uint64) (uint64, *uint64) {
	assertShm("slots are gone through")
	for index/pt.Entries < uint64(len(o.dirs)) {
		slot := o.ShmSlot(index)
		switch {
		case slot == nil:
			index = index&^(pt.Entries-1) + pt.Entries
		case loadPTE(slot).None():
			index++
		default:
			return index, slot
		}
	}
	return 0, nil
}

// allocSlot is ShmSlot that makes the frame; nil without memory. May sleep.
func (o *shmFrames) allocSlot(index uint64) *uint64 {
	if p := o.ShmSlot(index); p != nil {
		return p
	}
	table := AllocPage(GFPKernel | GFPZero)
	if table == nil {
		return nil
	}
	table.Set(PGTable)
	shmLock.Lock()
	dir := &o.dirs[index/pt.Entries]
	if loadPTE(dir).None() {
		setPTE(dir, pt.Make(table.PFN(), pt.Present))
		shmObjects.tables++
		table = nil
	}
	shmLock.Unlock()
	if table != nil {
		freeTable(table)
	}
	return o.ShmSlot(index)
}

// destroy frees the pages and swap slots of an object without references (shm_freepages).
func (o *shmFrames) destroy() {
	shmLock.Lock()
	o.forget()
	dirs := o.dirs
	o.dirs = nil // swapoff may have the object in hand still
	for i := range dirs {
		if loadPTE(&dirs[i]).Present() {
			shmObjects.tables--
		}
	}
	shmLock.Unlock()
	for i := range dirs {
		dir := loadPTE(&dirs[i])
		if !dir.Present() {
			continue
		}
		table := arch.Table(dir.PFN())
		for j := range table {
			FreeShmSlot(uint64(loadPTE(&table[j])))
		}
		freeTable(PageOf(dir.PFN()))
	}
}

// PunchHole implements Puncher: pages that are mapped become zeros, others and what is
// in swap are freed. off and n are whole pages. No spinlock held.
func (o *shmFrames) PunchHole(off, n int64) syscall.Errno {
	last := uint64(off+n) >> arch.PageShift
	for index := uint64(off) >> arch.PageShift; ; index++ {
		shmLock.Lock()
		var slot *uint64
		if index, slot = o.ShmNext(index); slot == nil || index >= last {
			shmLock.Unlock()
			return 0
		}
		p, _ := ShmPage(slot)
		if p == nil || p.Count() == 2 {
			had := o.Take(slot)
			shmLock.Unlock()
			FreeShmSlot(had)
		} else {
			shmLock.Unlock()
			arch.ClearPage(p.PFN())
		}
		if p != nil {
			PutPage(p)
		}
	}
}

// The methods below make *shmFrames a File.

// GetFile takes another reference.
func (o *shmFrames) GetFile() { o.refs.Add(1) }

// FPut drops a reference; the last frees the pages.
func (o *shmFrames) FPut() {
	if o.refs.Add(-1) == 0 {
		o.destroy()
	}
}

// CanRead and CanWrite: what a mapping may do its vm_flags say.
func (o *shmFrames) CanRead() bool { return true }

// CanWrite is always true.
func (o *shmFrames) CanWrite() bool { return true }

// Mmap maps more of what a mapping has already, for remap_file_pages.
func (o *shmFrames) Mmap(v *VMA) syscall.Errno {
	v.VMOps = &anonSharedOps
	return 0
}

// IMmap is nil: it is never truncated.
func (o *shmFrames) IMmap() *IMmap { return nil }

// MapInfo gives the name that Linux shows for such memory.
func (o *shmFrames) MapInfo() (name string, major, minor uint32, ino uint64) {
	return o.name, 0, 1, o.ino
}
