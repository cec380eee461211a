// Package sched decides which task may run in ring 3, and for how long.
//
// There are as many slots as CPUs. A task enters ring 3 only with a slot; it
// gives it up when it sleeps, and when its time slice is over while others wait.
// In the kernel a task is an ordinary goroutine and needs none: whoever holds a
// lock can always go on to release it. Go's scheduler maps the goroutines to
// CPUs; this package keeps ring 3, which Go cannot see into, from crowding out
// the rest.
//
// A task may be bound to some of the CPUs; see affinity.go.
//
// Who is next is decided in policy.go, the file to change for a scheduling
// exercise. The run queue is guarded by one spinlock (class runqueue_lock), which
// is taken only when there are more tasks that want to run than CPUs. proc calls
// this package from the task loop, and locks calls it around every sleep.
package sched
