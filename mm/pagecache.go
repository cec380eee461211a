package mm

import (
	"math/bits"
	"sync/atomic"
	"syscall"
	"unsafe"

	"yolk/arch"
	"yolk/drivers/blk"
	"yolk/locks"
)

// Mapping is the identity under which pages are cached (address_space): an inode
// or, for the swap cache, swapperSpace. A cached page is found by (mapping,
// index) in one hash table, stands in its mapping's list and on the LRU list,
// and the cache holds one reference to it.
type Mapping struct {
	Ops MappingOps // nil: the swapper's

	pages                arch.PFN     // head of its clean pages; pagecache_lock
	dirty, dirtyTail     arch.PFN     // its dirty pages, oldest last; pagecache_lock
	dirtyNext, dirtyPrev *Mapping     // in dirtyMappings; pagecache_lock
	dirtySince           int64        // when it got into that list, nanoseconds; pagecache_lock
	nr                   atomic.Int32 // how many pages; changed under pagecache_lock
	writing              atomic.Int32 // pages on their way to the disk
	failed               ErrSeq       // of writes
	retries              atomic.Int32 // pages to be written again, alone

	raNext   atomic.Uint64 // the page behind the last read-ahead; a hint
	raWindow atomic.Uint32 // its size in pages; a hint
}

// MappingOps are what the page cache asks of a file. No spinlock is held; all but
// Size may sleep. GetBlocks, the one that needs the file system's own locks, is
// called with a page locked, so none of those may be held where a page lock is
// waited for, and none across a request for pages with GFPIO.
type MappingOps interface {
	// Device is the disk that the file lies on.
	Device() blk.Device
	// GetBlocks says where page index of the file lies. Blocks that begin before
	// byte end and have no place yet get one. EIO, EUCLEAN, ENOSPC, EFBIG.
	GetBlocks(index uint64, end int64, at *PageBlocks) syscall.Errno
	// Size is the length of the file.
	Size() int64
	// Grow makes a file longer; i_sem is held.
	Grow(size int64)
	// Commit writes out what leads to the pages: the inode and its like. EIO.
	Commit() syscall.Errno
}

// getBlocks asks the file where p lies. The page lock keeps the page's place in the file.
func (m *Mapping) getBlocks(p *Page, end int64, at *PageBlocks) syscall.Errno {
	p.assertLocked("the file is asked for its blocks")
	return m.Ops.GetBlocks(p.index, end, at)
}

// Pages is the number of pages cached for m.
func (m *Mapping) Pages() int { return int(m.nr.Load()) }

// pagecacheLock guards the hash table and the mappings' lists, and makes
// "find it and take a reference" one step. pagemap_lru_lock nests inside.
var (
	pagecacheLock locks.SpinLock
	pageHash      []arch.PFN // chains through Page.nextHash
	pageHashShift uint
	pageCacheSize atomic.Int64 // pages in the cache, the swap cache included
)

// initPageCache sizes the hash table: one chain for two frames.
func initPageCache(frames int) {
	n := bits.Len(uint(max(frames/2, 64)) - 1)
	pageHash = make([]arch.PFN, 1<<n)
	pageHashShift = uint(64 - n)
	pageCacheSize.Store(0)
	lru = lruList{}
	dirtyMappings = mappingList{}
	nrDirtyPages.Store(0)
	swapperSpace.pages = 0
	swapperSpace.nr.Store(0)
}

func hashChain(m *Mapping, index uint64) *arch.PFN {
	h := (uint64(uintptr(unsafe.Pointer(m)))>>4 + index) * 0x9e3779b97f4a7c15
	return &pageHash[h>>pageHashShift]
}

// findPage looks up a page. pagecache_lock held; takes no reference.
func findPage(m *Mapping, index uint64) *Page {
	locks.AssertGuard(locks.PagecacheLock, locks.NoClass, "the hash table is searched")
	for pfn := *hashChain(m, index); pfn != 0; {
		p := &memMap[pfn]
		if p.mapping == m && p.index == index {
			return p
		}
		pfn = p.nextHash
	}
	return nil
}

// FindGetPage returns the cached page with a reference for the caller, or nil.
// It may be locked or not up to date. Never sleeps.
func FindGetPage(m *Mapping, index uint64) *Page {
	pagecacheLock.Lock()
	p := findPage(m, index)
	if p != nil {
		GetPage(p)
		p.Set(PGReferenced)
	}
	pagecacheLock.Unlock()
	return p
}

// FindLockPage is FindGetPage that also locks the page, and looks again if the
// page left the cache meanwhile. May sleep.
func FindLockPage(m *Mapping, index uint64) *Page {
	for {
		p := FindGetPage(m, index)
		if p == nil {
			return nil
		}
		LockPage(p)
		if p.mapping == m && p.index == index {
			return p
		}
		UnlockPage(p)
		PutPage(p)
	}
}

// AddToPageCacheUnique caches a page that the caller has locked, unless there is
// one under that identity already (add_to_page_cache_unique). The cache takes a
// reference of its own. Never sleeps.
func AddToPageCacheUnique(p *Page, m *Mapping, index uint64) bool {
	pagecacheLock.Lock()
	if findPage(m, index) != nil {
		pagecacheLock.Unlock()
		return false
	}
	addToPageCache(p, m, index)
	pagecacheLock.Unlock()
	return true
}

// addToPageCache links a page in. pagecache_lock and the page lock held.
func addToPageCache(p *Page, m *Mapping, index uint64) {
	p.assertLocked("it enters the page cache")
	GetPage(p)
	p.mapping, p.index = m, index
	chain := hashChain(m, index)
	p.nextHash = *chain
	pfn := p.PFN()
	*chain = pfn
	m.link(p)
	m.nr.Add(1)
	pageCacheSize.Add(1)
	lruCacheAdd(p)
}

// RemoveFromPageCache takes a page out of the cache and drops the cache's
// reference (remove_inode_page). The page is locked; the caller holds a
// reference of its own. Never sleeps.
func RemoveFromPageCache(p *Page) {
	pagecacheLock.Lock()
	removeFromPageCache(p)
	pagecacheLock.Unlock()
	PutPage(p)
}

// removeFromPageCache unlinks a page; the cache's reference passes to the
// caller. pagecache_lock and the page lock held.
func removeFromPageCache(p *Page) {
	p.assertLocked("it leaves the page cache")
	m, pfn := p.mapping, p.PFN()
	link := hashChain(m, p.index)
	for *link != pfn {
		link = &memMap[*link].nextHash
	}
	*link = p.nextHash
	m.unlink(p)
	p.nextHash = 0
	p.mapping = nil
	m.nr.Add(-1)
	pageCacheSize.Add(-1)
	lruCacheDel(p)
}

// link enters p at the head of m's clean pages. pagecache_lock held.
func (m *Mapping) link(p *Page) {
	locks.AssertGuard(locks.PagecacheLock, locks.NoClass, "a page is put on a file's list")
	pfn := p.PFN()
	p.mapPrev, p.mapNext = 0, m.pages
	if m.pages != 0 {
		memMap[m.pages].mapPrev = pfn
	}
	m.pages = pfn
}

// unlink takes p off the list it is on. pagecache_lock held.
func (m *Mapping) unlink(p *Page) {
	locks.AssertGuard(locks.PagecacheLock, locks.NoClass, "a page is taken off a file's list")
	head := &m.pages
	if p.TestAndClear(PGDirtyList) {
		head = &m.dirty
		nrDirtyPages.Add(-1)
		if m.dirtyTail == p.PFN() {
			m.dirtyTail = p.mapPrev
		}
	}
	if p.mapPrev != 0 {
		memMap[p.mapPrev].mapNext = p.mapNext
	} else {
		*head = p.mapNext
	}
	if p.mapNext != 0 {
		memMap[p.mapNext].mapPrev = p.mapPrev
	}
	p.mapNext, p.mapPrev = 0, 0
	if m.dirty == 0 {
		dirtyMappings.remove(m)
	}
}
