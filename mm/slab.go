package mm

import (
	"io"
	"slices"
	"unsafe"

	"yolk/arch"
	"yolk/locks"
)

// Cache hands out objects of one type (kmem_cache). Its slabs are typed Go
// memory, so that the garbage collector sees the pointers inside the objects; a
// slab of which every object is free can be reaped, and the collector then
// returns its memory to the frames' reserve.
//
// c_spinlock guards the lists and counts. It nests inside the vmlist lock: Free
// is legal there. Alloc may have to grow the cache, which asks for pages after
// c_spinlock was dropped: with GFPWait it must not be called under a spinlock.
type Cache[T any] struct {
	name string   // fixed by Init
	ctor func(*T) // fixed by Init; prepares each object handed out

	lock    locks.SpinLock // c_spinlock
	partial *slab[T]       // slabs with a free object
	active  int            // objects in use
	total   int            // objects in all slabs
	slabs   int
	growing int // growers that have dropped the lock: not to be reaped
}

// slabBytes is about what one slab takes: a page.
const slabBytes = arch.PageSize

// slot is an object and the way back to its slab. obj comes first, so that a
// pointer to the object is a pointer to its slot.
type slot[T any] struct {
	obj  T
	slab *slab[T]
	next *slot[T] // free list; nil while in use
	used bool
}

// slab is a run of slots; c_spinlock guards it.
type slab[T any] struct {
	slots      []slot[T]
	free       *slot[T]
	inUse      int
	next, prev *slab[T] // on partial, when free is not nil
}

// anyCache is what the chain of caches knows of each.
type anyCache interface {
	reap() int
	info() cacheInfo
}

type cacheInfo struct {
	name                 string
	active, total, slabs int
	size, perSlab        int
}

// cacheChain lists all caches; cache_chain_sem guards it and keeps two reapers apart.
var (
	cacheChain    []anyCache
	cacheChainSem locks.Mutex
)

// Init names the cache, empties it, and adds it to the chain. Called from
// start-up; may sleep.
func (c *Cache[T]) Init(name string, ctor func(*T)) {
	c.name, c.ctor = name, ctor
	c.lock.Init(locks.CSpinlock)
	c.partial, c.active, c.total, c.slabs = nil, 0, 0, 0
	cacheChainSem.Lock()
	if !slices.Contains(chain(), anyCache(c)) {
		cacheChain = append(chain(), c)
	}
	cacheChainSem.Unlock()
}

// Alloc returns an object, zeroed and then prepared by the constructor, or nil
// (kmem_cache_alloc). Sleeps only with GFPWait.
func (c *Cache[T]) Alloc(gfp GFP) *T {
	if gfp&GFPWait != 0 {
		locks.MayAlloc()
	}
	c.lock.Lock()
	injectR11()
	for c.partial == nil {
		c.growing++
		c.lock.Unlock()
		s := c.grow(gfp)
		c.lock.Lock()
		c.growing--
		if s != nil {
			c.total += len(s.slots)
			c.slabs++
			c.link(s)
		} else if c.partial == nil {
			c.lock.Unlock()
			return nil
		}
	}
	s := c.partial
	o := s.free
	s.free, o.next = o.next, nil
	if s.free == nil {
		c.unlink(s)
	}
	o.used = true
	s.inUse++
	c.active++
	c.lock.Unlock()
	if c.ctor != nil {
		c.ctor(&o.obj)
	}
	return &o.obj
}

// Free takes an object back (kmem_cache_free). Never sleeps, never asks for
// pages; legal under the vmlist lock.
func (c *Cache[T]) Free(obj *T) {
	o := (*slot[T])(unsafe.Pointer(obj))
	var zero T
	o.obj = zero
	c.lock.Lock()
	s := o.slab
	if !o.used {
		c.lock.Unlock()
		panic("mm: double free in cache " + c.name)
	}
	o.used = false
	if s.free == nil {
		c.link(s)
	}
	s.free, o.next = o, s.free
	s.inUse--
	c.active--
	c.lock.Unlock()
}

// grow makes a slab with no lock held. What the Go heap takes for it is
// replaced in the heap's reserve first, so a cache grows out of the page
// allocator's frames as of old.
func (c *Cache[T]) grow(gfp GFP) *slab[T] {
	if !fillHeapReserve(gfp) || gfp&GFPWait == 0 {
		return nil
	}
	n := max(1, int((slabBytes-unsafe.Sizeof(slab[T]{}))/unsafe.Sizeof(slot[T]{})))
	s := &slab[T]{slots: make([]slot[T], n)}
	for i := range s.slots {
		o := &s.slots[i]
		o.slab, o.next, s.free = s, s.free, o
	}
	return s
}

// link puts s on the partial list. c_spinlock held.
func (c *Cache[T]) link(s *slab[T]) {
	s.prev, s.next = nil, c.partial
	if s.next != nil {
		s.next.prev = s
	}
	c.partial = s
}

// unlink takes s off the partial list. c_spinlock held.
func (c *Cache[T]) unlink(s *slab[T]) {
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		c.partial = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.next, s.prev = nil, nil
}

// reap drops the slabs of which no object is in use, unless the cache is just
// growing, and returns how many. One free slab is kept for the next Alloc.
func (c *Cache[T]) reap() int {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.growing > 0 {
		return 0
	}
	n, kept := 0, false
	for s := c.partial; s != nil; {
		next := s.next
		if s.inUse == 0 {
			if kept {
				c.unlink(s)
				c.total -= len(s.slots)
				c.slabs--
				n++
			}
			kept = true
		}
		s = next
	}
	return n
}

func (c *Cache[T]) info() cacheInfo {
	c.lock.Lock()
	defer c.lock.Unlock()
	size := int(unsafe.Sizeof(slot[T]{}))
	return cacheInfo{c.name, c.active, c.total, c.slabs, size, max(1, (slabBytes-int(unsafe.Sizeof(slab[T]{})))/size)}
}

// chain is cacheChain for those who hold its semaphore.
func chain() []anyCache {
	locks.AssertGuard(locks.CacheChainSem, locks.NoClass, "the slab caches are gone through")
	return cacheChain
}

// kmemCacheReap asks every cache for its free slabs (kmem_cache_reap). Called by
// reclaim, which may come from a grower: it only tries the chain's semaphore.
func kmemCacheReap() int {
	if !cacheChainSem.TryLock() {
		return 0
	}
	n := 0
	for _, c := range chain() {
		n += c.reap()
	}
	cacheChainSem.Unlock()
	CountVMs(SlabsScanned, n)
	return n
}

// eachCache calls f for every cache. May sleep.
func eachCache(f func(cacheInfo)) {
	cacheChainSem.Lock()
	defer cacheChainSem.Unlock()
	for _, c := range chain() {
		f(c.info())
	}
}

// slabPages is how many pages the caches have. May sleep.
func slabPages() (n int) {
	eachCache(func(i cacheInfo) { n += i.slabs * slabBytes >> arch.PageShift })
	return n
}

// WriteSlabinfo writes /proc/slabinfo, version 2.1. May sleep.
func WriteSlabinfo(w io.Writer) {
	io.WriteString(w, "slabinfo - version: 2.1\n"+
		"# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n")
	eachCache(func(i cacheInfo) { writeSlabLine(w, i) })
}
