// Package proc owns tasks: their creation (fork, clone, exec), their trips to
// ring 3 and back, signals, futexes, waiting and death.
//
// Each task is one goroutine, which alternates between the user program
// (arch.EnterUser) and the kernel's answer to the trap that ended it; see run.go.
// Package syscall, above, decodes system calls and calls down into here.
//
// Locks, outermost first:
//
//	treeLock           the family tree, process groups, sessions, the PID table
//	  Group.sigLock    pending signals, masks, stop and exit state of one group
//	futexBucket.lock   the waiters of one hash bucket; nothing is taken inside
//
// All are spinlocks: under none of them may a task sleep, fault or allocate pages.
package proc
