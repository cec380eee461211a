package locks

import "unsafe"

// kernelLock is the big lock of 1999. It is a monitor rather than a lock: its
// holder may sleep, and then does not hold it.
var kernelLock Mutex

// kernelSpins is how long LockKernel spins before it gives up its CPU.
const kernelSpins = 32

// LockKernel takes kernel_lock, or one level more of it. It may wait, and then
// gives up its CPU, but keeps every sleeping lock it holds. Never under a
// spinlock (rule R4).
func LockKernel() {
	c := Current()
	if Attempt(unsafe.Pointer(&kernelLock), KernelLock) {
		return
	}
	if c.kernelDepth == 0 {
		depBeforeKernel(c)
		takeKernelLock(c)
		depAfterKernel(c)
	}
	c.kernelDepth++
}

func takeKernelLock(c *Context) {
	if kernelLock.owner.CompareAndSwap(0, c.g) {
		acquired(unsafe.Pointer(&kernelLock), KernelLock)
		return
	}
	for round := 0; canSpin && round < kernelSpins && !explored(); round++ {
		owner := kernelLock.owner.Load()
		if owner&hasWaiters != 0 {
			break // they come first
		}
		if owner == 0 && kernelLock.owner.CompareAndSwap(0, c.g) {
			return
		}
		procYield(20)
	}
	kernelLock.lockSlow(c)
	acquired(unsafe.Pointer(&kernelLock), KernelLock)
}

// UnlockKernel gives back one level of kernel_lock.
func UnlockKernel() {
	c := Current()
	if c.kernelDepth <= 1 && Leaving(unsafe.Pointer(&kernelLock)) {
		return
	}
	if c.kernelDepth == 0 {
		panic("locks: kernel_lock released by a goroutine that does not hold it")
	}
	c.kernelDepth--
	if c.kernelDepth == 0 {
		depReleaseKernel(c)
		kernelLock.release()
		Left(unsafe.Pointer(&kernelLock), KernelLock)
	}
}

// KernelLocked reports whether the running goroutine holds kernel_lock.
func KernelLocked() bool { return Current().kernelDepth > 0 }

// dropKernelLock releases kernel_lock before a sleep and returns its depth.
func dropKernelLock(c *Context) int {
	depth := c.kernelDepth
	if depth > 0 {
		c.kernelDepth = 0
		exploreDropped(unsafe.Pointer(&kernelLock))
		depReleaseKernel(c)
		kernelLock.release()
	}
	return depth
}

// retakeKernelLock takes kernel_lock to the given depth after a sleep.
func retakeKernelLock(c *Context, depth int) {
	if depth > 0 {
		takeKernelLock(c)
		c.kernelDepth = depth
		depAfterKernel(c)
	}
}
