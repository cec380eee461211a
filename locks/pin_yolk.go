//go:build yolk

package locks

import "yolk/arch"

// pin keeps the running goroutine on its thread, and the thread on its CPU,
// until unpin. It nests.
func pin() {
	procPin()
	arch.PreemptDisable()
}

func unpin() {
	arch.PreemptEnable()
	procUnpin()
}

// relax is called in spin loops. The holder cannot lose its CPU, so waiting is
// all there is to do.
func relax(int) { procYield(20) }
