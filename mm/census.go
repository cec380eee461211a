package mm

import (
	"fmt"
	"io"

	"yolk/arch"
)

// A census of the frames for /proc/recount: each frame has an owner, and as many
// references as its owners have to it. A frame in use that no owner names is lost; one
// with a reference too many will be, as nobody can free it.

// census is what was found. The owners outside of programs are the free lists, the
// Go heap (with its reserve and its page tables), the page cache, swapped pages that
// are cached included, and file systems' buffers; programs own page tables and the
// memory that their ptes and the slots of shared memory name.
type census struct {
	refs   []uint16 // by frame: how many ptes and slots name it
	tables int64    // page tables that address spaces and shared memory have
	moves  uint64   // frames allocated and freed before

	free, heap, cached, kept int
	table, private           int
	unowned                  int // in use, and nobody's
	stray                    int // references that no owner has
}

// startCensus prepares to count what address spaces and shared memory own. Nil
// without memory. May sleep.
func startCensus() *census {
	refs := MakeSlice[uint16](len(memMap))
	if refs == nil {
		return nil
	}
	return &census{refs: refs, moves: frameMoves()}
}

// frameMoves counts the frames that were allocated or freed so far.
func frameMoves() uint64 {
	return VMStat(PgAllocDMA) + VMStat(PgAllocNormal) + VMStat(PgAllocHigh) + VMStat(PgFree)
}

// addPTE counts what a present pte, or a slot, refers to. nil counts nothing.
func (c *census) addPTE(e arch.PTE) {
	if c != nil {
		c.refs[e.PFN()]++
	}
}

// addShm counts what shared memory has. Takes shm_lock.
func (c *census) addShm() {
	shmLock.Lock()
	defer shmLock.Unlock()
	c.tables += int64(shmObjects.tables)
	for o := shmObjects.head; o != nil; o = o.next {
		for i, slot := o.slots.ShmNext(0); slot != nil; i, slot = o.slots.ShmNext(i + 1) {
			if e := loadPTE(slot); e.Present() {
				c.addPTE(e)
			}
		}
	}
}

// addFrames looks at every frame while none is allocated or freed, and compares
// the free lists with the zones' counts. Takes pagecache_lock, which says what is
// cached, and page_alloc_lock; meanwhile CPUs keep no frames of their own.
func (c *census) addFrames() {
	pagecacheLock.Lock()
	defer pagecacheLock.Unlock()
	for i := range zones {
		z := &zones[i]
		z.setPerCPU(0)
		defer z.setPerCPU(z.keepMax)
	}
	pageAllocLock.Lock()
	defer pageAllocLock.Unlock()
	c.free = recountFrames()
	for pfn := arch.PFN(1); int(pfn) < len(memMap); pfn++ {
		p := &memMap[pfn]
		switch {
		case p.Test(PGFree):
			pfn += 1<<p.order - 1
		case !p.Reserved():
			c.addFrame(p, c.refs[pfn])
		}
	}
	if over := c.table - int(c.tables); over > 0 {
		c.unowned += over
	}
}

// addFrame enters a frame in use that ptes and slots name refs times.
func (c *census) addFrame(p *Page, refs uint16) {
	switch {
	case p.Test(PGSlab):
		c.heap++
		refs++
	case p.Test(PGTable):
		c.table++
		refs++
	case p.Test(PGKept):
		c.kept++
		refs++
	case p.mapping != nil:
		c.cached++
		refs++
	default:
		c.private++
		if refs == 0 {
			c.unowned++
			return
		}
	}
	if more := int16(uint16(p.Count()) - refs); more != 0 {
		c.stray += max(int(more), -int(more))
	}
}

// write prints the frames' part of /proc/recount. frames_moved says how many were
// allocated or freed meanwhile: unless it is 0, what is said of one moment may not
// fit what is said of another. accounted_frames are all that no program has.
func (c *census) write(w io.Writer) {
	fmt.Fprintf(w, "free_frames %d\nheap_frames %d\ncached_frames %d\nkept_frames %d\naccounted_frames %d\n",
		c.free, c.heap, c.cached, c.kept, c.free+c.heap+c.cached+c.kept)
	fmt.Fprintf(w, "table_frames %d\nprogram_frames %d\nunowned_frames %d\nstray_references %d\nframes_moved %d\n",
		c.table, c.private, c.unowned, c.stray, frameMoves()-c.moves)
}
