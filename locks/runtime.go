package locks

import (
	"runtime"
	errno "syscall"
	"unsafe"
)

// What this package borrows from the Go runtime. The stock linker allows each
// of these names: the runtime itself marks them as used from outside.

// getProfLabel and setProfLabel reach the goroutine's profile-label slot, the
// only word of a goroutine that other packages may own.
//
//go:linkname getProfLabel runtime/pprof.runtime_getProfLabel
func getProfLabel() unsafe.Pointer

//go:linkname setProfLabel runtime/pprof.runtime_setProfLabel
func setProfLabel(p unsafe.Pointer)

// procPin forbids the Go scheduler to take this goroutine off its thread.
//
//go:linkname procPin runtime.procPin
func procPin() int

//go:linkname procUnpin runtime.procUnpin
func procUnpin()

// gopark stops the running goroutine once unlock, which runs on the scheduler's stack and
// must not grow it, has returned true. goready makes a goroutine stopped so run again.
// The reasons are for traces and dumps; 0 says nothing in particular.
//
//go:linkname gopark runtime.gopark
func gopark(unlock func(g uintptr, arg unsafe.Pointer) bool, arg unsafe.Pointer, reason, traceReason uint8, skip int)

//go:linkname goready runtime.goready
func goready(g uintptr, skip int)

// procYield executes n PAUSE instructions.
//
//go:linkname procYield runtime.procyield
func procYield(n uint32)

// getg returns the address of the running goroutine's descriptor: an identity
// that costs one load. It is never dereferenced.
func getg() uintptr

// reserveStack makes the running goroutine's stack as large as kernel code mostly needs.
// It would get there by doubling, and each time the runtime copies what is on it.
func reserveStack()

// reserveDeepStack is reserveStack for the checking build, whose frames are more and
// larger. A task that grows its stack as late as in its exit takes from the Go heap's
// reserve when nobody asks whether there is enough; and many may exit at once.
func reserveDeepStack()

// relax is called in each round of a spin loop. Though a holder is pinned, its
// thread may have lost the processor: on a host at any time, in the kernel when
// it waits for a lock inside the Go runtime. So a long spin gives ours away.
func relax(round int) {
	procYield(20)
	if round&63 == 63 {
		errno.RawSyscall(errno.SYS_SCHED_YIELD, 0, 0, 0)
	}
}

// canSpin says whether a holder can make progress while we spin.
var canSpin = runtime.NumCPU() > 1
