package mm

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"yolk/arch"
	"yolk/drivers/blk"
)

// Pages of files to and from the disk (block_read_full_page, mpage_writepages).
// Pages that lie in a row on the disk go in one request, whose end unlocks them;
// one whose blocks are scattered goes block by block, and is waited for.

// maxPageBlocks is the number of blocks in a page at the smallest block size, 1 KiB.
const maxPageBlocks = 4

// PageBlocks says where the blocks of one page of a file lie on the disk.
type PageBlocks struct {
	N      int                   // blocks in a page
	Sector [maxPageBlocks]uint64 // where each begins; 0: nowhere, it reads as zeros
	Fresh  bool                  // some got their place by this call: what lies there is garbage
}

// adjacent is how many blocks from k on lie in a row, or are all holes.
func (b *PageBlocks) adjacent(k int) int {
	n := 1
	step := uint64(sectorsPerPage / b.N)
	for ; k+n < b.N; n++ {
		want := uint64(0)
		if b.Sector[k] != 0 {
			want = b.Sector[k] + uint64(n)*step
		}
		if b.Sector[k+n] != want {
			break
		}
	}
	return n
}

// fileIO is one request. Each page in it is locked and carries a reference of the I/O.
type fileIO struct {
	req   blk.Request // first: the completion finds the fileIO by it
	busy  atomic.Bool
	ended atomic.Bool // for those who wait
	m     *Mapping
	n     int
	pages [blk.MaxSegs]arch.PFN
}

// Fixed pools, as for swap: cleaning memory needs none, and reads do not wait for writes.
var fileReads, fileWrites [8]fileIO

func getFileIO(m *Mapping, op blk.Op, sector uint64) *fileIO {
	pool := fileReads[:]
	if op == blk.Write {
		pool = fileWrites[:]
	}
	io := tryGetFileIO(pool)
	if io == nil {
		ioWait.Wait(func() bool {
			io = tryGetFileIO(pool)
			return io != nil
		})
	}
	io.req.Op, io.req.Sector, io.req.NSegs, io.req.Err = op, sector, 0, 0
	io.m, io.n = m, 0
	return io
}

func tryGetFileIO(pool []fileIO) *fileIO {
	for i := range pool {
		if !pool[i].busy.Load() && pool[i].busy.CompareAndSwap(false, true) {
			return &pool[i]
		}
	}
	return nil
}

// putFileIO gives a request back.
func putFileIO(io *fileIO) {
	io.m = nil
	io.busy.Store(false)
	ioWait.WakeAll()
}

// addSegment appends memory to the request.
func (io *fileIO) addSegment(phys uint64, n uint32) {
	if k := io.req.NSegs; k > 0 {
		last := &io.req.Segs[k-1]
		if last.Phys+uint64(last.Len) == phys {
			last.Len += n
			return
		}
	}
	io.req.Segs[io.req.NSegs] = blk.Seg{Phys: phys, Len: n}
	io.req.NSegs++
}

// fileBatch collects pages of one mapping into requests.
type fileBatch struct {
	m  *Mapping
	op blk.Op
	io *fileIO
}

// add puts a page that lies at sector, in one piece, into a request.
func (b *fileBatch) add(p *Page, sector uint64) {
	if b.io != nil && (b.io.n == len(b.io.pages) || b.io.req.Sector+uint64(b.io.n)*sectorsPerPage != sector) {
		b.submit()
	}
	if b.io == nil {
		b.io = getFileIO(b.m, b.op, sector)
	}
	b.io.addSegment(uint64(p.PFN())<<arch.PageShift, arch.PageSize)
	b.io.pages[b.io.n] = p.PFN()
	b.io.n++
}

// submit starts the request that is being put together, if there is one.
func (b *fileBatch) submit() {
	if io := b.io; io != nil {
		b.io = nil
		io.req.Done = endFileIO
		b.m.Ops.Device().Submit(&io.req)
	}
}

// scattered moves a page block by block, and ends its I/O.
func (b *fileBatch) scattered(p *Page, at *PageBlocks) {
	b.submit()
	size := arch.PageSize / at.N
	var failed syscall.Errno
	for k := 0; k < at.N; {
		n := at.adjacent(k)
		if at.Sector[k] != 0 {
			io := getFileIO(b.m, b.op, at.Sector[k])
			io.addSegment(uint64(p.PFN())<<arch.PageShift+uint64(k*size), uint32(n*size))
			io.req.Done = wakeFileIO
			io.ended.Store(false)
			b.m.Ops.Device().Submit(&io.req)
			ioWait.Wait(io.ended.Load)
			if io.req.Err != 0 {
				failed = syscall.EIO
			}
			putFileIO(io)
		} else if b.op == blk.Read {
			clear(p.lockedBytes()[k*size : (k+n)*size])
		}
		k += n
	}
	b.m.endPage(b.op, p, failed)
}

// wakeFileIO is the completion of a request that is waited for.
func wakeFileIO(r *blk.Request) {
	(*fileIO)(unsafe.Pointer(r)).ended.Store(true)
	ioWait.WakeAll()
}

// endFileIO is the completion of a request for whole pages. One bad block must not
// cost its neighbours their write: after an error they stay dirty, and PGError has
// each try again alone. Wakes, does not sleep.
func endFileIO(r *blk.Request) {
	io := (*fileIO)(unsafe.Pointer(r))
	for _, pfn := range io.pages[:io.n] {
		p, e := &memMap[pfn], r.Err
		if e != 0 && r.Op == blk.Write && io.n > 1 {
			p.Set(PGError)
			SetPageDirty(p)
			io.m.retries.Add(1)
			e = 0
		}
		io.m.endPage(r.Op, p, e)
	}
	putFileIO(io)
}

// endPage settles a page whose I/O has ended, and unlocks it. The cache's
// reference stays while the page is locked.
func (m *Mapping) endPage(op blk.Op, p *Page, e syscall.Errno) {
	switch {
	case op == blk.Read && e == 0:
		p.Set(PGUptodate)
		CountVM(PgpgIn)
	case op == blk.Read:
		p.Set(PGError)
		CountVM(FileReadError)
	case e == 0:
		CountVM(PgpgOut)
		if !p.Test(PGReferenced) {
			lruRotate(p)
		}
	default:
		m.failed.Set(e)
		CountVM(FileWriteError)
	}
	PutPage(p)
	p.unlockAfterIO()
	if op == blk.Write {
		nrAsyncPages.Add(-1)
		m.writing.Add(-1)
		if filesWriting.Add(-1) == 0 || m.writing.Load() == 0 {
			ioWait.WakeAll()
		}
	}
}

// startRead starts to read pages, which are cached, locked for I/O and have a
// reference for it. No spinlock held; may sleep.
func (m *Mapping) startRead(pages []*Page) {
	b := fileBatch{m: m, op: blk.Read}
	for _, p := range pages {
		var at PageBlocks
		p.Clear(PGError)
		if e := m.getBlocks(p, 0, &at); e != 0 {
			m.endPage(blk.Read, p, e)
		} else if at.Sector[0] != 0 && at.adjacent(0) == at.N {
			b.add(p, at.Sector[0])
		} else {
			b.scattered(p, &at)
		}
	}
	b.submit()
}

// startWrite starts to write pages that takeDirty has picked. What lies beyond
// the end of the file is no part of it, and reaches the disk as zeros.
func (m *Mapping) startWrite(pages []*Page) {
	b := fileBatch{m: m, op: blk.Write}
	for _, p := range pages {
		var at PageBlocks
		alone := p.TestAndClear(PGError)
		size := m.Ops.Size()
		if size>>arch.PageShift == int64(p.index) {
			clear(p.lockedBytes()[size&(arch.PageSize-1):])
		}
		if e := m.getBlocks(p, size, &at); e != 0 {
			m.endPage(blk.Write, p, e)
		} else if !alone && at.Sector[0] != 0 && at.adjacent(0) == at.N {
			b.add(p, at.Sector[0])
		} else {
			b.scattered(p, &at)
		}
	}
	b.submit()
}
