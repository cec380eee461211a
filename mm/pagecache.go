package mm

import (
	"math/bits"
	"sync/atomic"
	"unsafe"

	"yolk/arch"
	"yolk/locks"
)

// Mapping is the identity under which pages are cached (address_space): an inode
// or, for the swap cache, swapperSpace. A cached page is found by (mapping,
// index) in one hash table, stands in its mapping's list and on the LRU list,
// and the cache holds one reference to it.
type Mapping struct {
	Ops  MappingOps // nil: the swapper's
	Host any        // the owner's own

	pages arch.PFN     // head of its pages; pagecache_lock
	nr    atomic.Int32 // how many; changed under pagecache_lock
}

// MappingOps are what the cache asks of a mapping's owner. No spinlock is held.
type MappingOps interface {
	// WritePage writes a dirty page back. The page is locked on entry; the end of
	// the I/O unlocks it.
	WritePage(p *Page)
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
	swapperSpace.pages = 0
	swapperSpace.nr.Store(0)
}

func hashChain(m *Mapping, index uint64) *arch.PFN {
	h := (uint64(uintptr(unsafe.Pointer(m)))>>4 + index) * 0x9e3779b97f4a7c15
	return &pageHash[h>>pageHashShift]
}

// findPage looks up a page. pagecache_lock held; takes no reference.
func findPage(m *Mapping, index uint64) *Page {
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
	GetPage(p)
	p.mapping, p.index = m, index
	chain := hashChain(m, index)
	p.nextHash = *chain
	pfn := p.PFN()
	*chain = pfn
	p.mapPrev, p.mapNext = 0, m.pages
	if m.pages != 0 {
		memMap[m.pages].mapPrev = pfn
	}
	m.pages = pfn
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
	m, pfn := p.mapping, p.PFN()
	link := hashChain(m, p.index)
	for *link != pfn {
		link = &memMap[*link].nextHash
	}
	*link = p.nextHash
	if p.mapPrev != 0 {
		memMap[p.mapPrev].mapNext = p.mapNext
	} else {
		m.pages = p.mapNext
	}
	if p.mapNext != 0 {
		memMap[p.mapNext].mapPrev = p.mapPrev
	}
	p.nextHash, p.mapNext, p.mapPrev = 0, 0, 0
	p.mapping = nil
	m.nr.Add(-1)
	pageCacheSize.Add(-1)
	lruCacheDel(p)
}
