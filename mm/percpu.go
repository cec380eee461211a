package mm

import (
	"sync/atomic"

	"yolk/arch"
	"yolk/locks"
)

// perCPUMax is how many free frames of a zone a CPU keeps at most; perCPUShare, the
// part of a zone that one CPU may keep. A zone too small for perCPUMin keeps none.
const (
	perCPUMax   = 512
	perCPUShare = 64
	perCPUMin   = 32
)

// perCPUPages are the free frames of a zone that one CPU keeps for itself
// (per_cpu_pages): the last freed is the first taken, as it may still lie in the CPU's
// cache. CPUs that fault at the same time then meet neither at page_alloc_lock nor in
// neighbouring entries of mem_map. They fill up only while the zone is well above its
// watermarks; who finds less than the low one takes back what all of them have before
// anybody steals. A task may move after it asked for the number of its CPU: the lock
// makes that harmless.
type perCPUPages struct {
	lock  locks.SpinLock
	count atomic.Int32 // changed under the lock, read anywhere
	max   int32        // guarded by the lock; 0 during a census
	pfn   [perCPUMax]arch.PFN
	_     [64]byte
}

func assertPerCPU() {
	locks.AssertGuard(locks.PcpLock, locks.NoClass, "a CPU's free frames are changed")
}

// setPerCPU says how many frames each CPU may keep. No lock held.
func (z *zone) setPerCPU(most int32) {
	for i := range z.perCPU {
		c := &z.perCPU[i]
		c.lock.Lock()
		assertPerCPU()
		c.max = most
		if most == 0 {
			z.drain(c)
		}
		c.lock.Unlock()
	}
}

// initPerCPU lets CPUs keep frames. The watermarks are set.
func (z *zone) initPerCPU() {
	for i := range z.perCPU {
		c := &z.perCPU[i]
		c.lock.Init(locks.PcpLock)
		c.count.Store(0)
	}
	z.keepMax = min(perCPUMax, z.pages.Load()/perCPUShare)
	if z.keepMax < perCPUMin || z == &zones[zoneDMA] {
		z.keepMax = 0
	}
	z.setPerCPU(z.keepMax)
}

// takeKept takes a frame that the CPU keeps, after a batch from the free lists if it has
// none. It returns 0 if that would leave the zone with less than its low watermark.
func (z *zone) takeKept() arch.PFN {
	c := &z.perCPU[arch.CPU()%eventCPUs]
	c.lock.Lock()
	assertPerCPU()
	n := c.count.Load()
	if n == 0 && c.max > 0 {
		pageAllocLock.Lock()
		for n < freeBatch && int(z.free.Load()) > z.low {
			if c.pfn[n] = z.take(0); c.pfn[n] == 0 {
				break
			}
			n++
		}
		pageAllocLock.Unlock()
	}
	var pfn arch.PFN
	if n > 0 {
		n--
		pfn = c.pfn[n]
		c.count.Store(n)
	}
	c.lock.Unlock()
	return pfn
}

// keep lets the CPU keep the last of pages, all free, as far as they are of this zone, and
// returns how many: none while memory is short.
func (z *zone) keep(pages []*Page) (kept int) {
	if z.keepMax == 0 || int(z.free.Load()) <= z.high {
		return 0
	}
	c := &z.perCPU[arch.CPU()%eventCPUs]
	c.lock.Lock()
	assertPerCPU()
	n := c.count.Load()
	for ; kept < len(pages) && n < c.max; kept++ {
		p := pages[len(pages)-1-kept]
		if &zones[p.zone] != z {
			break
		}
		c.pfn[n] = p.PFN()
		n++
	}
	c.count.Store(n)
	c.lock.Unlock()
	return kept
}

// drainPerCPU puts what all CPUs keep back on the free lists (drain_all_pages), and
// reports whether there was anything.
func drainPerCPU() (some bool) {
	for i := range zones {
		z := &zones[i]
		for j := range z.perCPU {
			if c := &z.perCPU[j]; c.count.Load() > 0 {
				c.lock.Lock()
				z.drain(c)
				c.lock.Unlock()
				some = true
			}
		}
	}
	return some
}

// drain puts what a CPU keeps back on the free lists. pcp_lock held.
func (z *zone) drain(c *perCPUPages) {
	assertPerCPU()
	pageAllocLock.Lock()
	for _, pfn := range c.pfn[:c.count.Load()] {
		z.give(pfn, 0)
	}
	pageAllocLock.Unlock()
	c.count.Store(0)
}

// kept is how many free frames of the zone CPUs keep.
func (z *zone) kept() (n int) {
	for i := range z.perCPU {
		n += int(z.perCPU[i].count.Load())
	}
	return n
}

// nrFree is the number of free frames, those that CPUs keep included.
func (z *zone) nrFree() int { return int(z.free.Load()) + z.kept() }
