package mm

import (
	"yolk/arch"
	"yolk/locks"
)

// lruList is lru_cache: the pages of the page cache, most recently added or
// referenced first. Reclaim takes from the tail.
type lruList struct {
	head, tail arch.PFN
	nr         int // nr_lru_pages
}

// pagemapLRULock is pagemap_lru_lock. It guards lru, the pages' LRU links and
// PGLRU. A page on the list is in the cache, whose reference keeps it.
var (
	pagemapLRULock locks.SpinLock
	lru            lruList
)

func assertLRU() {
	locks.AssertGuard(locks.PagemapLruLock, locks.NoClass, "the list of pages by age is changed")
}

func (l *lruList) pushHead(p *Page) {
	assertLRU()
	pfn := p.PFN()
	p.lruPrev, p.lruNext = 0, l.head
	if l.head != 0 {
		memMap[l.head].lruPrev = pfn
	} else {
		l.tail = pfn
	}
	l.head = pfn
	l.nr++
}

func (l *lruList) pushTail(p *Page) {
	assertLRU()
	pfn := p.PFN()
	p.lruNext, p.lruPrev = 0, l.tail
	if l.tail != 0 {
		memMap[l.tail].lruNext = pfn
	} else {
		l.head = pfn
	}
	l.tail = pfn
	l.nr++
}

func (l *lruList) remove(p *Page) {
	assertLRU()
	if p.lruPrev != 0 {
		memMap[p.lruPrev].lruNext = p.lruNext
	} else {
		l.head = p.lruNext
	}
	if p.lruNext != 0 {
		memMap[p.lruNext].lruPrev = p.lruPrev
	} else {
		l.tail = p.lruPrev
	}
	p.lruNext, p.lruPrev = 0, 0
	l.nr--
}

// lruCacheAdd puts a page that enters the cache at the young end. pagecache_lock held.
func lruCacheAdd(p *Page) {
	pagemapLRULock.Lock()
	lru.pushHead(p)
	p.Set(PGLRU)
	pagemapLRULock.Unlock()
}

// lruCacheDel takes a page that leaves the cache off the list. pagecache_lock held.
func lruCacheDel(p *Page) {
	pagemapLRULock.Lock()
	lru.remove(p)
	p.Clear(PGLRU)
	pagemapLRULock.Unlock()
}

// lruRotate moves a page to the old end: it was stolen and its contents have
// just reached the disk, so it is the best one to free next. Called at the end
// of a write, with the page lock still held.
func lruRotate(p *Page) {
	pagemapLRULock.Lock()
	if p.Test(PGLRU) {
		lru.remove(p)
		lru.pushTail(p)
	}
	pagemapLRULock.Unlock()
}
