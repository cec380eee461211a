//go:build !yolk

package arch

import (
	"sync/atomic"
	"syscall"
	_ "unsafe" // go:linkname
)

// pinLock guards a soft CPU. Stealers flush TLBs while they hold spinlocks, so
// it must not park the goroutine; and whoever holds it is pinned to its thread,
// for a pinned waiter leaves the Go scheduler nobody to run it on.
type pinLock struct{ held atomic.Bool }

//go:linkname procPin runtime.procPin
func procPin() int

//go:linkname procUnpin runtime.procUnpin
func procUnpin()

func (l *pinLock) Lock() {
	procPin()
	for round := 1; !l.held.CompareAndSwap(false, true); round++ {
		if round%64 == 0 {
			syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0)
		}
	}
}

func (l *pinLock) Unlock() {
	l.held.Store(false)
	procUnpin()
}
