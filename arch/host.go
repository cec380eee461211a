//go:build !yolk

package arch

import (
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"yolk/arch/vdso"
)

// The host provider: RAM is an ordinary Go slice, CPUs are software (see
// host_cpu.go). It lets `go test -race` watch the code above arch.

// hostBase is the first frame number of soft RAM: 1 MiB, as below it a PC has none to give.
const hostBase PFN = 0x100

// HeapTarget is the number of frames that mm keeps in the heap reserve. The
// host's Go heap is the host's business, so the reserve is only counted.
const HeapTarget = 16

// Region is a run of frames [Start, End).
type Region struct{ Start, End PFN }

// soft is the machine: written by InitSoft, read-only after.
var soft struct {
	ram  []uint64
	end  PFN
	next PFN // first frame EarlyAlloc has not given away
	cpus []softCPU
	heap heapReserve
}

type heapReserve struct {
	sync.Mutex
	frames []PFN
}

const wordsPerPage = PageSize / 8

// InitSoft makes a machine of nframes frames of zeroed RAM and ncpu software
// CPUs. A test calls it before anything else, and again to start afresh while
// nothing of the old machine runs.
func InitSoft(nframes, ncpu int) {
	soft.ram = make([]uint64, nframes*wordsPerPage)
	soft.end = hostBase + PFN(nframes)
	soft.next = hostBase
	soft.cpus = make([]softCPU, ncpu+copyCPUs)
	for i := range soft.cpus {
		soft.cpus[i].init()
	}
	soft.heap.frames = nil
}

// Memory returns the RAM that mm may have.
func Memory() []Region { return []Region{{soft.next, soft.end}} }

// EarlyAlloc returns n contiguous zeroed frames, before Memory is called.
func EarlyAlloc(n int) PFN {
	p := soft.next
	soft.next += PFN(n)
	if soft.next > soft.end {
		panic("arch: EarlyAlloc: out of frames")
	}
	return p
}

func frameWords(pfn PFN) []uint64 {
	i := int(pfn-hostBase) * wordsPerPage
	return soft.ram[i : i+wordsPerPage : i+wordsPerPage]
}

// FramePointer returns the address of the frame's first byte.
func FramePointer(pfn PFN) unsafe.Pointer { return unsafe.Pointer(&frameWords(pfn)[0]) }

// FrameBytes returns the frame's bytes.
func FrameBytes(pfn PFN) []byte { return unsafe.Slice((*byte)(FramePointer(pfn)), PageSize) }

// Table returns the frame as a page table, for atomic access to its entries.
func Table(pfn PFN) *[512]uint64 { return (*[512]uint64)(FramePointer(pfn)) }

// ClearPage fills the frame with zeros.
func ClearPage(pfn PFN) {
	for i, w := 0, frameWords(pfn); i < len(w); i++ {
		atomic.StoreUint64(&w[i], 0)
	}
}

// CopyPage copies frame src to frame dst, word by word: a program may be
// storing to src at the same time, and that is its own affair.
func CopyPage(dst, src PFN) {
	d, s := frameWords(dst), frameWords(src)
	for i := range d {
		atomic.StoreUint64(&d[i], atomic.LoadUint64(&s[i]))
	}
}

// NewFPUState returns an initial FPU state; the host has no use for its contents.
func NewFPUState() *FPUState { return new(FPUState) }

// EnterUser is the kernel's alone: a soft CPU runs no instructions.
func EnterUser(*UserContext, *MMContext) Trap { panic("arch: EnterUser on the host") }

// CPU returns the number of the CPU that runs the caller: on the host always 0.
func CPU() int { return 0 }

// MoveTo has nowhere to go.
func MoveTo(int) {}

// NumCPU returns the number of CPUs.
func NumCPU() int { return max(1, len(soft.cpus)-copyCPUs) }

// PreemptDisable does nothing: the host's scheduler is not ours.
func PreemptDisable() {}

// PreemptEnable undoes PreemptDisable.
func PreemptEnable() {}

// RunInterrupts does nothing: soft devices complete from goroutines of their own.
func RunInterrupts() {}

// BeginLazyWakes does nothing: the host's scheduler is not ours.
func BeginLazyWakes() {}

// EndLazyWakes undoes BeginLazyWakes.
func EndLazyWakes() {}

// WakesOwed reports whether WakeIdle has anything to do: never.
func WakesOwed() bool { return false }

// WakeIdle does nothing.
func WakeIdle() {}

// HeapLevel returns how many frames the heap reserve holds.
func HeapLevel() int {
	soft.heap.Lock()
	defer soft.heap.Unlock()
	return len(soft.heap.frames)
}

// HeapGive adds a frame to the reserve.
func HeapGive(pfn PFN) {
	soft.heap.Lock()
	soft.heap.frames = append(soft.heap.frames, pfn)
	soft.heap.Unlock()
}

// HeapTake takes a frame back from the reserve, if it has more than its target.
func HeapTake() (PFN, bool) {
	soft.heap.Lock()
	defer soft.heap.Unlock()
	n := len(soft.heap.frames)
	if n <= HeapTarget {
		return 0, false
	}
	pfn := soft.heap.frames[n-1]
	soft.heap.frames = soft.heap.frames[:n-1]
	return pfn, true
}

// started is the zero of Monotonic.
var started = time.Now()

// Monotonic returns nanoseconds since the start.
func Monotonic() uint64 { return uint64(time.Since(started)) }

// ShareClock does nothing: no soft CPU runs code that could read the clock.
func ShareClock(*vdso.Clock) {}

// Random fills p with numbers that differ from run to run.
func Random(p []byte) {
	x := uint64(time.Now().UnixNano())
	for i := range p {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		p[i] = byte(x >> 32)
	}
}
