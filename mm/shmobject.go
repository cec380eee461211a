package mm

import (
	"sync/atomic"
	"syscall"

	"yolk/arch"
	"yolk/arch/pt"
	"yolk/locks"
)

// shmLock is shm_lock. It guards the slots and sums of all shared-memory objects
// and the list of them, and the table of System V segments. Only swap locks and
// requests for frames that cannot sleep come inside.
var shmLock locks.SpinLock

// shmObject is memory that its mappings share: a System V segment, or what
// MAP_SHARED|MAP_ANONYMOUS asks for. It is the File of its mappings, and owns the
// pages: shm_pages[] of 1999. There is a slot for each page, in frames like page
// tables, that is empty, or has the page's frame, or the entry of the page's slot
// in a swap area.
//
// Invariants: a slot with a page holds one reference to it, each pte another, and
// the page is not in the swap cache; a slot with an entry holds one reference to
// that, and no pte maps the page. So a stealer may take ptes away at any time,
// and a page that only its slot refers to is shm_swap's.
type shmObject struct {
	refs  atomic.Int32 // mappings, the segment's table, who walks the list, stealers in Swapout
	pages uint64       // size; fixed
	name  string       // for /proc/PID/maps; fixed
	ino   uint64       // likewise

	// Guarded by shmLock.
	dirs       []uint64 // entries of the frames that hold the slots; set once, read anywhere
	rss, swp   int      // slots with a page, with an entry
	unswapped  bool     // SHM_LOCK: shm_swap passes over it
	next, prev *shmObject
}

// shmObjects is the list of all objects, with their sums; guarded by shmLock.
var shmObjects struct {
	head     *shmObject
	pages    uint64 // sizes
	rss, swp int
	cursor   struct { // where shm_swap goes on; nil: at head
		o     *shmObject
		index uint64
	}
}

// maxShmPages bounds an object's size, for the sake of dirs.
const maxShmPages = 1 << 24

// newShmObject makes an object of that many pages with one reference, or nil. May sleep.
func newShmObject(pages uint64, name string) *shmObject {
	n := int((pages + pt.Entries - 1) / pt.Entries)
	if pages > maxShmPages || !growHeapReserve(n*8/arch.PageSize) {
		return nil
	}
	o := &shmObject{pages: pages, name: name, dirs: make([]uint64, n)}
	o.refs.Store(1)
	shmLock.Lock()
	if o.next = shmObjects.head; o.next != nil {
		o.next.prev = o
	}
	shmObjects.head = o
	shmObjects.pages += pages
	shmLock.Unlock()
	return o
}

// slot returns the place for page index, or nil while its frame of slots is missing.
func (o *shmObject) slot(index uint64) *uint64 {
	e := loadPTE(&o.dirs[index/pt.Entries])
	if !e.Present() {
		return nil
	}
	return &arch.Table(e.PFN())[index%pt.Entries]
}

// allocSlot is slot that makes the frame; nil without memory. May sleep.
func (o *shmObject) allocSlot(index uint64) *uint64 {
	if p := o.slot(index); p != nil {
		return p
	}
	table := AllocPage(GFPKernel | GFPZero)
	if table == nil {
		return nil
	}
	shmLock.Lock()
	dir := &o.dirs[index/pt.Entries]
	if loadPTE(dir).None() {
		setPTE(dir, pt.Make(table.PFN(), pt.Present))
		table = nil
	}
	shmLock.Unlock()
	if table != nil {
		PutPage(table)
	}
	return o.slot(index)
}

// setSlot changes a slot and the sums. shmLock held.
func (o *shmObject) setSlot(slot *uint64, e arch.PTE) {
	o.count(loadPTE(slot), -1)
	setPTE(slot, e)
	o.count(e, 1)
}

func (o *shmObject) count(e arch.PTE, n int) {
	switch {
	case e.Present():
		o.rss += n
		shmObjects.rss += n
	case !e.None():
		o.swp += n
		shmObjects.swp += n
	}
}

// getNotZero takes a reference unless the object is dying. shmLock held.
func (o *shmObject) getNotZero() bool {
	for {
		n := o.refs.Load()
		if n == 0 {
			return false
		}
		if o.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// destroy frees the pages and slots of an object without references (shm_freepages).
func (o *shmObject) destroy() {
	shmLock.Lock()
	if o.prev != nil {
		o.prev.next = o.next
	} else {
		shmObjects.head = o.next
	}
	if o.next != nil {
		o.next.prev = o.prev
	}
	if shmObjects.cursor.o == o {
		shmObjects.cursor.o, shmObjects.cursor.index = o.next, 0
	}
	shmObjects.pages -= o.pages
	shmObjects.rss -= o.rss
	shmObjects.swp -= o.swp
	shmLock.Unlock()
	// Nobody else can find the slots now.
	for i := range o.dirs {
		dir := loadPTE(&o.dirs[i])
		if !dir.Present() {
			continue
		}
		table := arch.Table(dir.PFN())
		for j := range table {
			switch e := loadPTE(&table[j]); {
			case e.Present():
				PutPage(PageOf(e.PFN()))
			case !e.None():
				FreeSwapAndCache(PTESwapEntry(e))
			}
		}
		PutPage(PageOf(dir.PFN()))
	}
}

// The methods below make *shmObject a File.

// GetFile takes another reference.
func (o *shmObject) GetFile() { o.refs.Add(1) }

// FPut drops a reference; the last frees the pages.
func (o *shmObject) FPut() {
	if o.refs.Add(-1) == 0 {
		o.destroy()
	}
}

// CanRead and CanWrite: what a mapping may do its vm_flags say.
func (o *shmObject) CanRead() bool { return true }

// CanWrite is always true.
func (o *shmObject) CanWrite() bool { return true }

// Mmap is not called: nobody can open it.
func (o *shmObject) Mmap(*VMA) syscall.Errno { return syscall.ENODEV }

// IMmap is nil: it is never truncated.
func (o *shmObject) IMmap() *IMmap { return nil }

// MapInfo gives the name that Linux shows for such memory.
func (o *shmObject) MapInfo() (name string, major, minor uint32, ino uint64) {
	return o.name, 0, 1, o.ino
}
