package fs

import (
	"sync/atomic"
	"syscall"

	"yolk/arch"
	"yolk/drivers/blk"
	"yolk/locks"
	"yolk/mm"
)

// blockMajor is the major number of virtio disks on Linux hosts of today.
const blockMajor = 254

// BlockNumber is the device number of the disk with that index.
func BlockNumber(index int) uint64 { return Makedev(blockMajor, uint32(index)*16) }

// disks are the disks by device number. Filled during start-up, read only afterwards.
var disks = map[uint64]blk.Device{}

// AddDisk makes the node in /dev of the disk with that index, by which programs
// read and write it. Start-up only, after Init.
func AddDisk(index int, dev blk.Device) {
	d := &diskFile{dev: dev}
	d.mu.Init(locks.ISem)
	d.done = d.finished.Load
	disks[BlockNumber(index)] = dev
	registerDevice(syscall.S_IFBLK, BlockNumber(index), func(f *File) syscall.Errno {
		if f.CanWrite() && dev.ReadOnly() {
			return syscall.EROFS
		}
		f.ops, f.kind = d, kindSeek
		return 0
	})
	makeNode("/dev/"+dev.Name(), syscall.S_IFBLK|0o660, BlockNumber(index))
	registerDisk(dev, blockMajor, uint32(index)*16)
	registerOvertaken(dev)
}

// diskFile is the FileOps of block devices. It moves one page at a time, uncached:
// programs such as mkswap touch a few sectors, and file systems go to the driver.
type diskFile struct {
	NoFile
	dev blk.Device

	mu       locks.Mutex // one transfer at a time; guards what follows
	req      blk.Request
	queue    locks.WaitQueue
	finished atomic.Bool // set by the completion, before it wakes queue
	done     func() bool // the condition of that sleep
}

// End is the capacity.
func (d *diskFile) End(*File) (int64, syscall.Errno) {
	return int64(d.dev.Sectors()) * blk.SectorSize, 0
}

// transfer moves n bytes, whole sectors, between p's frame and the disk. mu held.
func (d *diskFile) transfer(op blk.Op, off int64, p *mm.Page, n int) syscall.Errno {
	d.finished.Store(false)
	d.req = blk.Request{Op: op, Sector: uint64(off) / blk.SectorSize, Done: func(*blk.Request) {
		d.finished.Store(true)
		d.queue.WakeAll()
	}}
	if op != blk.Flush {
		d.req.Segs[0] = blk.Seg{Phys: uint64(p.PFN()) << arch.PageShift, Len: uint32(n)}
		d.req.NSegs = 1
	}
	d.dev.Submit(&d.req)
	d.queue.Wait(d.done)
	return d.req.Err
}

// each calls move for each page of the disk that [off, off+len(b)) touches, with
// the page read in, the part of b that belongs there and its place in the page.
func (d *diskFile) each(b []byte, off int64, move func(page, part []byte), write bool) (int, syscall.Errno) {
	p := mm.AllocPage(mm.GFPKernel)
	if p == nil {
		return 0, syscall.ENOMEM
	}
	defer mm.PutPage(p)
	end, _ := d.End(nil)
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for n < len(b) && off < end {
		start := off &^ (arch.PageSize - 1)
		size := int(min(arch.PageSize, end-start))
		if e := d.transfer(blk.Read, start, p, size); e != 0 {
			return n, e
		}
		page := p.Bytes()[off-start : size]
		part := b[n:min(n+len(page), len(b))]
		move(page, part)
		if write {
			if e := d.transfer(blk.Write, start, p, size); e != 0 {
				return n, e
			}
		}
		n += len(part)
		off += int64(len(part))
	}
	return n, 0
}

// Read copies from the disk. EIO, ENOMEM.
func (d *diskFile) Read(_ *File, b []byte, off int64) (int, syscall.Errno) {
	n, e := d.each(b, off, func(page, part []byte) { copy(part, page) }, false)
	if n > 0 {
		e = 0
	}
	return n, e
}

// Write copies to the disk. ENOSPC: at its end; EIO, ENOMEM.
func (d *diskFile) Write(_ *File, b []byte, off int64) (int, int64, syscall.Errno) {
	end, _ := d.End(nil)
	if off == AppendOffset {
		off = end
	}
	n, e := d.each(b, off, func(page, part []byte) { copy(page, part) }, true)
	switch {
	case n > 0:
		e = 0
	case e == 0 && len(b) > 0:
		e = syscall.ENOSPC
	}
	return n, off + int64(n), e
}

// Sync flushes the disk's cache. EIO.
func (d *diskFile) Sync(*File) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.transfer(blk.Flush, 0, nil, 0)
}
