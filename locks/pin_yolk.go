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
