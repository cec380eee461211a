// Package locks owns every lock of the kernel, the sleep and wake-up primitives
// under them, and the order checker that watches them.
//
//	SpinLock            pins the goroutine to its CPU; never held across a sleep
//	Mutex, RWSem        sleeping locks, first come first served
//	LockKernel          kernel_lock: recursive, dropped while its holder sleeps
//	WaitQueue           sleep until a condition holds
//	Context             "current": the goroutine that runs kernel code
//
// The lock order stands in order.txt and nowhere else; order_gen.go and the
// table in docs/locking.md are generated from it. Builds with the tag lockdep
// check each acquisition against that order and against rules R1 to R12 of
// docs/locking.md; in other builds the hooks are empty and inlined away.
//
// Everything above arch calls this package; it calls only arch.
package locks

//go:generate go run ./internal/mkorder
