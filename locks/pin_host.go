//go:build !yolk

package locks

// pin keeps the running goroutine on its thread until unpin. It nests.
func pin() { procPin() }

func unpin() { procUnpin() }
