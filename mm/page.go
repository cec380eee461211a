package mm

import (
	"sync/atomic"
	"unsafe"

	"yolk/arch"
	"yolk/locks"
)

// Page describes one page frame (struct page). There is one per frame in
// mem_map, so it is kept small, and links between pages are frame numbers, not
// pointers: 0, which is never a usable frame, ends a list.
//
// Who guards what:
//
//	flags, count                atomic; PG_locked is the page lock
//	mapping, index, next_hash,
//	mapNext, mapPrev            pagecache_lock, and the page lock for changes of mapping
//	lruNext, lruPrev            pagemap_lru_lock while on the LRU list;
//	                            page_alloc_lock while the page is free
//	order                       page_alloc_lock while the page is free
type Page struct {
	flags   atomic.Uint32
	count   atomic.Int32 // 0: free. Each pte, the page cache and each temporary user count 1
	mapping *Mapping
	index   uint64 // page offset in mapping; the swap entry while in the swap cache

	nextHash         arch.PFN
	mapNext, mapPrev arch.PFN
	lruNext, lruPrev arch.PFN

	order uint8
	zone  uint8
}

// PageFlags are the PG_ bits of a page.
type PageFlags uint32

// The PG_ bits. Bits of the 1999 kernel that served its buffer cache are absent.
const (
	PGLocked     PageFlags = 1 << iota // the page lock: I/O or a change of identity is under way
	PGError                            // the last read failed
	PGReferenced                       // used since the last scan
	PGUptodate                         // contents are valid
	PGDirty                            // contents are newer than the backing store (page cache)
	PGDecrAfter                        // end of I/O drops a reference and nr_async_pages
	PGSwapCache                        // mapping is swapper_space
	PGLRU                              // on the LRU list
	PGWaiters                          // somebody sleeps on the page lock
	PGFree                             // head of a block on a free list
	PGSlab                             // lent to the Go heap
	PGTable                            // a page table, or a frame of slots of shared memory
	PGReserved                         // never counted, stolen or freed
	PGReadahead                        // read ahead of any need, and not used yet
	PGDirtyList                        // among the dirty pages of its mapping; pagecache_lock
	PGKept                             // a buffer that the kernel keeps
)

// memMap is mem_map, indexed by frame number; frames that are no RAM are PGReserved.
var memMap []Page

const pageStructSize = unsafe.Sizeof(Page{})

// PageOf returns the descriptor of a frame.
func PageOf(pfn arch.PFN) *Page { return &memMap[pfn] }

// PFNValid reports whether mem_map covers pfn.
func PFNValid(pfn arch.PFN) bool { return int(pfn) < len(memMap) }

// PFN is the page's frame number.
func (p *Page) PFN() arch.PFN {
	return arch.PFN((uintptr(unsafe.Pointer(p)) - uintptr(unsafe.Pointer(&memMap[0]))) / pageStructSize)
}

// Bytes are the page's contents in the direct map.
func (p *Page) Bytes() []byte { return arch.FrameBytes(p.PFN()) }

// Count is the number of references (page_count).
func (p *Page) Count() int { return int(p.count.Load()) }

// Test reports whether any of the bits is set.
func (p *Page) Test(f PageFlags) bool { return p.flags.Load()&uint32(f) != 0 }

// Set sets bits; TestAndSet also says whether any of them was set before.
func (p *Page) Set(f PageFlags) { p.flags.Or(uint32(f)) }

// TestAndSet sets the bits and reports whether any of them was set before.
func (p *Page) TestAndSet(f PageFlags) bool { return p.flags.Or(uint32(f))&uint32(f) != 0 }

// Clear clears bits.
func (p *Page) Clear(f PageFlags) { p.flags.And(^uint32(f)) }

// TestAndClear clears the bits and reports whether any of them was set before.
func (p *Page) TestAndClear(f PageFlags) bool { return p.flags.And(^uint32(f))&uint32(f) != 0 }

// Locked reports whether somebody holds the page lock.
func (p *Page) Locked() bool { return p.Test(PGLocked) }

// lockedBytes is Bytes for who changes them as the page's owner, by its lock.
func (p *Page) lockedBytes() []byte {
	p.assertLocked("its contents are changed")
	return p.Bytes()
}

// assertLocked checks that somebody, be it a transfer, has the page lock that p's
// identity and contents hang on.
func (p *Page) assertLocked(what string) {
	if locks.Lockdep && !p.Locked() {
		locks.Violation("guard", "page %#x is not locked, and %s", uint64(p.PFN()), what)
	}
}

// Uptodate reports whether the contents are valid.
func (p *Page) Uptodate() bool { return p.Test(PGUptodate) }

// Error reports whether the last read of the page failed.
func (p *Page) Error() bool { return p.Test(PGError) }

// InSwapCache reports PageSwapCache. To act on the answer hold the page lock.
func (p *Page) InSwapCache() bool { return p.Test(PGSwapCache) }

// Reserved pages are never counted, stolen or freed (ZERO_PAGE, the kernel).
func (p *Page) Reserved() bool { return p.Test(PGReserved) }

// Index is the page's offset in its mapping, in pages.
func (p *Page) Index() uint64 { return p.index }

// GetPage takes another reference to a page that the caller knows to be in use.
func GetPage(p *Page) {
	if !p.Reserved() {
		p.count.Add(1)
	}
}

// PutPage drops a reference; the last one frees the frame. It never sleeps.
func PutPage(p *Page) {
	if p.putTestZero() {
		freePagesOk(p, 0)
	}
}

// putTestZero drops a reference and reports whether it was the last: then the caller
// frees the frame.
func (p *Page) putTestZero() bool {
	if p.Reserved() {
		return false
	}
	step("put_page")
	n := p.count.Add(-1)
	if n < 0 {
		panic("mm: PutPage of a free page")
	}
	return n == 0
}

// pageWait are the hashed queues of those who sleep for a page lock. Neighbour
// frames, which one disk request covers, get different queues.
var pageWait [64]locks.WaitQueue

func pageQueue(pfn arch.PFN) *locks.WaitQueue { return &pageWait[pfn%arch.PFN(len(pageWait))] }

// TryLockPage takes the page lock if it is free. Callable anywhere.
func TryLockPage(p *Page) bool {
	if locks.Attempt(unsafe.Pointer(p), locks.PageLock) {
		return true
	}
	return p.tryLock()
}

func (p *Page) tryLock() bool {
	if !p.tryLockForIO() {
		return false
	}
	locks.NoteTry(locks.PageLock, unsafe.Pointer(p), p.index)
	return true
}

// tryLockForIO takes the page lock for a transfer, whose end releases it: the
// lock belongs to the I/O, not to this goroutine.
func (p *Page) tryLockForIO() bool { return !p.TestAndSet(PGLocked) }

// LockPage takes the page lock (PG_locked), sleeping while I/O or another
// holder has it. No spinlock is held on entry. Writes that still wait for
// neighbours to join them are started first: one may be of this very page.
func LockPage(p *Page) {
	if locks.Attempt(unsafe.Pointer(p), locks.PageLock) || p.tryLock() {
		return
	}
	RunDiskQueue()
	pageQueue(p.PFN()).Wait(func() bool {
		p.Set(PGWaiters)
		return p.tryLockForIO()
	})
	locks.NoteAcquire(locks.PageLock, unsafe.Pointer(p), p.index)
}

// WaitOnPage sleeps until the page is unlocked (wait_on_page). The caller holds a reference.
func WaitOnPage(p *Page) {
	if !p.Locked() {
		return
	}
	RunDiskQueue()
	pageQueue(p.PFN()).Wait(func() bool {
		p.Set(PGWaiters)
		return !p.Locked()
	})
}

// UnlockPage releases the page lock and wakes those who wait for it. Callable
// under spinlocks.
func UnlockPage(p *Page) {
	if locks.Leaving(unsafe.Pointer(p)) {
		return
	}
	locks.NoteRelease(locks.PageLock, unsafe.Pointer(p))
	p.unlockAfterIO()
	locks.Left(unsafe.Pointer(p), locks.PageLock)
}

// unlockAfterIO is UnlockPage for the end of a transfer. A waiter sets PGWaiters
// before it looks at PGLocked, so one of the two always sees the other.
func (p *Page) unlockAfterIO() {
	pfn := p.PFN()
	old := p.flags.And(^uint32(PGLocked | PGWaiters))
	if old&uint32(PGLocked) == 0 {
		panic("mm: UnlockPage of an unlocked page")
	}
	if old&uint32(PGWaiters) != 0 {
		pageQueue(pfn).WakeAll()
	}
}
