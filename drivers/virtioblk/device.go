package virtioblk

import (
	"syscall"

	"yolk/drivers/blk"
	"yolk/drivers/virtio"
	"yolk/locks"
)

// Device is a virtio block device. It implements blk.Device.
type Device struct {
	// immutable after start
	name     string
	serial   string
	sectors  uint64
	readOnly bool
	canFlush bool
	maxSegs  int    // pieces per request that the device takes
	doorbell func() // notifies the device of new chains
	stop     func() // resets the device: it touches memory no more
	hasRoom  func() bool
	headers  []header // by head, in memory that the device sees
	dataPhys uint64   // of headers

	lock   locks.SpinLock // request_lock; guards all that follows
	queue  *virtio.Queue
	slots  []slot // by head
	broken bool
	ended  uint64                      // chains that the device has finished
	begun  uint64                      // and that it was given
	newest uint64                      // the last given of those finished
	passed uint64                      // how many were finished after one that was given later
	bufs   [blk.MaxSegs + 2]virtio.Buf // the chain being built

	room locks.WaitQueue // waits for hasRoom
}

// slot is a chain in flight.
type slot struct {
	req  *blk.Request
	next int    // first of req.Segs that is in no chain yet
	nr   uint64 // of Device.begun
}

// completed is a list of requests that the device has finished, oldest first,
// linked through their Next.
type completed struct {
	first, last *blk.Request
}

func (c *completed) add(r *blk.Request, err syscall.Errno) {
	r.Err = err
	r.Next = nil
	if c.first == nil {
		c.first = r
	} else {
		c.last.Next = r
	}
	c.last = r
}

// deliver calls Done of each request, with no lock held. A request is its
// submitter's again once Done is called.
func (c *completed) deliver() {
	for r := c.first; r != nil; {
		next := r.Next
		r.Next = nil
		r.Done(r)
		r = next
	}
}

// Name returns the device's name: "vda" for the first one found.
func (d *Device) Name() string { return d.name }

// Serial returns the identity that the host gave the disk, "" if none.
func (d *Device) Serial() string { return d.serial }

// Sectors returns the capacity in units of blk.SectorSize.
func (d *Device) Sectors() uint64 { return d.sectors }

// Overtaken returns how many chains the device has finished after one that it was given
// later.
func (d *Device) Overtaken() uint64 {
	d.lock.Lock()
	defer d.lock.Unlock()
	return d.passed
}

// ReadOnly says whether writes end with EROFS.
func (d *Device) ReadOnly() bool { return d.readOnly }

// Submit starts r. It sleeps while the ring is full, so no spinlock is held on
// entry. r.Err is 0, EIO (the disk failed, or the device is broken), EINVAL (r
// makes no sense), or EROFS. Done is called from the interrupt handler, or
// from Submit itself if r needs no device: its caller's locks must allow that.
func (d *Device) Submit(r *blk.Request) {
	r.Next = nil
	d.SubmitList(r)
}

// SubmitList starts the requests linked through Next, with one notification of
// the device for all. Otherwise it is Submit.
func (d *Device) SubmitList(first *blk.Request) {
	locks.MaySleep()
	var done completed
	d.lock.Lock()
	for r := first; r != nil; {
		next := r.Next // after completion r is no longer ours
		if settled, err := d.check(r); settled {
			done.add(r, err)
		} else {
			d.waitForRoom()
			if d.broken {
				done.add(r, syscall.EIO)
			} else {
				d.issue(r, 0)
			}
		}
		r = next
	}
	notify := d.kickLocked()
	d.lock.Unlock()
	if notify {
		d.doorbell()
	}
	done.deliver()
}

// kickLocked shows the device the chains added since the last time. If it
// returns true the caller rings the doorbell after it has dropped the lock.
func (d *Device) kickLocked() (notify bool) { return !d.broken && d.queue.Kick() }

// check finds the requests that need no device, or that it must not see.
func (d *Device) check(r *blk.Request) (settled bool, err syscall.Errno) {
	switch r.Op {
	case blk.Flush:
		return !d.canFlush, 0 // without the feature a completed write is stable
	case opGetID:
		return false, 0
	case blk.Read:
	case blk.Write:
		if d.readOnly {
			return true, syscall.EROFS
		}
	default:
		return true, syscall.EINVAL
	}
	if r.NSegs < 1 || r.NSegs > blk.MaxSegs || r.Sector > d.sectors {
		return true, syscall.EINVAL
	}
	sectors := uint64(0)
	for i := range r.NSegs {
		n := r.Segs[i].Len
		if n == 0 || n%blk.SectorSize != 0 {
			return true, syscall.EINVAL
		}
		sectors += uint64(n / blk.SectorSize)
	}
	if sectors > d.sectors-r.Sector {
		return true, syscall.EINVAL
	}
	return false, 0
}

// waitForRoom returns when the ring has room for the longest chain, or the
// device is broken. The lock is held on entry and return, and dropped to
// sleep; chains added before are shown to the device first.
func (d *Device) waitForRoom() {
	for !d.broken && !d.queue.Room(d.maxSegs+2) {
		notify := d.kickLocked()
		d.lock.Unlock()
		if notify {
			d.doorbell()
		}
		d.room.Wait(d.hasRoom)
		d.lock.Lock()
	}
}

func (d *Device) roomOrBroken() bool {
	d.lock.Lock()
	defer d.lock.Unlock()
	return d.broken || d.queue.Room(d.maxSegs+2)
}

// Drain takes back all that the device has finished, and is its interrupt
// handler. It does not sleep.
func (d *Device) Drain() {
	var done completed
	d.lock.Lock()
	for !d.broken {
		d.drainLocked(&done)
		if d.broken || !d.queue.Rearm() {
			break
		}
	}
	notify := d.kickLocked() // the rest of requests too long for one chain
	d.lock.Unlock()
	if notify {
		d.doorbell()
	}
	if done.first != nil {
		d.room.WakeAll()
	}
	done.deliver()
}

func (d *Device) drainLocked(done *completed) {
	for {
		head, _, result := d.queue.Pop()
		switch result {
		case virtio.PopNothing:
			return
		case virtio.PopGarbage:
			d.breakLocked(done)
			return
		case virtio.PopChain:
			d.finish(head, done)
		}
	}
}

// finish ends the chain at head: the request is done, has failed, or goes on
// with its next pieces in the room that its chain has just left.
func (d *Device) finish(head uint16, done *completed) {
	d.ended++
	s := &d.slots[head]
	if s.nr < d.newest {
		d.passed++
	} else {
		d.newest = s.nr
	}
	r, next := s.req, s.next
	s.req = nil
	err := d.headers[head].result()
	if err == 0 && next < r.NSegs {
		d.issue(r, next)
		return
	}
	done.add(r, err)
}

// Break gives the device up: see the package comment. It does not sleep.
func (d *Device) Break() {
	var done completed
	d.lock.Lock()
	if !d.broken {
		d.breakLocked(&done)
	}
	d.lock.Unlock()
	d.room.WakeAll()
	done.deliver()
}

// breakLocked stops the device before it gives the memory of the requests in
// flight back to their submitters.
func (d *Device) breakLocked(done *completed) {
	d.broken = true
	d.stop()
	for i := range d.slots {
		if r := d.slots[i].req; r != nil {
			d.slots[i].req = nil
			done.add(r, syscall.EIO)
		}
	}
}
