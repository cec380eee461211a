package ext2

import (
	"sync/atomic"
	"syscall"

	"yolk/arch"
	"yolk/drivers/blk"
	"yolk/locks"
	"yolk/mm"
)

// nrBuffers is how many blocks are kept in memory.
const nrBuffers = 64

// buffer is one block of the disk in memory. FS.mu guards it.
type buffer struct {
	page  *mm.Page
	block uint32
	valid bool
	dirty bool
	used  uint64 // when it was last asked for
}

// bufferCache holds the blocks of metadata, and those of directories and links.
// The bytes that read and fresh return are good until nrBuffers-1 other blocks were
// asked for; nobody keeps them across a call that may ask for that many.
type bufferCache struct {
	dev   blk.Device
	size  int // of a block
	clock uint64
	all   [nrBuffers]buffer
	zeros *mm.Page // a block of zeros

	req      blk.Request
	queue    locks.WaitQueue
	done     atomic.Bool
	isDone   func() bool        // done.Load, and
	finished func(*blk.Request) // the completion: made once, so that a transfer needs no memory
}

// init takes the frames. ENOMEM.
func (c *bufferCache) init(dev blk.Device, size int) syscall.Errno {
	c.dev, c.size = dev, size
	c.isDone = c.done.Load
	c.finished = func(*blk.Request) {
		c.done.Store(true)
		c.queue.WakeAll()
	}
	for k := range c.all {
		if c.all[k].page = keptPage(mm.GFPKernel); c.all[k].page == nil {
			c.free()
			return syscall.ENOMEM
		}
	}
	if c.zeros = keptPage(mm.GFPKernel | mm.GFPZero); c.zeros == nil {
		c.free()
		return syscall.ENOMEM
	}
	return 0
}

// keptPage is a frame that is counted as the kernel's, or nil.
func keptPage(gfp mm.GFP) *mm.Page {
	p := mm.AllocPage(gfp)
	if p != nil {
		p.Set(mm.PGKept)
	}
	return p
}

// free gives the frames back.
func (c *bufferCache) free() {
	for k := range c.all {
		if p := c.all[k].page; p != nil {
			mm.PutPage(p)
		}
		c.all[k] = buffer{}
	}
	if c.zeros != nil {
		mm.PutPage(c.zeros)
		c.zeros = nil
	}
}

// transfer moves one block and waits for it.
func (c *bufferCache) transfer(op blk.Op, b *buffer) syscall.Errno {
	if op == blk.Flush {
		return c.request(op, 0, nil, 0)
	}
	return c.request(op, b.block, b.page, 1)
}

// zero writes zeros over n blocks, blk.MaxSegs at most, that no buffer stands for. EIO.
func (c *bufferCache) zero(first, n uint32) syscall.Errno {
	return c.request(blk.Write, first, c.zeros, n)
}

// request moves the page from or to each of n blocks and waits for that.
func (c *bufferCache) request(op blk.Op, first uint32, page *mm.Page, n uint32) syscall.Errno {
	c.done.Store(false)
	c.req = blk.Request{Op: op, Done: c.finished, NSegs: int(n)}
	c.req.Sector = uint64(first) * uint64(c.size/blk.SectorSize)
	for k := range c.req.Segs[:n] {
		c.req.Segs[k] = blk.Seg{Phys: uint64(page.PFN()) << arch.PageShift, Len: uint32(c.size)}
	}
	c.dev.Submit(&c.req)
	c.queue.Wait(c.isDone)
	if c.req.Err != 0 {
		return syscall.EIO
	}
	return 0
}

// flushDisk is the transfer of no block that has the disk keep what it was given.
const flushDisk = blk.Flush

// find returns the buffer of a block, or nil.
func (c *bufferCache) find(block uint32) *buffer {
	for k := range c.all {
		if b := &c.all[k]; b.valid && b.block == block {
			c.clock++
			b.used = c.clock
			return b
		}
	}
	return nil
}

// claim makes the buffer that was not asked for longest the block's own. One that
// cannot be written stays: it is the only copy. EIO: that is true of all.
func (c *bufferCache) claim(block uint32) (*buffer, syscall.Errno) {
	for range c.all {
		oldest := &c.all[0]
		for k := range c.all {
			if c.all[k].used < oldest.used {
				oldest = &c.all[k]
			}
		}
		c.clock++
		oldest.used = c.clock
		if oldest.dirty && c.write(oldest) != 0 {
			continue
		}
		oldest.block, oldest.valid = block, false
		return oldest, 0
	}
	return nil, syscall.EIO
}

func (c *bufferCache) write(b *buffer) syscall.Errno {
	e := c.transfer(blk.Write, b)
	b.dirty = e != 0
	return e
}

// get returns a block's buffer, read in. EIO.
func (c *bufferCache) get(block uint32) (*buffer, syscall.Errno) {
	if b := c.find(block); b != nil {
		return b, 0
	}
	b, e := c.claim(block)
	if e == 0 {
		e = c.transfer(blk.Read, b)
	}
	if e != 0 {
		return nil, e
	}
	b.valid = true
	return b, 0
}

// read returns a block's bytes. EIO.
func (c *bufferCache) read(block uint32) ([]byte, syscall.Errno) {
	b, e := c.get(block)
	if e != 0 {
		return nil, e
	}
	return b.page.Bytes()[:c.size], 0
}

// modify is read for one who is going to change the bytes, now.
func (c *bufferCache) modify(block uint32) ([]byte, syscall.Errno) {
	b, e := c.get(block)
	if e != 0 {
		return nil, e
	}
	b.dirty = true
	return b.page.Bytes()[:c.size], 0
}

// fresh is modify for a block whose old contents mean nothing: zeros. EIO.
func (c *bufferCache) fresh(block uint32) ([]byte, syscall.Errno) {
	b := c.find(block)
	if b == nil {
		var e syscall.Errno
		if b, e = c.claim(block); e != 0 {
			return nil, e
		}
	}
	b.valid, b.dirty = true, true
	data := b.page.Bytes()[:c.size]
	clear(data)
	return data, 0
}

// forget drops a block that was freed: its place may become a file's, which is
// written past this cache.
func (c *bufferCache) forget(block uint32) {
	if b := c.find(block); b != nil {
		b.valid, b.dirty, b.used = false, false, 0
	}
}

// flush writes all that is dirty and has the disk keep it. EIO: not all of it.
func (c *bufferCache) flush() syscall.Errno {
	var failed syscall.Errno
	for k := range c.all {
		if b := &c.all[k]; b.dirty {
			if e := c.write(b); e != 0 {
				failed = e
			}
		}
	}
	if e := c.transfer(flushDisk, nil); e != 0 {
		failed = e
	}
	return failed
}
