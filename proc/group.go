package proc

import (
	"sync/atomic"

	"yolk/locks"
)

// treeLock is Linux's tasklist_lock: see doc.go.
var treeLock locks.SpinLock

// ThreadGroup is a process: the threads that share a PID, what signals do to
// all of them, and its place in the family tree.
//
// Invariants: leader is in threads until the group is reaped; the group is a
// zombie when nlive is 0; a zombie is a child of its parent until it is reaped.
type ThreadGroup struct {
	PID    int // immutable
	Limits Limits

	// Guarded by treeLock.

	leader     *Task
	parent     *ThreadGroup // nil for init
	children   *ThreadGroup // first child
	sibling    *ThreadGroup // next child of the same parent
	pgrp       *pidEntry    // process group
	session    *pidEntry
	tty        bool  // has the console as controlling terminal
	exitSignal int   // sent to the parent at the end; 0 is none
	status     int32 // wait status, once a zombie
	zombie     bool
	reaped     bool
	execed     bool // setpgid by the parent is over
	childTimes Times

	// Guarded by treeLock and sigLock to change, by either to read.

	threads []*Task // all that are not reaped; the leader stays though dead
	nlive   int     // those that have not ended

	sigLock locks.SpinLock
	// Guarded by sigLock.

	actions  *sigHand
	shared   sigQueue // signals sent to the process
	exiting  bool     // group exit, or a fatal signal: every thread ends
	exitCode int32    // wait status of the group exit
	execer   *Task    // thread in exec that ends all others
	stop     stopState
	deadTime Times // of threads that have ended
	timers   itimers
	subReap  bool // PR_SET_CHILD_SUBREAPER
	pdeath   int  // PR_SET_PDEATHSIG
	dumpable int

	// Wait queues have locks of their own.

	childQ locks.WaitQueue // wait4: a child changed state
	stopQ  locks.WaitQueue // stopped threads, waiting for SIGCONT
	execQ  locks.WaitQueue // an exec, waiting for the other threads to end

	nsignals atomic.Int32 // queued siginfo elements, against RLIMIT_SIGPENDING
	exe      exeFile
}

// Times are CPU times in nanoseconds.
type Times struct {
	User, System       int64
	MinFault, MajFault int64
}

func (a *Times) add(b Times) {
	a.User += b.User
	a.System += b.System
	a.MinFault += b.MinFault
	a.MajFault += b.MajFault
}

func (t *Task) times() Times {
	return Times{t.userTime.Load(), t.sysTime.Load(), t.minFault.Load(), t.majFault.Load()}
}

// Times returns the CPU time of all threads, ended ones included.
func (g *ThreadGroup) Times() Times {
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	return g.timesLocked()
}

func (g *ThreadGroup) timesLocked() Times {
	g.sigLock.AssertHeld()
	sum := g.deadTime
	for _, t := range g.threads {
		if t.state != stateDead {
			sum.add(t.times())
		}
	}
	return sum
}
