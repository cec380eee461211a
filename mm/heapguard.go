package mm

import (
	"sync/atomic"
	"unsafe"

	"yolk/arch"
)

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
	if !HeapLow() {
		return true
	}
	fillHeapReserve(GFPKernel)
	return arch.HeapLevel() >= heapMin+int(heapOwed.Load())
}

// HeapLow reports whether EnsureHeap would refill the reserve. A system call asks this
// first, for it is compiled into its callers.
func HeapLow() bool { return arch.HeapLevel() < heapLow+int(heapOwed.Load()) }

// heapOwed counts frames that goroutines will take which have not run yet.
var heapOwed atomic.Int64

// OweHeap notes that so many frames more will be taken from the reserve before long, or,
// if negative, that they were. Callable anywhere.
func OweHeap(frames int) { heapOwed.Add(int64(frames)) }

// heapSmall is what a call may take from the reserve without asking, in bytes.
const heapSmall = 64 << 10

// heapPromised counts frames in the reserve that belong to objects being made.
var heapPromised atomic.Int64

// heapGoal is how many frames should be in the reserve.
func heapGoal() int { return arch.HeapTarget + int(heapPromised.Load()+heapOwed.Load()) }

// MakeSlice is make([]T, n) for an n that a program chooses: the frames are put into
// the reserve first, and the new object is touched before anybody else can use
// them up. nil: there is not that much memory. No spinlock held; may sleep.
func MakeSlice[T any](n int) []T {
	var zero T
	size := uintptr(n) * unsafe.Sizeof(zero)
	if size <= heapSmall {
		return make([]T, n)
	}
	const tableSpan = arch.PageSize * 512
	frames := int64(size/arch.PageSize + size/tableSpan + 4)
	var s []T
	heapPromised.Add(frames)
	if fillHeapReserve(GFPKernel) {
		s = make([]T, n)
		bytes := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), size)
		for at := uintptr(0); at < size; at += arch.PageSize {
			bytes[at] = 0
		}
	}
	heapPromised.Add(-frames)
	drainHeapReserve()
	return s
}
