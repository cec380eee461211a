package amd64

import (
	"os"
	"sync/atomic"
	"time"
	"unsafe"
)

func bytesString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// handlers of the device vectors; set at start-up, read by RunInterrupts.
var handlers [vecTimer - vecDevice]func()

// AllocVector gives handler an interrupt vector, 0 when none is left. The
// handler runs in RunInterrupts: ordinary Go that must not sleep. Start-up only.
func AllocVector(handler func()) uint8 {
	v := uint8(floorCall(callAllocVector, 0, 0))
	if v != 0 {
		handlers[v-vecDevice] = handler
	}
	return v
}

// MSIMessage returns what a device writes where to raise vector on CPU 0
// (SDM vol. 3A, 11.11).
func MSIMessage(vector uint8) (addr uint64, data uint32) {
	return 0xfee00000 | uint64(cpus[0].apicID)<<12, uint32(vector)
}

// RouteISA sends an ISA interrupt to vector.
func RouteISA(irq int, vector uint8) { floorCall(callRouteISA, uintptr(irq), uintptr(vector)) }

// RunInterrupts runs the handlers of the device interrupts that have come. Any
// goroutine may call it; tasks do before they enter ring 3.
func RunInterrupts() {
	for {
		bits := atomic.SwapUint64(&irqPending, 0)
		if bits == 0 {
			return
		}
		for v := 0; bits != 0; v, bits = v+1, bits>>1 {
			if bits&1 != 0 && v < len(handlers) && handlers[v] != nil {
				handlers[v]()
			}
		}
	}
}

// ServeInterrupts runs handlers for interrupts that come in ring 0, for ever.
// An idle CPU waits in the runtime's network poller, so the interrupt wakes
// this goroutine with no thread switch besides. The event is an edge and has nothing to
// be read: a system call would wake the runtime's monitor each time, which then looks
// about every 20 microseconds. See WakeMonitor.
func ServeInterrupts() {
	fd := floorCall(sysEventfd2, 0, 0)
	event, err := os.NewFile(fd, "interrupts").SyscallConn()
	if err != nil {
		panic(err)
	}
	irqEvent = uint64(fd)
	set := monotonic()
	err = event.Read(func(uintptr) (done bool) {
		BeginLazyWakes() // whoever waits for the disk goes on here, when this goroutine stops
		RunInterrupts()
		EndLazyWakes()
		if now := monotonic(); now-set > sliceNS {
			set = now
			monitorTimer.Reset(sliceNS)
		}
		return false
	})
	panic(err)
}

// monitorTimer has the runtime's monitor look, which sleeps while all CPUs are idle, soon
// after an interrupt: it preempts goroutines that run for long. A system call or
// a timer wakes it, but not a goroutine that an interrupt has woken.
var monitorTimer = time.NewTimer(sliceNS)

// WakeMonitor waits for monitorTimer, for ever: one that nobody waits for does not run.
func WakeMonitor() {
	for range monitorTimer.C {
	}
}

// ClearPage zeroes a frame in a loop that is unrolled by hand: for larger arrays the
// compiler and the runtime take REP STOSQ, which emulators carry out word by word.
func ClearPage(pfn PFN) {
	t := (*[16][4][8]uint64)(FramePointer(pfn))
	for i := range t {
		u := &t[i]
		u[0] = [8]uint64{}
		u[1] = [8]uint64{}
		u[2] = [8]uint64{}
		u[3] = [8]uint64{}
	}
}

// CopyPage copies a frame.
func CopyPage(dst, src PFN) { copy(FrameBytes(dst), FrameBytes(src)) }

// FrameBytes returns a frame's bytes in the direct map.
func FrameBytes(pfn PFN) []byte {
	return unsafe.Slice((*byte)(FramePointer(pfn)), 4096)
}

// Table returns a frame as a page table.
func Table(pfn PFN) *[512]uint64 { return table(pfn) }

// CopyIn copies n bytes of user memory at src, in the tables of c, to dst. It
// stops at the first byte that is not readable and returns how many were.
func CopyIn(c *MMContext, dst unsafe.Pointer, src, n uintptr) (done uintptr) {
	return copyChunks(c, uintptr(dst), src, n, src)
}

// CopyOut is CopyIn the other way.
func CopyOut(c *MMContext, dst uintptr, src unsafe.Pointer, n uintptr) (done uintptr) {
	return copyChunks(c, dst, uintptr(src), n, dst)
}

// copyChunks bounds the time with interrupts off.
func copyChunks(c *MMContext, dst, src, n, user uintptr) (done uintptr) {
	const chunk = 4096
	if user >= taskSize || n > taskSize-user {
		if user >= taskSize {
			return 0
		}
		n = taskSize - user
	}
	for done < n {
		k := min(n-done, chunk)
		if left := copyUser(dst+done, src+done, k, c); left != 0 {
			return done + k - left
		}
		done += k
	}
	return done
}

const taskSize = 0x7ffffffff000

// LoadUser32 reads a word of user memory; ok is false when it faults.
func LoadUser32(c *MMContext, addr uintptr) (v uint32, ok bool) {
	if addr > taskSize-4 {
		return 0, false
	}
	return loadUser32(addr, c)
}

// CompareAndSwapUser32 is an atomic compare-and-swap on user memory.
func CompareAndSwapUser32(c *MMContext, addr uintptr, old, new uint32) (swapped, ok bool) {
	if addr > taskSize-4 {
		return false, false
	}
	return casUser32(addr, c, old, new)
}
