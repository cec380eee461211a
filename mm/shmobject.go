package mm

import (
	"yolk/arch"
	"yolk/arch/pt"
	"yolk/locks"
)

// shmLock is shm_lock. It guards the slots and sums of all shared-memory objects
// and the list of them, and the table of System V segments. Only swap locks and
// requests for frames that cannot sleep come inside.
var shmLock locks.SpinLock

// LockShm takes shm_lock, for those outside of mm who keep slots.
func LockShm() { shmLock.Lock() }

// UnlockShm releases it.
func UnlockShm() { shmLock.Unlock() }

func assertShm(what string) { locks.AssertGuard(locks.ShmLock, locks.NoClass, what) }

// ShmObject is what shm_swap knows of a set of pages that can be swapped and that
// belong to no process: a System V segment, the memory of
// MAP_SHARED|MAP_ANONYMOUS, a file in RAM. Each page has a slot, shm_pages[] of
// 1999: a word that looks like a pte and is empty, or has the page's frame, or the
// entry of the page's place in a swap area. All of it is guarded by shm_lock.
//
// Invariants: a slot with a page holds one reference to it, each pte another, and
// the page is not in the swap cache; a slot with an entry holds one reference to
// that, and no pte maps the page. So a stealer may take ptes away at any time,
// and a page that only its slot refers to is shm_swap's.
type ShmObject struct {
	slots      ShmSlots
	rss, swp   int // slots with a page, with an entry
	unswapped  bool
	next, prev *ShmObject // in the list while there is anything in the slots
}

// ShmSlots is where an object keeps its slots. shm_lock is held.
type ShmSlots interface {
	// ShmSlot is the slot of page index, or nil if it is not there (any more).
	ShmSlot(index uint64) *uint64
	// ShmNext is the first slot from index on that is not empty, and its index; nil
	// when there is none.
	ShmNext(index uint64) (uint64, *uint64)
}

// shmCursor is a place in the list; when o leaves the list it moves on.
type shmCursor struct {
	o     *ShmObject // nil: at the head
	index uint64
}

func (c *shmCursor) leave(o *ShmObject) {
	if c.o == o {
		c.o, c.index = o.next, 0
	}
}

// shmObjects is the list of objects that have anything, with their sums; guarded by shmLock.
var shmObjects struct {
	head        *ShmObject
	n, rss, swp int
	tables      int       // frames of slots
	swap, unuse shmCursor // where shm_swap goes on, where swapoff is
}

// Init says where the slots are, which are all empty.
func (o *ShmObject) Init(slots ShmSlots) { o.slots = slots }

// ShmPage returns the page in a slot with a reference for the caller, or nil and
// the entry that is there instead, 0 for none. shm_lock held.
func ShmPage(slot *uint64) (*Page, SwapEntry) {
	assertShm("a slot is looked at")
	e := loadPTE(slot)
	if !e.Present() {
		return nil, SwapEntry(e)
	}
	p := PageOf(e.PFN())
	GetPage(p)
	return p, 0
}

// Set puts p into an empty slot; the caller's reference becomes the slot's. shm_lock held.
func (o *ShmObject) Set(slot *uint64, p *Page) { o.setSlot(slot, pt.Make(p.PFN(), pt.Present)) }

// Take empties a slot and returns what was there, for FreeShmSlot. shm_lock held.
func (o *ShmObject) Take(slot *uint64) uint64 {
	e := loadPTE(slot)
	o.setSlot(slot, 0)
	return uint64(e)
}

// FreeShmSlot drops the reference of a slot to its page, or to its entry. No lock held.
func FreeShmSlot(slot uint64) {
	switch e := arch.PTE(slot); {
	case e.Present():
		PutPage(PageOf(e.PFN()))
	case !e.None():
		FreeSwapAndCache(PTESwapEntry(e))
	}
}

// setSlot changes a slot and the sums. shmLock held.
func (o *ShmObject) setSlot(slot *uint64, e arch.PTE) {
	assertShm("a slot is changed")
	had := o.rss+o.swp > 0
	o.count(loadPTE(slot), -1)
	setPTE(slot, e)
	o.count(e, 1)
	if has := o.rss+o.swp > 0; has && !had {
		o.enlist()
	} else if had && !has {
		o.unlist()
	}
}

func (o *ShmObject) count(e arch.PTE, n int) {
	switch {
	case e.Present():
		o.rss += n
		shmObjects.rss += n
	case !e.None():
		o.swp += n
		shmObjects.swp += n
	}
}

func (o *ShmObject) enlist() {
	o.prev, o.next = nil, shmObjects.head
	if o.next != nil {
		o.next.prev = o
	}
	shmObjects.head = o
	shmObjects.n++
}

func (o *ShmObject) unlist() {
	shmObjects.swap.leave(o)
	shmObjects.unuse.leave(o)
	if o.prev != nil {
		o.prev.next = o.next
	} else {
		shmObjects.head = o.next
	}
	if o.next != nil {
		o.next.prev = o.prev
	}
	o.next, o.prev = nil, nil
	shmObjects.n--
}

// forget takes an object that is about to free all its slots off the list.
// shmLock held.
func (o *ShmObject) forget() {
	assertShm("an object is taken off the list")
	if o.rss+o.swp == 0 {
		return
	}
	o.unlist()
	shmObjects.rss -= o.rss
	shmObjects.swp -= o.swp
	o.rss, o.swp = 0, 0
}
