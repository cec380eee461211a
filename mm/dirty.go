package mm

import (
	"sync/atomic"
	"time"

	"yolk/drivers/blk"
	"yolk/locks"
)

// Dirty pages of files. A page is dirty from the moment somebody changed it, or
// a pte with the dirty bit let go of it, until its write begins; while it is, it
// stands among its mapping's dirty pages, and the mapping in dirtyMappings.
// Three write: kupdate what is some seconds old, fsync and msync what they are
// asked for, and reclaim what stands in its way.

// mappingList is a list of mappings with dirty pages, the oldest first.
type mappingList struct{ head, tail *Mapping }

var (
	dirtyMappings mappingList  // pagecache_lock
	filesWriting  atomic.Int32 // pages of files on their way to the disk
	nrDirtyPages  atomic.Int64 // on the lists of those; changed under pagecache_lock
)

func (l *mappingList) add(m *Mapping) {
	m.dirtyPrev, m.dirtyNext = l.tail, nil
	if l.tail != nil {
		l.tail.dirtyNext = m
	} else {
		l.head = m
	}
	l.tail = m
}

// oldest is the first of the list. pagecache_lock held.
func (l *mappingList) oldest() *Mapping {
	locks.AssertGuard(locks.PagecacheLock, locks.NoClass, "the list of files with dirty pages is looked at")
	return l.head
}

// remove takes m out if it is in.
func (l *mappingList) remove(m *Mapping) {
	if m.dirtyPrev == nil && l.head != m {
		return
	}
	if m.dirtyPrev != nil {
		m.dirtyPrev.dirtyNext = m.dirtyNext
	} else {
		l.head = m.dirtyNext
	}
	if m.dirtyNext != nil {
		m.dirtyNext.dirtyPrev = m.dirtyPrev
	} else {
		l.tail = m.dirtyPrev
	}
	m.dirtyNext, m.dirtyPrev = nil, nil
}

// SetPageDirty says that a page's contents are newer than what backs it
// (set_page_dirty). The caller has a reference, or its pte under the vmlist lock;
// who came by a pte's dirty bit has flushed the TLBs. Never sleeps.
func SetPageDirty(p *Page) {
	if p.Test(PGDirty) && p.Test(PGDirtyList) {
		return // its write, which clears both first, has not begun
	}
	pagecacheLock.Lock()
	p.Set(PGDirty)
	if m := p.mapping; m != nil && m.Ops != nil && !p.Test(PGDirtyList) {
		m.unlink(p)
		m.linkDirty(p)
	}
	pagecacheLock.Unlock()
}

// linkDirty enters p as the youngest of m's dirty pages. pagecache_lock held.
func (m *Mapping) linkDirty(p *Page) {
	if m.dirty == 0 {
		m.dirtySince = time.Now().UnixNano()
		dirtyMappings.add(m)
	}
	pfn := p.PFN()
	p.mapPrev, p.mapNext = 0, m.dirty
	if m.dirty != 0 {
		memMap[m.dirty].mapPrev = pfn
	} else {
		m.dirtyTail = pfn
	}
	m.dirty = pfn
	p.Set(PGDirtyList)
	nrDirtyPages.Add(1)
}

// takeDirty picks the oldest dirty pages that nobody has locked, locks them for
// their write and makes them clean. Each has a reference for the I/O.
func (m *Mapping) takeDirty(pages []*Page) int {
	n := 0
	pagecacheLock.Lock()
	for pfn := m.dirtyTail; pfn != 0 && n < len(pages); {
		p := &memMap[pfn]
		pfn = p.mapPrev
		if !p.tryLockForIO() {
			continue
		}
		GetPage(p)
		m.unlink(p)
		m.link(p)
		p.Clear(PGDirty)
		pages[n] = p
		n++
	}
	m.writing.Add(int32(n))
	filesWriting.Add(int32(n))
	nrAsyncPages.Add(int64(n))
	pagecacheLock.Unlock()
	return n
}

// writeback starts the write of up to limit dirty pages, and returns how many it
// found. No spinlock, no page lock and no lock of a file system held; may sleep.
func (m *Mapping) writeback(limit int) int {
	var pages [blk.MaxSegs]*Page
	n := m.takeDirty(pages[:min(limit, len(pages))])
	m.startWrite(pages[:n])
	return n
}

// Flush starts the write of all dirty pages and waits for it (filemap_fdatawrite,
// filemap_fdatawait). Pages of a request that failed are dirty again by then, to be tried
// alone: that belongs to it. Locks as writeback.
func (m *Mapping) Flush() {
	before := m.retries.Load()
	m.flush()
	if m.retries.Load() != before {
		m.flush()
	}
}

func (m *Mapping) flush() {
	// The oldest come first: after as many as the file has pages, those that were
	// dirty when we came are done, however fast others dirty more.
	for left := m.Pages() + blk.MaxSegs; left > 0; {
		if n := m.writeback(blk.MaxSegs); n > 0 {
			left -= n
			continue
		}
		p := m.oldestDirty()
		if p == nil {
			break
		}
		WaitOnPage(p)
		PutPage(p)
	}
	ioWait.Wait(func() bool { return m.writing.Load() == 0 })
}

// oldestDirty returns a dirty page with a reference, or nil.
func (m *Mapping) oldestDirty() *Page {
	pagecacheLock.Lock()
	defer pagecacheLock.Unlock()
	if m.dirtyTail == 0 {
		return nil
	}
	p := &memMap[m.dirtyTail]
	GetPage(p)
	return p
}

// Bounds of dirty memory, as parts of all: from the first on kupdate writes at
// once, from the second on whoever writes to a file pays himself.
const (
	dirtyBackground = 10
	dirtyForeground = 5
)

// balanceDirty keeps a writer from filling the memory with dirty pages. Locks as
// writeback.
func (m *Mapping) balanceDirty() {
	switch n, total := nrDirtyPages.Load(), int64(TotalPages()); {
	case n > total/dirtyForeground:
		m.writeback(blk.MaxSegs)
	case n > total/dirtyBackground:
		kupdateWait.WakeAll()
	}
}

var (
	kupdateWait locks.WaitQueue
	kupdateQuit atomic.Bool
	kupdateGone atomic.Bool
)

const (
	kupdatePeriod = time.Second
	dirtyAge      = 3 * time.Second // how long a page may stay dirty
)

// StartKupdate starts the thread that writes dirty pages of files (kupdate and
// bdflush). syncSupers is called now and then to write what else file systems
// have to; it may sleep. Called once, after Init.
func StartKupdate(syncSupers func()) {
	kupdateQuit.Store(false)
	kupdateGone.Store(false)
	locks.Go("kupdate", func() { kupdate(syncSupers) })
}

// StopKupdate ends the thread and waits for its end.
func StopKupdate() {
	kupdateQuit.Store(true)
	kupdateWait.WakeAll()
	kupdateWait.Wait(kupdateGone.Load)
}

// kupdate must make progress when memory is short: it may use the last frames.
func kupdate(syncSupers func()) {
	locks.Current().Flags |= locks.PFMemAlloc
	last := time.Now()
	for !kupdateQuit.Load() {
		kupdateWait.WaitTimeout(func() bool { return kupdateQuit.Load() || muchDirty() }, kupdatePeriod, false)
		writeOld()
		if time.Since(last) > dirtyAge {
			syncSupers()
			last = time.Now()
		}
	}
	kupdateGone.Store(true)
	kupdateWait.WakeAll()
}

func muchDirty() bool { return nrDirtyPages.Load() > int64(TotalPages())/dirtyBackground }

// writeOld starts the write of what is old, or of anything while too much is dirty.
func writeOld() {
	for !kupdateQuit.Load() {
		pagecacheLock.Lock()
		m := dirtyMappings.oldest()
		due := m != nil && (muchDirty() || time.Now().UnixNano()-m.dirtySince > int64(dirtyAge))
		pagecacheLock.Unlock()
		if !due {
			return
		}
		if m = nextDirty(); m == nil || m.writeback(blk.MaxSegs) == 0 {
			return
		}
	}
}

// nextDirty returns the oldest mapping with dirty pages, or nil. It goes to the end
// of the list, so that one whose pages are locked does not hold up the others.
func nextDirty() *Mapping {
	pagecacheLock.Lock()
	defer pagecacheLock.Unlock()
	m := dirtyMappings.oldest()
	if m != nil {
		dirtyMappings.remove(m)
		dirtyMappings.add(m)
	}
	return m
}

// SyncMappings writes all dirty pages of all files and waits for them (sync). False:
// meanwhile a write has failed. Locks as writeback.
func SyncMappings() bool {
	n, failed := 0, VMStat(FileWriteError)
	pagecacheLock.Lock()
	for m := dirtyMappings.oldest(); m != nil; m = m.dirtyNext {
		n++
	}
	pagecacheLock.Unlock()
	for ; n > 0; n-- {
		m := nextDirty()
		if m == nil {
			break
		}
		m.Flush()
	}
	ioWait.Wait(func() bool { return filesWriting.Load() == 0 })
	return VMStat(FileWriteError) == failed
}
