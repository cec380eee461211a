package virtio

import "unsafe"

// Flags of a descriptor (2.7.5).
const (
	descNext     = 1
	descWrite    = 2 // the device writes, the driver reads
	descIndirect = 4
)

const (
	descSize     = 16
	usedElemSize = 8
	ringHeader   = 4 // flags and index, 16 bits each
	eventWord    = 4 // the event index, and padding that lets it be written as 32 bits
)

// desc is a descriptor, as the device reads it.
type desc struct {
	addr  uint64
	len   uint32
	flags uint16
	next  uint16
}

// usedElem is an entry of the used ring, as the device writes it.
type usedElem struct {
	id  uint32
	len uint32
}

// Memory is a piece of physically contiguous, zeroed RAM, 16-byte aligned.
type Memory struct {
	Ptr  unsafe.Pointer
	Phys uint64
	Size uintptr
}

// cut takes size bytes off the front of m, aligned to 16.
func (m *Memory) cut(size uintptr) Memory {
	size = (size + 15) &^ 15
	if size > m.Size {
		panic("virtio: queue memory too small")
	}
	piece := Memory{m.Ptr, m.Phys, size}
	m.Size -= size
	m.Phys += uint64(size)
	if m.Size > 0 {
		m.Ptr = unsafe.Add(m.Ptr, size)
	}
	return piece
}

// QueueBytes returns the memory that NewQueue needs for size descriptors, each
// with an indirect table of table entries (0: no indirect descriptors).
func QueueBytes(size uint16, table int) uintptr {
	n := uintptr(size)
	return n*descSize + // descriptors
		(ringHeader+2*n+eventWord+15)&^15 + // available ring
		(ringHeader+usedElemSize*n+eventWord+15)&^15 + // used ring
		n*uintptr(table)*descSize
}
