package proc

import (
	errno "syscall"

	"yolk/mm"
)

// PIDMax bounds process numbers, as /proc/sys/kernel/pid_max does.
const PIDMax = 32768

// reservedPIDs are passed over when numbers wrap around: daemons of the boot
// have them, and a program must not meet them again.
const reservedPIDs = 300

// pidEntry is one number in use: by a thread, by a process group or by a
// session. It is free for reuse only when all three are done with it.
type pidEntry struct {
	nr   int
	task *Task // the thread with this TID, nil once it was reaped
	uses int   // the thread itself, and each member of the group and session
	next *pidEntry

	members *ThreadGroup // of the process group with this number, zombies included
}

// pids is the PID table, a hash by number. Guarded by treeLock.
var pids struct {
	hash [256]*pidEntry
	last int // number given out last
	used int
	ever uint64 // numbers given out since the start
}

func findPID(nr int) *pidEntry {
	treeLock.AssertHeld()
	if nr <= 0 {
		return nil
	}
	for e := pids.hash[nr%len(pids.hash)]; e != nil; e = e.next {
		if e.nr == nr {
			return e
		}
	}
	return nil
}

// ThreadsMax is how many tasks there may be, as in /proc/sys/kernel/threads-max:
// so many that what the kernel itself needs for them fits into half of memory: about
// 30 KiB of the Go heap for each task, and as much for the page tables of a small process.
// It is as many as on Linux.
func ThreadsMax() int { return min(max(mm.TotalPages()/32, 64), PIDMax-reservedPIDs) }

// allocPID enters t under a fresh number into e, which the caller allocated.
// EAGAIN when there are ThreadsMax tasks.
func allocPID(e *pidEntry, t *Task) errno.Errno {
	treeLock.AssertHeld()
	if pids.used >= ThreadsMax() {
		return errno.EAGAIN
	}
	for {
		pids.last++
		if pids.last >= PIDMax {
			pids.last = reservedPIDs
		}
		if findPID(pids.last) == nil {
			break
		}
	}
	*e = pidEntry{nr: pids.last, task: t, uses: 1}
	b := &pids.hash[e.nr%len(pids.hash)]
	e.next, *b = *b, e
	pids.used++
	pids.ever++
	t.pidEntry = e
	return 0
}

func (e *pidEntry) get() *pidEntry {
	treeLock.AssertHeld()
	e.uses++
	return e
}

// put gives up one use; the last one frees the number.
func (e *pidEntry) put() {
	treeLock.AssertHeld()
	e.uses--
	if e.uses > 0 {
		return
	}
	for p := &pids.hash[e.nr%len(pids.hash)]; *p != nil; p = &(*p).next {
		if *p == e {
			*p = e.next
			pids.used--
			return
		}
	}
}

// joinGroup makes g, which is in no process group, a member of e's.
func (g *ThreadGroup) joinGroup(e *pidEntry) {
	g.pgrp = e.get()
	g.pgrpPrev, g.pgrpNext = nil, e.members
	if e.members != nil {
		e.members.pgrpPrev = g
	}
	e.members = g
}

// leaveGroup takes g out of its process group. It still knows which that was.
func (g *ThreadGroup) leaveGroup() {
	if g.pgrpPrev != nil {
		g.pgrpPrev.pgrpNext = g.pgrpNext
	} else {
		g.pgrp.members = g.pgrpNext
	}
	if g.pgrpNext != nil {
		g.pgrpNext.pgrpPrev = g.pgrpPrev
	}
	g.pgrp.put()
}

// FindTask returns the thread with number tid, or nil. The task may end at any
// time; what it points to stays valid memory.
func FindTask(tid int) *Task {
	treeLock.Lock()
	defer treeLock.Unlock()
	if e := findPID(tid); e != nil {
		return e.task
	}
	return nil
}

// FindGroup returns the process with number pid, or nil when there is none (a
// thread that is not a leader does not count).
func FindGroup(pid int) *ThreadGroup {
	if t := FindTask(pid); t != nil && t.Group.PID == pid {
		return t.Group
	}
	return nil
}

// groupsLocked calls f for every process until f returns false.
func groupsLocked(f func(g *ThreadGroup) bool) {
	treeLock.AssertHeld()
	for _, b := range &pids.hash {
		for e := b; e != nil; e = e.next {
			if e.task != nil && e.task.Group.leader == e.task {
				if !f(e.task.Group) {
					return
				}
			}
		}
	}
}

// Groups returns all processes, zombies included, in no order.
func Groups() []*ThreadGroup {
	treeLock.Lock()
	defer treeLock.Unlock()
	all := make([]*ThreadGroup, 0, pids.used)
	groupsLocked(func(g *ThreadGroup) bool {
		all = append(all, g)
		return true
	})
	return all
}

// Count returns how many threads there are.
func Count() int {
	treeLock.Lock()
	defer treeLock.Unlock()
	return pids.used
}

// Started returns how many threads there have been, and the last one's number.
func Started() (ever uint64, last int) {
	treeLock.Lock()
	defer treeLock.Unlock()
	return pids.ever, pids.last
}
