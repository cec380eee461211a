package memdisk

import (
	"sync"
	"syscall"
	"time"

	"yolk/arch"
	"yolk/drivers/blk"
)

// Disk is a memory-backed block device.
type Disk struct {
	name string

	mu    sync.Mutex
	data  []byte
	fault func(op blk.Op, from, to uint64) syscall.Errno
	delay func() time.Duration
	ops   int // requests begun
}

// New returns a zeroed disk of the given size.
func New(name string, sectors uint64) *Disk {
	return &Disk{name: name, data: make([]byte, sectors*blk.SectorSize)}
}

// SetFault makes requests fail: f is asked for each, with its first sector, and
// returns the error or 0. nil: none fails.
func (d *Disk) SetFault(f func(op blk.Op, sector uint64) syscall.Errno) {
	if f == nil {
		d.SetFaultAt(nil)
		return
	}
	d.SetFaultAt(func(op blk.Op, from, _ uint64) syscall.Errno { return f(op, from) })
}

// SetFaultAt is SetFault for an f that looks at all sectors of a request, those in [from, to).
func (d *Disk) SetFaultAt(f func(op blk.Op, from, to uint64) syscall.Errno) {
	d.mu.Lock()
	d.fault = f
	d.mu.Unlock()
}

// SetDelay makes each request take as long as f says. nil: no time.
func (d *Disk) SetDelay(f func() time.Duration) {
	d.mu.Lock()
	d.delay = f
	d.mu.Unlock()
}

// Requests is the number of requests begun.
func (d *Disk) Requests() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ops
}

// WriteAt changes the disk's contents from outside.
func (d *Disk) WriteAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return copy(d.data[off:], p), nil
}

// ReadAt looks at the disk's contents from outside.
func (d *Disk) ReadAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return copy(p, d.data[off:]), nil
}

// Name is the name the disk was made with.
func (d *Disk) Name() string { return d.name }

// Sectors is the capacity.
func (d *Disk) Sectors() uint64 { return uint64(len(d.data)) / blk.SectorSize }

// ReadOnly is always false.
func (d *Disk) ReadOnly() bool { return false }

// Submit starts r; it completes later, from another goroutine.
func (d *Disk) Submit(r *blk.Request) { go d.serve(r) }

func (d *Disk) serve(r *blk.Request) {
	d.mu.Lock()
	d.ops++
	wait := time.Duration(0)
	if d.delay != nil {
		wait = d.delay()
	}
	d.mu.Unlock()
	if wait > 0 {
		time.Sleep(wait)
	}
	d.mu.Lock()
	r.Err = d.transfer(r)
	d.mu.Unlock()
	r.Done(r)
}

// transfer moves the data. mu held.
func (d *Disk) transfer(r *blk.Request) syscall.Errno {
	if d.fault != nil {
		to := r.Sector
		for _, s := range r.Segs[:r.NSegs] {
			to += uint64(s.Len / blk.SectorSize)
		}
		if e := d.fault(r.Op, r.Sector, to); e != 0 {
			return e
		}
	}
	if r.Op == blk.Flush {
		return 0
	}
	at := r.Sector * blk.SectorSize
	for _, s := range r.Segs[:r.NSegs] {
		if at+uint64(s.Len) > uint64(len(d.data)) {
			return syscall.EIO
		}
		for done := uint64(0); done < uint64(s.Len); {
			frame := arch.FrameBytes(arch.PFN((s.Phys + done) >> arch.PageShift))[(s.Phys+done)%arch.PageSize:]
			frame = frame[:min(uint64(len(frame)), uint64(s.Len)-done)]
			disk := d.data[at+done:][:len(frame)]
			if r.Op == blk.Write {
				copy(disk, frame)
			} else {
				copy(frame, disk)
			}
			done += uint64(len(frame))
		}
		at += uint64(s.Len)
	}
	return 0
}
