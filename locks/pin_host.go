//go:build !yolk

package locks

// pin keeps the running goroutine on its thread until unpin. It nests. Explored
// tasks are stopped while they hold spinlocks, so they are not pinned.
func pin() {
	if !explored() {
		procPin()
	}
}

func unpin() {
	if !explored() {
		procUnpin()
	}
}
