package proc

import (
	"sync/atomic"
	errno "syscall"
)

// Flags of a signal action.
const (
	SANoCldStop = 0x1
	SANoCldWait = 0x2
	SASigInfo   = 0x4
	SARestorer  = 0x04000000
	SAOnStack   = 0x08000000
	SARestart   = 0x10000000
	SANoDefer   = 0x40000000
	SAResetHand = 0x80000000
	// saKnown are the flags kept; others read back as zero, which is how
	// programs probe for support (SA_UNSUPPORTED).
	saKnown = SANoCldStop | SANoCldWait | SASigInfo | SARestorer | SAOnStack | SARestart | SANoDefer | SAResetHand
)

// Handler addresses with a meaning of their own.
const (
	sigDfl = 0
	sigIgn = 1
)

// SigAction is the kernel's struct sigaction, laid out as programs pass it.
type SigAction struct {
	Handler  uint64
	Flags    uint64
	Restorer uint64
	Mask     Sigset
}

// sigHand is a table of signal actions; nil is the default action. CLONE_SIGHAND
// shares it between processes, each with a sigLock of its own, so entries are
// replaced whole and atomically.
type sigHand struct {
	table [NSIG]atomic.Pointer[SigAction]
}

// clone returns a private copy.
func (h *sigHand) clone() *sigHand {
	n := new(sigHand)
	for i := range h.table {
		n.table[i].Store(h.table[i].Load())
	}
	return n
}

// defaultAction stands for entries never set.
var defaultAction SigAction

// get returns the action of sig, which nobody changes in place.
func (h *sigHand) get(sig int) *SigAction {
	if a := h.table[sig-1].Load(); a != nil {
		return a
	}
	return &defaultAction
}

// setDefault puts the default action of sig back.
func (h *sigHand) setDefault(sig int) { h.table[sig-1].Store(nil) }

// reset is exec's part: caught signals go back to the default, ignored ones
// stay ignored.
func (h *sigHand) reset() {
	for sig := 1; sig <= NSIG; sig++ {
		if h.get(sig).Handler == sigIgn {
			h.table[sig-1].Store(&SigAction{Handler: sigIgn})
		} else {
			h.setDefault(sig)
		}
	}
}

// ignores reports whether sending sig does nothing: the action says so, or the
// default action is to ignore.
func (a *SigAction) ignores(sig int) bool {
	return a.Handler == sigIgn || a.Handler == sigDfl && ignoredByDefault.Has(sig)
}

// SigAction reads and, with set, replaces the action of sig. EINVAL for a bad
// number or an attempt to catch SIGKILL or SIGSTOP. Instances that are pending
// when the signal becomes ignored are dropped, as POSIX demands. No locks at
// entry, does not sleep.
func (t *Task) SigAction(sig int, set *SigAction) (old SigAction, e errno.Errno) {
	if !ValidSignal(sig) || set != nil && unblockable.Has(sig) {
		return old, errno.EINVAL
	}
	g := t.Group
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	old = *g.actions.get(sig)
	if set == nil {
		return old, 0
	}
	a := *set
	a.Flags &= saKnown
	a.Mask &^= unblockable
	g.actions.table[sig-1].Store(&a)
	if a.ignores(sig) {
		g.dropPending(SigMask(sig))
	}
	return old, 0
}

// dropPending throws away pending instances of the signals in mask, of the
// process and of all its threads.
func (g *ThreadGroup) dropPending(mask Sigset) {
	g.sigLock.AssertHeld()
	n := g.shared.flush(mask)
	for _, t := range g.threads {
		n += t.pending.flush(mask)
	}
	g.nsignals.Add(int32(-n))
}
