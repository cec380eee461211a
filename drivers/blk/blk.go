// Package blk is the contract between block devices and those who use them.
// It holds no driver: virtio-blk provides one in the guest, memdisk on the host.
package blk

import "syscall"

// SectorSize is the unit of Request.Sector and Device.Sectors, in bytes.
const SectorSize = 512

// Op is what a Request asks for.
type Op uint8

const (
	Read Op = iota
	Write
	Flush // no data: all completed writes reach stable storage
)

// MaxSegs bounds the physically contiguous pieces of one request.
const MaxSegs = 32

// Seg is one physically contiguous piece of memory.
type Seg struct {
	Phys uint64 // physical address, bytes
	Len  uint32 // bytes, a multiple of SectorSize
}

// Request is one transfer. The submitter owns it until Submit and again from
// the moment Done is called; between the two the device does.
type Request struct {
	Op     Op
	Sector uint64
	Segs   [MaxSegs]Seg
	NSegs  int
	Err    syscall.Errno  // 0 or EIO, ENOSPC, EINVAL…; valid when Done is called
	Done   func(*Request) // called once, from completion context: may wake, must not sleep
	Data   uintptr        // the submitter's own
	Next   *Request       // the device's, while it owns the request
}

// Device is a block device.
type Device interface {
	Name() string    // "vda"
	Sectors() uint64 // capacity
	ReadOnly() bool
	// Submit starts r. It may sleep while the queue is full, so no spinlock is
	// held on entry. Errors come through r.Err, never from Submit.
	Submit(r *Request)
}
