package virtioblk

import (
	"syscall"
	"unsafe"

	"yolk/drivers/blk"
	"yolk/drivers/virtio"
)

// Request types and results of the device (5.2.6).
const (
	typeIn    = 0 // read
	typeOut   = 1 // write
	typeFlush = 4
	typeGetID = 8

	statusOK    = 0
	statusUnset = 0xff // no result of any device

	idLen = 20 // bytes of a serial number
)

// opGetID asks for the serial number; for this package's use only.
const opGetID blk.Op = 0xff

// header is what the device reads before the data of a request, the byte that
// it writes after, and room for a serial number. The status has a place of its
// own: nothing that the driver writes while the device may is in its word.
type header struct {
	kind     uint32
	reserved uint32
	sector   uint64
	status   uint8
	_        [3]uint8
	id       [idLen]byte
	_        [24]byte
}

const (
	headerSize   = unsafe.Sizeof(header{})
	headerSent   = 16 // bytes that the device reads
	statusOffset = unsafe.Offsetof(header{}.status)
	idOffset     = unsafe.Offsetof(header{}.id)
)

// result turns the device's status into an errno.
func (h *header) result() syscall.Errno {
	if h.status != statusOK {
		return syscall.EIO
	}
	return 0
}

// issue puts r's pieces from the first on, or as many as the device takes,
// into the available ring, where there is room. The lock is held.
func (d *Device) issue(r *blk.Request, first int) {
	head := d.queue.NextHead()
	h := &d.headers[head]
	phys := d.dataPhys + uint64(head)*uint64(headerSize)
	*h = header{status: statusUnset}

	d.bufs[0] = virtio.Buf{Phys: phys, Len: headerSent}
	n, next := 1, r.NSegs
	switch r.Op {
	case blk.Flush:
		h.kind = typeFlush
	case opGetID:
		h.kind = typeGetID
		d.bufs[n] = virtio.Buf{Phys: phys + uint64(idOffset), Len: idLen, Write: true}
		n++
	default:
		h.kind = typeIn
		if r.Op == blk.Write {
			h.kind = typeOut
		}
		h.sector = sectorOf(r, first)
		next = min(r.NSegs, first+d.maxSegs)
		for i := first; i < next; i++ {
			d.bufs[n] = virtio.Buf{Phys: r.Segs[i].Phys, Len: r.Segs[i].Len, Write: r.Op == blk.Read}
			n++
		}
	}
	d.bufs[n] = virtio.Buf{Phys: phys + uint64(statusOffset), Len: 1, Write: true}
	d.begun++
	d.slots[head] = slot{req: r, next: next, nr: d.begun}
	d.queue.Add(d.bufs[:n+1])
}

// sectorOf returns where on the disk piece i of r begins.
func sectorOf(r *blk.Request, i int) uint64 {
	sector := r.Sector
	for k := range i {
		sector += uint64(r.Segs[k].Len / blk.SectorSize)
	}
	return sector
}
