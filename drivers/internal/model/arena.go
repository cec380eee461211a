package model

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"yolk/drivers/virtio"
)

// Base is the physical address at which an Arena begins: above 4 GiB, so that
// a truncated address is found out.
const Base = 0x3_0000_0000

const pageSize = 4096

// Arena is the memory that driver and device share.
type Arena struct {
	words []uint64
	used  atomic.Uintptr
}

// NewArena returns an arena of size bytes.
func NewArena(size uintptr) *Arena { return &Arena{words: make([]uint64, size/8)} }

// Alloc returns zeroed memory, page-aligned as the device sees it.
func (a *Arena) Alloc(size uintptr) virtio.Memory {
	size = (size + pageSize - 1) &^ (pageSize - 1)
	end := a.used.Add(size)
	if end > uintptr(len(a.words))*8 {
		panic("model: arena full")
	}
	off := end - size
	return virtio.Memory{Ptr: unsafe.Pointer(&a.words[off/8]), Phys: Base + uint64(off), Size: size}
}

// Bytes returns the memory at phys, as the device sees it.
func (a *Arena) Bytes(phys uint64, n uint32) []byte {
	off := phys - Base
	if phys < Base || off+uint64(n) > uint64(a.used.Load()) {
		panic(fmt.Sprintf("model: access to %d bytes at %#x, outside memory", n, phys))
	}
	p := unsafe.Add(unsafe.Pointer(&a.words[0]), uintptr(off))
	return unsafe.Slice((*byte)(p), n)
}

func (a *Arena) word(phys uint64) *uint32 {
	return (*uint32)(unsafe.Pointer(&a.Bytes(phys, 4)[0]))
}
