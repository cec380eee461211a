package mm

import "yolk/arch"

// The first touch of a Go-heap page takes a frame from a reserve and cannot
// wait, so a reserve that runs out ends the machine. kswapd refills it, but looks
// only now and then; whoever is about to make objects therefore calls EnsureHeap
// first, and takes no for an answer. (Biscuit reserves heap per system call; one
// reserve that covers any call does the same with less bookkeeping.)
const (
	heapLow = arch.HeapTarget * 3 / 4 // refill from here on
	heapMin = arch.HeapTarget / 2     // what must be there to make new objects
)

// EnsureHeap refills the reserve behind the Go heap if it has run low, and
// reports whether an operation may create objects. May sleep when it refills; no
// lock held.
func EnsureHeap() bool {
	if arch.HeapLevel() >= heapLow {
		return true
	}
	fillHeapReserve(GFPKernel)
	return arch.HeapLevel() >= heapMin
}
