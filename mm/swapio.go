package mm

import (
	"sync/atomic"
	"unsafe"

	"yolk/arch"
	"yolk/drivers/blk"
	"yolk/locks"
)

// sectorsPerPage converts slots to sectors.
const sectorsPerPage = arch.PageSize / blk.SectorSize

// Requests for swap I/O come from two fixed pools, so that reclaim needs no
// memory to free memory, and reads never wait for the stealer's writes.
const (
	nrWriteIOs = 24
	nrReadIOs  = 16
)

// swapIO is one request for up to blk.MaxSegs adjacent slots. Every page in it
// is locked, in the swap cache, and carries a reference of the I/O
// (PG_decr_after): the page lock is the slot's lock.
type swapIO struct {
	req   blk.Request // first: the completion finds the swapIO by it
	busy  atomic.Bool
	ended atomic.Bool // for rereadSwapPage
	area  *swapInfo
	start uint32 // first slot
	n     int
	pages [blk.MaxSegs]arch.PFN
}

var (
	writeIOs [nrWriteIOs]swapIO
	readIOs  [nrReadIOs]swapIO
	ioWait   locks.WaitQueue // for a free swapIO, or fewer pages being written

	// nrAsyncPages counts pages being written or waiting for neighbours to be
	// written with (nr_async_pages).
	nrAsyncPages atomic.Int64
)

// writePlug is the write that still waits for neighbours: stolen pages mostly
// get adjacent slots, and go out as one request.
var writePlug struct {
	lock locks.SpinLock
	io   *swapIO
}

// getIO takes a request from a pool. May sleep.
func getIO(pool []swapIO) *swapIO {
	if io := tryGetIO(pool); io != nil {
		return io
	}
	var io *swapIO
	ioWait.Wait(func() bool {
		io = tryGetIO(pool)
		return io != nil
	})
	return io
}

func tryGetIO(pool []swapIO) *swapIO {
	for i := range pool {
		if io := &pool[i]; !io.busy.Load() && io.busy.CompareAndSwap(false, true) {
			return io
		}
	}
	return nil
}

func (io *swapIO) begin(op blk.Op, si *swapInfo, start uint32) *swapIO {
	io.req.Op = op
	io.req.Done = endSwapIO
	io.req.Err = 0
	io.area, io.start, io.n = si, start, 0
	return io
}

func getReadIO(si *swapInfo, start uint32) *swapIO {
	return getIO(readIOs[:]).begin(blk.Read, si, start)
}

// add appends the page of slot start+n. The page is locked and the reference
// that the caller holds passes to the I/O.
func (io *swapIO) add(p *Page) {
	pfn := p.PFN()
	io.pages[io.n] = pfn
	phys := uint64(pfn) << arch.PageShift
	if io.n > 0 {
		// Frames in a row share a segment.
		last := &io.req.Segs[io.req.NSegs-1]
		if last.Phys+uint64(last.Len) == phys {
			last.Len += arch.PageSize
			io.n++
			return
		}
	} else {
		io.req.NSegs = 0
	}
	io.req.Segs[io.req.NSegs] = blk.Seg{Phys: phys, Len: arch.PageSize}
	io.req.NSegs++
	io.n++
}

// follows reports whether slot off of si can be added to io.
func (io *swapIO) follows(si *swapInfo, off uint32) bool {
	return io.area == si && io.n < len(io.pages) && io.start+uint32(io.n) == off
}

// submit hands the request to the device. May sleep.
func (io *swapIO) submit() {
	io.req.Sector = uint64(io.start) * sectorsPerPage
	CountVM(SwapRequests)
	io.area.dev.Submit(&io.req)
}

// writeSwapPage is rw_swap_page(WRITE, page, nowait): it starts, or prepares to
// start, the write of a locked swap-cache page to its slot. The end of the write
// unlocks the page. Whoever calls it calls RunDiskQueue before waiting for
// anything. May sleep.
func writeSwapPage(p *Page) {
	e := SwapEntry(p.index)
	si, off := swapArea(e), e.Offset()
	GetPage(p)
	nrAsyncPages.Add(1)
	if p.TestAndClear(PGError) { // it was in a request that failed: is it this one?
		io := getIO(writeIOs[:]).begin(blk.Write, si, off)
		io.add(p)
		io.submit()
		return
	}
	writePlug.lock.Lock()
	io := writePlug.io
	if io != nil && io.follows(si, off) {
		io.add(p)
		if io.n < len(io.pages) {
			io = nil
		} else {
			writePlug.io = nil
		}
		writePlug.lock.Unlock()
		if io != nil {
			io.submit()
		}
		return
	}
	writePlug.io = nil
	writePlug.lock.Unlock()
	if io != nil {
		io.submit()
	}
	io = getIO(writeIOs[:]).begin(blk.Write, si, off)
	io.add(p)
	writePlug.lock.Lock()
	io, writePlug.io = writePlug.io, io
	writePlug.lock.Unlock()
	if io != nil {
		io.submit() // another stealer's, begun meanwhile
	}
}

// RunDiskQueue starts the write that waits for neighbours, if there is one
// (run_task_queue(&tq_disk)). May sleep.
func RunDiskQueue() {
	writePlug.lock.Lock()
	io := writePlug.io
	writePlug.io = nil
	writePlug.lock.Unlock()
	if io != nil {
		io.submit()
	}
}

// endSwapIO is the completion of a swap request: it settles each page and
// unlocks it. One bad slot must cost its neighbours nothing: after an error each page of
// several is tried again alone. It may run in completion context: wakes, does not sleep.
func endSwapIO(r *blk.Request) {
	io := (*swapIO)(unsafe.Pointer(r))
	for i, pfn := range io.pages[:io.n] {
		p := &memMap[pfn]
		e := MakeSwapEntry(io.area.typ, io.start+uint32(i))
		switch again := r.Err != 0 && io.n > 1; {
		case again && r.Op == blk.Read:
			CountVM(SwapReadRetry) // whoever needs the page: rereadSwapPage
		case again:
			p.Set(PGError | PGDirty) // shrink_mmap: writeDirtyPage
			CountVM(SwapWriteRetry)
		case r.Op == blk.Read:
			endSwapRead(p, r.Err == 0)
		default:
			endSwapWrite(p, e, r.Err == 0)
		}
		// The cache's reference remains while the page is locked. Dropping ours
		// first keeps IsPageShared exact for whoever locks the page next.
		PutPage(p)
		p.unlockAfterIO()
	}
	if r.Op == blk.Write {
		io.area.writeEnded(r.Err == 0)
		nrAsyncPages.Add(int64(-io.n))
	}
	io.busy.Store(false)
	ioWait.WakeAll()
}

// rereadSwapPage reads a swap-cache page, which the caller has locked, if no read has
// succeeded so far, and reports whether the page is valid now. Sleeps.
func rereadSwapPage(p *Page) bool {
	if p.Uptodate() {
		return true
	}
	e := SwapEntry(p.index)
	io := getReadIO(swapArea(e), e.Offset())
	io.add(p)
	io.ended.Store(false)
	io.req.Done = wakeSwapIO
	io.submit()
	ioWait.Wait(io.ended.Load)
	endSwapRead(p, io.req.Err == 0)
	io.busy.Store(false)
	ioWait.WakeAll()
	return p.Uptodate()
}

// wakeSwapIO is the completion of a request that is waited for.
func wakeSwapIO(r *blk.Request) {
	(*swapIO)(unsafe.Pointer(r)).ended.Store(true)
	ioWait.WakeAll()
}

func endSwapRead(p *Page, ok bool) {
	if !ok {
		p.Set(PGError)
		CountVM(SwapReadError)
		return
	}
	p.Set(PGUptodate)
	CountVM(PSwpIn)
}

// endSwapWrite settles a page whose write ended. After an error the slot is
// retired and the page stays in memory, as the only copy.
func endSwapWrite(p *Page, e SwapEntry, ok bool) {
	if !ok {
		retireSlot(e)
		p.Set(PGDirty)
		CountVM(SwapWriteError)
		return
	}
	CountVM(PSwpOut)
	lruRotate(p)
}

// maxAsyncPages bounds the pages being written at once: a fraction of memory,
// for they cannot be freed before the disk has answered.
func maxAsyncPages() int64 { return min(max(int64(TotalPages()/32), 64), nrWriteIOs*blk.MaxSegs) }

// throttleWrites waits until the disk has caught up, if too much is in flight.
func throttleWrites() {
	limit := maxAsyncPages()
	if nrAsyncPages.Load() <= limit {
		return
	}
	RunDiskQueue()
	CountVM(KswapdThrottle)
	ioWait.Wait(func() bool { return nrAsyncPages.Load() <= limit*3/4 })
}

// waitForWrites sleeps until some of the writes in flight have ended, and
// reports whether there were any.
func waitForWrites() bool {
	RunDiskQueue()
	before := nrAsyncPages.Load()
	if before == 0 {
		return false
	}
	ended := writesEnded()
	ioWait.Wait(func() bool { return nrAsyncPages.Load() == 0 || writesEnded() != ended })
	return true
}

// writesEnded counts the pages whose write has ended, one way or the other.
func writesEnded() uint64 {
	return VMStat(PSwpOut) + VMStat(SwapWriteError) + VMStat(SwapWriteRetry) + VMStat(PgpgOut) + VMStat(FileWriteError)
}
