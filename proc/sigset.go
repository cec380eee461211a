package proc

import "math/bits"

// Numbers of the signals that the kernel itself sends or treats specially.
const (
	SIGHUP    = 1
	SIGINT    = 2
	SIGQUIT   = 3
	SIGILL    = 4
	SIGTRAP   = 5
	SIGABRT   = 6
	SIGBUS    = 7
	SIGFPE    = 8
	SIGKILL   = 9
	SIGUSR1   = 10
	SIGSEGV   = 11
	SIGUSR2   = 12
	SIGPIPE   = 13
	SIGALRM   = 14
	SIGTERM   = 15
	SIGSTKFLT = 16
	SIGCHLD   = 17
	SIGCONT   = 18
	SIGSTOP   = 19
	SIGTSTP   = 20
	SIGTTIN   = 21
	SIGTTOU   = 22
	SIGURG    = 23
	SIGXCPU   = 24
	SIGXFSZ   = 25
	SIGVTALRM = 26
	SIGPROF   = 27
	SIGWINCH  = 28
	SIGIO     = 29
	SIGPWR    = 30
	SIGSYS    = 31
	SIGRTMIN  = 32
	NSIG      = 64 // signals are 1..NSIG
)

// Sigset is a set of signals; signal n is bit n-1, as in Linux's sigset_t.
type Sigset uint64

// SigMask returns the set that holds just the given signals.
func SigMask(sigs ...int) Sigset {
	var s Sigset
	for _, n := range sigs {
		s |= 1 << (n - 1)
	}
	return s
}

// Has reports whether sig is in the set.
func (s Sigset) Has(sig int) bool { return s&(1<<(sig-1)) != 0 }

// first returns the lowest signal of the set, 0 when it is empty.
func (s Sigset) first() int {
	if s == 0 {
		return 0
	}
	return bits.TrailingZeros64(uint64(s)) + 1
}

// ValidSignal reports whether sig is a signal number that can be sent or caught.
func ValidSignal(sig int) bool { return sig >= 1 && sig <= NSIG }

const (
	// unblockable signals ignore the mask and cannot be caught.
	unblockable Sigset = 1<<(SIGKILL-1) | 1<<(SIGSTOP-1)
	stopSignals Sigset = 1<<(SIGSTOP-1) | 1<<(SIGTSTP-1) | 1<<(SIGTTIN-1) | 1<<(SIGTTOU-1)
	// synchronous signals are caused by the program's own instruction, and are
	// taken before others.
	synchronous Sigset = 1<<(SIGSEGV-1) | 1<<(SIGBUS-1) | 1<<(SIGILL-1) | 1<<(SIGTRAP-1) | 1<<(SIGFPE-1) | 1<<(SIGSYS-1)
	// coreSignals dump core by default.
	coreSignals Sigset = 1<<(SIGQUIT-1) | 1<<(SIGILL-1) | 1<<(SIGTRAP-1) | 1<<(SIGABRT-1) | 1<<(SIGBUS-1) | 1<<(SIGFPE-1) |
		1<<(SIGSEGV-1) | 1<<(SIGXCPU-1) | 1<<(SIGXFSZ-1) | 1<<(SIGSYS-1)
	// ignoredByDefault signals do nothing unless caught.
	ignoredByDefault Sigset = 1<<(SIGCHLD-1) | 1<<(SIGCONT-1) | 1<<(SIGURG-1) | 1<<(SIGWINCH-1)
)
