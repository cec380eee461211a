package proc

import (
	"sync/atomic"

	"yolk/fs"
	"yolk/locks"
)

// treeLock is Linux's tasklist_lock: see doc.go.
var treeLock locks.SpinLock

func init() { treeLock.Init(locks.TasklistLock) }

// ThreadGroup is a process: the threads that share a PID, what signals do to
// all of them, and its place in the family tree.
//
// Invariants: leader is in threads until the group is reaped; the group is a
// zombie when nlive is 0; a zombie is a child of its parent until it is reaped.
type ThreadGroup struct {
	PID    int // immutable
	Limits Limits

	// Guarded by treeLock.

	leader      *Task
	parent      *ThreadGroup // nil for init
	ppid        atomic.Int32 // parent's PID, for readers without treeLock
	children    *ThreadGroup // first child
	sibling     *ThreadGroup // next child of the same parent
	pgrp        *pidEntry    // process group
	pgrpPrev    *ThreadGroup // among pgrp.members
	pgrpNext    *ThreadGroup
	session     *pidEntry
	creator     *Task // thread of the parent that made the first thread
	exitSignal  int   // sent to the parent at the end; 0 is none
	status      int32 // wait status, once a zombie
	zombie      bool
	reaped      bool
	execed      bool // setpgid by the parent is over
	kernelWaits bool // WaitDone collects the zombie, not the parent
	childTimes  Times

	// Guarded by treeLock and sigLock to change, by either to read.

	threads []*Task // all that are not reaped; the leader stays though dead
	nlive   int     // those that have not ended

	sigLock locks.SpinLock
	// Guarded by sigLock.

	actions  *sigHand
	shared   sigQueue // signals sent to the process
	exiting  bool     // group exit, or a fatal signal: every thread ends
	exitCode int32    // wait status of the group exit
	killed   bool     // SIGKILL has come
	execer   *Task    // thread in exec that ends all others
	stop     stopState
	deadTime Times // of threads that have ended
	timers   itimers
	flags    [numFlags]atomic.Int32 // prctl; needs no lock
	exe      *fs.File               // the program; writers are kept away from it
	cpuLimit int64                  // CPU seconds at which SIGXCPU was last sent

	// Wait queues have locks of their own.

	childQ locks.WaitQueue // wait4: a child changed state
	stopQ  locks.WaitQueue // stopped threads, waiting for SIGCONT
	execQ  locks.WaitQueue // an exec, waiting for the other threads to end

	doneQ locks.WaitQueue // WaitDone

	nsignals atomic.Int32 // queued siginfo elements, against RLIMIT_SIGPENDING
}

// init makes the locks of a new group usable.
func (g *ThreadGroup) init() { g.sigLock.Init(locks.SighandLock) }

// Flag names a small setting of a process, made with prctl.
type Flag int

// The settings.
const (
	FlagDumpable    Flag = iota // PR_SET_DUMPABLE
	FlagParentDeath             // PR_SET_PDEATHSIG: the signal sent when the parent ends
	FlagSubreaper               // PR_SET_CHILD_SUBREAPER
	numFlags
)

// Flag returns a setting.
func (g *ThreadGroup) Flag(f Flag) int { return int(g.flags[f].Load()) }

// SetFlag changes a setting.
func (g *ThreadGroup) SetFlag(f Flag, v int) { g.flags[f].Store(int32(v)) }
