package proc

import (
	"sync/atomic"
	errno "syscall"

	"yolk/fs"
	"yolk/locks"
	"yolk/mm"
)

// Resource limits, numbered as on x86-64 Linux.
const (
	RlimitCPU = iota
	RlimitFsize
	RlimitData
	RlimitStack
	RlimitCore
	RlimitRSS
	RlimitNproc
	RlimitNofile
	RlimitMemlock
	RlimitAS
	RlimitLocks
	RlimitSigpending
	RlimitMsgqueue
	RlimitNice
	RlimitRtprio
	RlimitRttime
	numRlimits
)

// Rlimit is struct rlimit64.
type Rlimit struct{ Cur, Max uint64 }

const (
	defaultStack = 8 << 20
	defaultFiles = 1024
	hardFiles    = 4096
	maxSignals   = 4096
	maxTasks     = 4096
)

// Limits are a process's resource limits. Reading takes no lock: signals look at
// them under spinlocks. The part that bears on memory is repeated in MM, where
// mm reads it.
type Limits struct {
	MM mm.Limits

	lock locks.SpinLock // held to change all, and oom_score_adj
	all  [numRlimits]struct{ cur, max atomic.Uint64 }

	coreFilter atomic.Uint32 // /proc/PID/coredump_filter
	oomAdjMin  atomic.Int32  // how far down the unprivileged may set oom_score_adj
}

// initDefaults sets the limits of the first process.
func (l *Limits) initDefaults() {
	l.lock.Init(locks.LimitsLock)
	for i := range l.all {
		l.put(i, Rlimit{mm.Infinity, mm.Infinity})
	}
	l.put(RlimitStack, Rlimit{defaultStack, mm.Infinity})
	l.put(RlimitCore, Rlimit{0, mm.Infinity})
	l.put(RlimitNofile, Rlimit{defaultFiles, hardFiles})
	l.put(RlimitNproc, Rlimit{maxTasks, maxTasks})
	l.put(RlimitSigpending, Rlimit{maxSignals, maxSignals})
	l.put(RlimitMemlock, Rlimit{defaultStack, defaultStack})
	l.put(RlimitMsgqueue, Rlimit{819200, 819200})
	l.put(RlimitNice, Rlimit{})
	l.put(RlimitRtprio, Rlimit{})
	l.coreFilter.Store(mm.CoreFilterDefault)
}

// copyFrom makes l a copy, for fork.
func (l *Limits) copyFrom(o *Limits) {
	l.lock.Init(locks.LimitsLock)
	for i := range l.all {
		l.put(i, o.Get(i))
	}
	l.MM.IPCLock.Store(o.MM.IPCLock.Load())
	l.MM.RawIO.Store(o.MM.RawIO.Load())
	l.MM.OOMScoreAdj.Store(o.MM.OOMScoreAdj.Load())
	l.oomAdjMin.Store(o.oomAdjMin.Load())
	l.coreFilter.Store(o.coreFilter.Load())
}

// put stores one limit, and hands it to mm if it is about memory.
func (l *Limits) put(which int, r Rlimit) {
	l.all[which].cur.Store(r.Cur)
	l.all[which].max.Store(r.Max)
	switch which {
	case RlimitAS:
		l.MM.AS.Store(r.Cur)
	case RlimitStack:
		l.MM.Stack.Store(r.Cur)
	case RlimitData:
		l.MM.Data.Store(r.Cur)
	case RlimitMemlock:
		l.MM.Memlock.Store(r.Cur)
	}
}

// Get returns one limit.
func (l *Limits) Get(which int) Rlimit {
	return Rlimit{l.all[which].cur.Load(), l.all[which].max.Load()}
}

// Cur returns the soft part of one limit.
func (l *Limits) Cur(which int) uint64 { return l.all[which].cur.Load() }

// Set replaces one limit and returns the old one. EINVAL: no such limit, or soft
// above hard; EPERM: raising the hard limit without the privilege to, or more
// files than a table can hold.
func (l *Limits) Set(which int, r Rlimit, privileged bool) (Rlimit, errno.Errno) {
	if which < 0 || which >= numRlimits || r.Cur > r.Max {
		return Rlimit{}, errno.EINVAL
	}
	l.lock.Lock()
	defer l.lock.Unlock()
	old := l.Get(which)
	if r.Max > old.Max && !privileged || which == RlimitNofile && r.Max > fs.MaxFDs {
		return old, errno.EPERM
	}
	l.put(which, r)
	return old, 0
}

// ValidRlimit reports whether which names a limit.
func ValidRlimit(which int) bool { return which >= 0 && which < numRlimits }
