package mm

import (
	"math"
	"syscall"
	"unsafe"

	"yolk/arch"
	"yolk/drivers/blk"
	"yolk/locks"
)

// Files through the page cache: what read, write, fsync and truncate do for every
// file system on a disk (mm/filemap.c). Mapped memory uses the same pages, so a
// program sees in one what it did through the other.

// lockToIO makes the page lock that this goroutine holds the I/O's.
func lockToIO(p *Page) { locks.NoteRelease(locks.PageLock, unsafe.Pointer(p)) }

// pagesOf is how many pages size bytes span.
func pagesOf(size int64) uint64 { return (uint64(size) + arch.PageSize - 1) >> arch.PageShift }

// Read-ahead: at least the page that is wanted, twice as many as last time while
// the reader goes on where that ended.
const (
	minReadahead = 4
	maxReadahead = blk.MaxSegs
)

// readahead starts to read page index and some of those behind it, as far as
// they are not cached and the file goes. It does not wait. ENOMEM: not even one.
func (m *Mapping) readahead(index uint64) syscall.Errno {
	window := uint32(minReadahead)
	if m.raNext.Load() == index && index != 0 {
		window = min(2*m.raWindow.Load(), maxReadahead)
	}
	m.raWindow.Store(window)
	m.raNext.Store(index + uint64(window))
	return m.readCluster(index, int(window))
}

// readCluster is readahead with a window of n, at most maxReadahead pages.
func (m *Mapping) readCluster(index uint64, n int) syscall.Errno {
	var pages [maxReadahead]*Page
	got := 0
	gfp := GFPHighUser
	for k := index; k < min(index+uint64(n), pagesOf(m.Ops.Size())); k++ {
		p := AllocPage(gfp)
		if p == nil {
			if k == index {
				return syscall.ENOMEM
			}
			break
		}
		gfp &^= GFPWait | GFPIO // only the first is needed
		p.tryLockForIO()
		if !AddToPageCacheUnique(p, m, k) {
			p.unlockAfterIO()
			PutPage(p)
			continue
		}
		pages[got] = p
		got++
	}
	m.startRead(pages[:got])
	return 0
}

// getPage returns page index of the file, which lies before its end, up to date
// and with a reference. waited: the disk was asked. No page lock or lock of a
// file system held; sleeps. EIO, ENOMEM; EFAULT: the file ends before it.
func (m *Mapping) getPage(index uint64) (p *Page, waited bool, e syscall.Errno) {
	for failures := 0; ; {
		p = FindGetPage(m, index)
		if p == nil {
			if index >= pagesOf(m.Ops.Size()) {
				return nil, waited, syscall.EFAULT
			}
			if e := m.readahead(index); e != 0 {
				return nil, waited, e
			}
			waited = true
			continue
		}
		WaitOnPage(p)
		if p.Uptodate() {
			return p, waited, 0
		}
		if failures++; failures > 2 {
			PutPage(p)
			return nil, waited, syscall.EIO
		}
		m.reread(p)
		waited = true
	}
}

// reread reads a page again whose read has failed, and waits. It drops the
// caller's reference.
func (m *Mapping) reread(p *Page) {
	LockPage(p)
	if p.mapping != m || p.Uptodate() {
		UnlockPage(p)
		PutPage(p)
		return
	}
	GetPage(p)
	lockToIO(p)
	m.startRead([]*Page{p})
	WaitOnPage(p)
	PutPage(p)
}

// Read copies from the file at off (generic_file_read). It stops short at the end
// and at a page that cannot be read. Locks as getPage; i_sem need not be held. EIO, ENOMEM.
func (m *Mapping) Read(b []byte, off int64) (int, syscall.Errno) {
	n := 0
	for n < len(b) && off < m.Ops.Size() {
		p, _, e := m.getPage(uint64(off) >> arch.PageShift)
		if e == syscall.EFAULT {
			break
		}
		if e != 0 {
			return n, e
		}
		at := off & (arch.PageSize - 1)
		c := 0
		if left := m.Ops.Size() - off; left > 0 {
			c = copy(b[n:], p.Bytes()[at:min(arch.PageSize, at+left)])
		}
		PutPage(p)
		n += c
		off += int64(c)
	}
	return n, 0
}

// grabPage returns page index locked and with a reference, made if need be; a new
// one is not up to date. ENOMEM.
func (m *Mapping) grabPage(index uint64) (*Page, syscall.Errno) {
	for {
		if p := FindLockPage(m, index); p != nil {
			return p, 0
		}
		p := AllocPage(GFPHighUser)
		if p == nil {
			return nil, syscall.ENOMEM
		}
		LockPage(p)
		if AddToPageCacheUnique(p, m, index) {
			return p, 0
		}
		UnlockPage(p)
		PutPage(p)
	}
}

// grabForWrite is grabPage for one who will fill bytes [from, to) of the page: its
// other bytes are valid, and it has its place on the disk. EIO, ENOMEM, ENOSPC, EFBIG.
func (m *Mapping) grabForWrite(index uint64, from, to int) (*Page, syscall.Errno) {
	start := int64(index << arch.PageShift)
	for {
		p, e := m.grabPage(index)
		if e != 0 {
			return nil, e
		}
		size := m.Ops.Size()
		if !p.Uptodate() && start < size && (from > 0 || start+int64(to) < size && to < arch.PageSize) {
			UnlockPage(p)
			PutPage(p)
			if p, _, e = m.getPage(index); e != 0 {
				return nil, e
			}
			PutPage(p)
			continue
		}
		var at PageBlocks
		if e := m.getBlocks(p, max(size, start+int64(to)), &at); e != 0 {
			UnlockPage(p)
			PutPage(p)
			return nil, e
		}
		if !p.Uptodate() {
			clear(p.lockedBytes()[:from])
			clear(p.lockedBytes()[to:])
		}
		return p, 0
	}
}

// Write stores b at off (generic_file_write). i_sem is held, and no other lock
// that getPage does not allow. It stops short at an error. EIO, ENOMEM, ENOSPC, EFBIG.
func (m *Mapping) Write(b []byte, off int64) (int, syscall.Errno) {
	if off > math.MaxInt64-int64(len(b)) {
		return 0, syscall.EFBIG
	}
	if off > m.Ops.Size() {
		if e := m.PrepareHole(); e != 0 {
			return 0, e
		}
	}
	n := 0
	for n < len(b) {
		at := int(off & (arch.PageSize - 1))
		c := min(arch.PageSize-at, len(b)-n)
		p, e := m.grabForWrite(uint64(off)>>arch.PageShift, at, at+c)
		if e != 0 {
			return n, e
		}
		copy(p.lockedBytes()[at:], b[n:n+c])
		p.Set(PGUptodate)
		n += c
		off += int64(c)
		if off > m.Ops.Size() {
			m.Ops.Grow(off)
		}
		SetPageDirty(p)
		UnlockPage(p)
		PutPage(p)
		m.balanceDirty()
	}
	return n, 0
}

// ZeroTail clears what lies behind the end of the file in its last page: before
// the file grows over what a mapping may have written there, and after it has
// become shorter. i_sem held, or the file is nobody's any more. EIO, ENOMEM.
func (m *Mapping) ZeroTail() syscall.Errno {
	size := m.Ops.Size()
	at := size & (arch.PageSize - 1)
	if at == 0 {
		return 0
	}
	p, _, e := m.getPage(uint64(size) >> arch.PageShift)
	if e != 0 {
		return e
	}
	LockPage(p)
	if p.mapping == m {
		clear(p.lockedBytes()[at:])
		SetPageDirty(p)
	}
	UnlockPage(p)
	PutPage(p)
	return 0
}

// PrepareHole comes before the file grows by more than is written: what lies
// between the old end and the new reads as zeros. A read that raced with truncate
// may have left pages behind the end in the cache; they hold what was there. i_sem
// held. EIO, ENOMEM.
func (m *Mapping) PrepareHole() syscall.Errno {
	m.dropPages(pagesOf(m.Ops.Size()))
	return m.ZeroTail()
}

// Opened makes the mark of an open file, which hears from Fsync of writes that fail from now on.
func (m *Mapping) Opened(heard *ErrMark) { m.failed.Sample(heard) }

// Fsync writes the file, what programs have stored in their mappings of it
// included, and what leads to it. It reports what writes have failed since it was last
// called with that mark. r is the file's ring. Locks as Flush. EIO, ENOSPC.
func (m *Mapping) Fsync(r *IMmap, heard *ErrMark) syscall.Errno {
	r.syncPtes()
	m.Flush()
	e := m.Ops.Commit()
	if failed := m.failed.Check(heard); failed != 0 {
		return failed
	}
	return e
}
