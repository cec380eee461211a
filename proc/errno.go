package proc

import errno "syscall"

// Internal results of an interrupted system call; they never reach a program.
// What becomes of them once a signal was looked at (see restart.go):
//
//	                     no handler runs   handler, SA_RESTART   handler without
//	ERESTARTSYS          again             again                 EINTR
//	ERESTARTNOINTR       again             again                 again
//	ERESTARTNOHAND       again             EINTR                 EINTR
//	ERESTART_RESTARTBLOCK restart_syscall  EINTR                 EINTR
//
// Package fs, below, knows the first by its value.
const (
	ERESTARTSYS          = errno.Errno(512)
	ERESTARTNOINTR       = errno.Errno(513)
	ERESTARTNOHAND       = errno.Errno(514)
	ERESTARTRESTARTBLOCK = errno.Errno(516)
)
