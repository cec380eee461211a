//go:build !yolk

package locks

import errno "syscall"

// pin keeps the running goroutine on its thread until unpin. It nests.
func pin() { procPin() }

func unpin() { procUnpin() }

// relax is called in spin loops. On a host the holder's thread may have lost
// its processor, so a long spin gives ours away.
func relax(round int) {
	procYield(20)
	if round&63 == 63 {
		errno.RawSyscall(errno.SYS_SCHED_YIELD, 0, 0, 0)
	}
}
