package proc

import (
	errno "syscall"

	"yolk/arch"
)

// ptrace: one task, the tracer, stops another, looks into it and lets it go on.
//
// A tracee belongs to one thread, its tracer. The link is made and cut under
// treeLock and the tracee's sigLock; what the two tell each other is in a
// traceState, of which each attachment has its own. A stop (ptracestop.go) is a
// sleep of the tracee in its own goroutine; while the tracer carries out a
// request it is frozen there, so that not even SIGKILL gets it moving while its
// registers are read or changed.

// Options of PTRACE_SETOPTIONS. An event that can be asked for is the bit with
// the event's number.
const (
	TraceSysGood  = 1
	TraceExitKill = 1 << 20

	traceOptions = TraceSysGood | 1<<EventFork | 1<<EventVFork | 1<<EventClone | 1<<EventExec |
		1<<EventVForkDone | 1<<EventExit | 1<<EventSeccomp | TraceExitKill
)

// Events: what a stop is for that no signal causes.
const (
	EventFork = 1 + iota
	EventVFork
	EventClone
	EventExec
	EventVForkDone
	EventExit
	EventSeccomp
	EventStop = 128
)

// TraceMode is how a tracee runs until its next stop.
type TraceMode uint8

// The modes.
const (
	TraceCont    TraceMode = iota // PTRACE_CONT
	TraceSyscall                  // PTRACE_SYSCALL: to the next end of a system call
	TraceStep                     // PTRACE_SINGLESTEP: one instruction
)

// traceState is the tracee's side of an attachment. Guarded by the tracee's
// sigLock, but that the tracee reads mode freely: it changes only in a stop.
type traceState struct {
	seized  bool // immutable: made by PTRACE_SEIZE
	options uint32
	mode    TraceMode

	stopped   bool // the tracee sleeps in traceStop
	frozen    bool // a request is looking at it: it must not leave
	listening bool // PTRACE_LISTEN: stopped, but no longer open to requests
	unwaited  bool // wait has not reported the stop
	joined    bool // has taken its part in the stop of its group
	trap      bool // PTRACE_INTERRUPT: to stop with EventStop

	code    int32   // what wait reports: signal, event << 8
	sig     int     // signal that takes effect when the stop ends
	message uint64  // PTRACE_GETEVENTMSG
	info    SigInfo // PTRACE_GETSIGINFO
	hasInfo bool
	debug   [8]uint64       // debug registers, of DR6 what has happened
	armed   *arch.DebugRegs // those that the processor is to have, nil: none
}

// traceExit is the end of a traced thread that led no process: all that is left
// of it for its tracer to wait for.
type traceExit struct {
	tid, pgrp int
	uid       uint32
	status    int32
}

// MayAccess reports whether t may look into o: ptrace's rule, which /proc and
// process_vm_readv share. Source: Linux's __ptrace_may_access.
func (t *Task) MayAccess(o *Task) bool {
	a, b := t.Creds(), o.Creds()
	switch {
	case t.Group == o.Group || a.Capable(CapSysPtrace):
		return true
	case a.UID != b.UID || a.UID != b.EUID || a.UID != b.SUID || a.GID != b.GID || a.GID != b.EGID || a.GID != b.SGID,
		b.CapPermitted&^a.CapPermitted != 0:
		return false
	}
	return o.Group.Flag(FlagDumpable) == 1
}

// TraceMe makes the parent the caller's tracer. EPERM: there is a tracer
// already, or the parent is init, which could not answer.
func (t *Task) TraceMe() errno.Errno {
	treeLock.Lock()
	defer treeLock.Unlock()
	tracer := t.Group.creatorLocked()
	if tracer == nil || t.trace.Load() != nil {
		return errno.EPERM
	}
	t.Group.sigLock.Lock()
	t.traceBy(tracer, new(traceState))
	t.Group.sigLock.Unlock()
	return 0
}

// creatorLocked returns the thread that is a child's parent: the one that made
// it, or when that has ended another of its process. nil for children of init.
func (g *ThreadGroup) creatorLocked() *Task {
	treeLock.AssertHeld()
	p := g.parent
	if p == nil || p == initGroup {
		return nil
	}
	if c := g.creator; c != nil && c.Group == p && c != p.leader && c.pidEntry.task == c {
		return c
	}
	p.sigLock.Lock()
	defer p.sigLock.Unlock()
	for _, t := range p.threads {
		if t.state != stateDead {
			return t
		}
	}
	return nil
}

// traceBy links t to its tracer. treeLock and t's sigLock held.
func (t *Task) traceBy(tracer *Task, p *traceState) {
	treeLock.AssertHeld()
	t.tracer = tracer
	t.trace.Store(p)
	tracer.tracees = append(tracer.tracees, t)
}

// Attach is PTRACE_ATTACH and, with seize, PTRACE_SEIZE. ESRCH: no such thread;
// EPERM: not permitted, of the caller's own process, or traced already; EIO:
// unknown options. A thread that is stopped already is open to requests when
// this returns. No locks at entry; may sleep.
func (t *Task) Attach(tid int, seize bool, options uint64) errno.Errno {
	if options&^traceOptions != 0 {
		return errno.EIO
	}
	p := &traceState{seized: seize, options: uint32(options)}
	o, wasStopped, e := t.attach(tid, p)
	if e != 0 || !wasStopped {
		return e
	}
	t.waitKillable(&t.Group.childQ, func() bool {
		o.Group.sigLock.Lock()
		defer o.Group.sigLock.Unlock()
		return p.stopped || o.state != stateStopped
	})
	return 0
}

func (t *Task) attach(tid int, p *traceState) (o *Task, wasStopped bool, e errno.Errno) {
	treeLock.Lock()
	defer treeLock.Unlock()
	entry := findPID(tid)
	if entry == nil || entry.task == nil {
		return nil, false, errno.ESRCH
	}
	o = entry.task
	g := o.Group
	if g == t.Group || g == initGroup || !t.MayAccess(o) || o.trace.Load() != nil {
		return nil, false, errno.EPERM
	}
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	if o.state == stateDead || g.exiting {
		return nil, false, errno.EPERM
	}
	wasStopped = o.state == stateStopped
	o.traceBy(t, p)
	if !p.seized {
		info := KernelInfo(SIGSTOP)
		g.sendLocked(&info, o)
	}
	g.stopQ.WakeAll() // a stop of job control becomes one of ptrace
	return o, wasStopped, 0
}

// untrace cuts the link between t and its tracer. In a stop, t goes on. treeLock
// held; takes t's sigLock.
func (t *Task) untrace() {
	treeLock.AssertHeld()
	tracer := t.tracer
	if tracer == nil {
		return
	}
	for i, o := range tracer.tracees {
		if o == t {
			last := len(tracer.tracees) - 1
			tracer.tracees[i] = tracer.tracees[last]
			tracer.tracees[last] = nil
			tracer.tracees = tracer.tracees[:last]
			break
		}
	}
	g := t.Group
	g.sigLock.Lock()
	t.tracer = nil
	p := t.trace.Swap(nil)
	p.stopped, p.mode = false, TraceCont
	if t.state != stateDead {
		t.kick() // to a stop of the group that it was kept out of
	}
	g.stopQ.WakeAll()
	g.sigLock.Unlock()
}

// releaseTracees lets all tracees of t, which ends, go.
func (t *Task) releaseTracees() {
	treeLock.AssertHeld()
	t.traceExits = nil
	for len(t.tracees) > 0 {
		o := t.tracees[0]
		g := o.Group
		kill := o.trace.Load().options&TraceExitKill != 0
		held := g.zombie && g.heldByTracer()
		o.untrace()
		if kill {
			g.Kill(SIGKILL)
		}
		if held && g.tellParent() {
			g.reapLocked()
		}
	}
}

// heldByTracer reports whether g's zombie is for a tracer to see before the
// parent hears of it.
func (g *ThreadGroup) heldByTracer() bool {
	tracer := g.leader.tracer
	return tracer != nil && tracer.Group != g.parent
}

// tracedEnd is what the end of t means to its tracer, if t led no process: a
// report that is left behind, as the thread itself vanishes.
func (t *Task) tracedEnd(status int32) {
	treeLock.AssertHeld()
	tracer := t.tracer
	if tracer == nil {
		return
	}
	uid := t.Creds().UID
	t.untrace()
	tracer.traceExits = append(tracer.traceExits, traceExit{t.TID, t.Group.pgrp.nr, uid, status})
	code, value := exitCode(status)
	info := childInfo(SIGCHLD, code, t.TID, uid, value, 0, 0)
	tracer.Group.Send(&info)
	tracer.Group.childQ.WakeAll()
}

// tellTracer sends the tracer of g's leader the news of g's end.
func (g *ThreadGroup) tellTracer() {
	treeLock.AssertHeld()
	p := g.leader.tracer.Group
	code, value := exitCode(g.status)
	info := childInfo(SIGCHLD, code, g.PID, g.leader.Creds().UID, value, 0, 0)
	p.Send(&info)
	p.childQ.WakeAll()
}

// tracerID is TracerPid of /proc/PID/status.
func (t *Task) tracerID() int {
	treeLock.AssertHeld()
	if t.tracer == nil {
		return 0
	}
	return t.tracer.TID
}
