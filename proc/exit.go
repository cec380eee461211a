package proc

import (
	"yolk/fs"
	"yolk/locks"
	"yolk/mm"
)

// Exit makes the calling thread end with the given wait status once it leaves
// the system call.
func (t *Task) Exit(status int32) {
	t.exitStatus = status
	t.work.Or(workExit)
}

// ExitGroup makes all threads of the process end with the given wait status.
func (t *Task) ExitGroup(status int32) {
	t.Group.sigLock.Lock()
	t.Group.beginExit(status)
	t.Group.sigLock.Unlock()
}

// exit is the end of a task, in its own goroutine. Source: Linux's do_exit.
func (t *Task) exit() {
	t.traceDeath()
	locks.Current().Flags |= locks.PFExiting
	t.work.And(^uint32(workSignal)) // sleeps from here on are not cut short
	t.releaseMM(nil)
	t.dropFiles()
	t.dead()
}

// releaseMM takes t off its address space, to next (nil at exit). Before it
// goes, the robust futexes and the word at clearTID tell other threads; then a
// parent in vfork goes on.
func (t *Task) releaseMM(next *mm.MM) {
	old := t.MM
	if old != nil {
		t.exitRobustList()
		t.clearChildTID()
	}
	t.Group.sigLock.Lock()
	t.MM = next
	t.Group.sigLock.Unlock()
	if v := t.vfork; v != nil {
		t.vfork = nil
		v.done.Store(true)
		v.q.WakeAll()
	}
	if old != nil {
		mm.MMPut(old)
	}
}

// clearChildTID zeroes the word that pthread_join waits on, and wakes it. Only
// others who share the memory could care.
func (t *Task) clearChildTID() {
	addr := t.clearTID
	t.clearTID = 0
	if addr == 0 || mm.MMUsers(t.MM) < 2 {
		return
	}
	var zero [4]byte
	if mm.CopyToUser(t.MM, addr, zero[:]) == 0 {
		t.FutexWake(addr, 1, futexAnyBit, false)
	}
}

func (t *Task) dropFiles() {
	g := t.Group
	g.sigLock.Lock()
	files, ctx := t.Files, t.FS
	t.Files, t.FS = nil, nil
	g.sigLock.Unlock()
	if files != nil {
		files.Put()
	}
	if ctx != nil {
		ctx.Put()
	}
}

// dead takes the thread out of its group, and with the last one ends the group.
func (t *Task) dead() {
	g := t.Group
	var exe *fs.File
	treeLock.Lock()
	t.releaseTracees()
	g.sigLock.Lock()
	t.state = stateDead
	t.ctx = nil
	g.nlive--
	g.deadTime.add(t.Times())
	g.nsignals.Add(int32(-t.pending.flush(^Sigset(0))))
	if t == g.leader {
		g.status = t.exitStatus
	}
	if g.exiting {
		g.status = g.exitCode
	}
	status := t.exitStatus
	if g.exiting {
		status = g.exitCode
	}
	if t != g.leader {
		g.removeThread(t)
	}
	last := g.nlive == 0
	stopped := g.checkStopped()
	g.passOn(g.shared.set &^ t.blocked)
	if last {
		g.timers.stopAll()
		g.dropTimers()
		exe, g.exe = g.exe, nil
	}
	g.sigLock.Unlock()
	g.execQ.WakeAll()
	if t != g.leader {
		t.tracedEnd(status)
	}
	leads := last && g.session.nr == g.PID
	if last {
		g.endLocked()
	}
	treeLock.Unlock()
	if leads {
		hangUp(g.PID)
	}
	if stopped {
		g.notifyStop(CLDStopped)
	}
	if exe != nil {
		exe.AllowWrite()
		exe.Put()
	}
}

// passOn wakes another thread for each of the process's signals in set, which a
// thread that might have taken them no longer will.
func (g *ThreadGroup) passOn(set Sigset) {
	g.sigLock.AssertHeld()
	for sig := set.first(); sig != 0; sig = set.first() {
		set &^= SigMask(sig)
		if t := g.pickThread(sig); t != nil {
			t.kick()
		}
	}
}

// removeThread takes a thread off the list, and frees its number.
func (g *ThreadGroup) removeThread(t *Task) {
	treeLock.AssertHeld()
	g.sigLock.AssertHeld()
	for i, o := range g.threads {
		if o == t {
			last := len(g.threads) - 1
			copy(g.threads[i:], g.threads[i+1:])
			g.threads[last] = nil
			g.threads = g.threads[:last]
			break
		}
	}
	t.pidEntry.task = nil
	t.pidEntry.put()
}

// endLocked makes a group whose last thread has ended a zombie: it gives away
// its children and tells its parent.
func (g *ThreadGroup) endLocked() {
	treeLock.AssertHeld()
	g.zombie = true
	g.giveChildren()
	g.hangUpIfOrphaned(g.parent, g)
	if g.heldByTracer() {
		g.tellTracer()
	} else if g.tellParent() {
		g.reapLocked()
	}
	g.doneQ.WakeAll()
}

// giveChildren makes the nearest ancestor that reaps (PR_SET_CHILD_SUBREAPER),
// or init, the parent of all children.
func (g *ThreadGroup) giveChildren() {
	heir := initGroup
	for p := g.parent; p != nil; p = p.parent {
		if p.Flag(FlagSubreaper) != 0 && !p.zombie {
			heir = p
			break
		}
	}
	for c := g.children; c != nil; c = g.children {
		g.unlinkChild(c)
		heir.linkChild(c)
		c.exitSignal, c.creator = SIGCHLD, nil
		c.hangUpIfOrphaned(g, nil)
		if sig := c.Flag(FlagParentDeath); sig != 0 {
			info := UserInfo(sig, SIUser, g.PID, g.leader.Creds().UID)
			c.Send(&info)
		}
		if c.zombie && !c.heldByTracer() && c.tellParent() {
			c.reapLocked()
		}
	}
}

// hangUpIfOrphaned sends SIGHUP and SIGCONT to the process group of g if it has stopped
// members and has just lost the last one who could continue it: parent, which is or was
// g's, was one, and nobody else is (POSIX, _exit). A group that was orphaned before is left
// alone. The member without, unless nil, is on its way out.
func (g *ThreadGroup) hangUpIfOrphaned(parent, without *ThreadGroup) {
	pg := g.pgrp
	if pg == nil || !g.hasKeeper(parent) || !orphanedLocked(pg, without) {
		return
	}
	stopped := false
	for o := pg.members; o != nil && !stopped; o = o.pgrpNext {
		stopped = o != without && o.isStopped()
	}
	for o := pg.members; o != nil && stopped; o = o.pgrpNext {
		if o != without {
			o.Kill(SIGHUP)
			o.Kill(SIGCONT)
		}
	}
}

func (g *ThreadGroup) isStopped() bool {
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	return g.stop.complete
}

// tellParent sends the parent the child's exit signal and wakes its waits. It
// returns true when nobody wants to collect the zombie.
func (g *ThreadGroup) tellParent() bool {
	treeLock.AssertHeld()
	p := g.parent
	if p == nil || p == initGroup {
		return !g.kernelWaits
	}
	code, status := exitCode(g.status)
	g.sigLock.Lock()
	times := g.timesLocked()
	g.sigLock.Unlock()
	p.sigLock.Lock()
	defer p.sigLock.Unlock()
	defer p.childQ.WakeAll()
	ignored := false
	if g.exitSignal == SIGCHLD {
		a := p.actions.get(SIGCHLD)
		ignored = (a.Handler == sigIgn || a.Flags&SANoCldWait != 0) && g.leader.tracer == nil
		if ignored && a.Handler == sigIgn {
			return true
		}
	}
	if g.exitSignal != 0 {
		info := childInfo(g.exitSignal, code, g.PID, g.leader.Creds().UID, status, times.User, times.System)
		p.sendLocked(&info, nil)
	}
	return ignored
}

// coreDumped in the wait status of a process that a signal killed: it left a core file.
const coreDumped = 0x80

// exitCode splits a wait status into si_code and si_status.
func exitCode(status int32) (code, value int32) {
	if sig := status & 0x7f; sig != 0 {
		if status&coreDumped != 0 {
			return CLDDumped, sig
		}
		return CLDKilled, sig
	}
	return CLDExited, status >> 8 & 0xff
}

// reapLocked removes a zombie for good.
func (g *ThreadGroup) reapLocked() {
	treeLock.AssertHeld()
	g.reaped = true
	g.leader.untrace()
	if g.parent != nil {
		g.parent.unlinkChild(g)
		g.parent = nil
		g.ppid.Store(0)
	}
	g.sigLock.Lock()
	g.shared.flush(^Sigset(0))
	g.removeThread(g.leader)
	g.sigLock.Unlock()
	g.leaveGroup()
	g.session.put()
}

func (g *ThreadGroup) linkChild(c *ThreadGroup) {
	treeLock.AssertHeld()
	c.parent = g
	c.ppid.Store(int32(g.PID))
	// At the end: wait reports the oldest first.
	p := &g.children
	for *p != nil {
		p = &(*p).sibling
	}
	*p, c.sibling = c, nil
}

func (g *ThreadGroup) unlinkChild(c *ThreadGroup) {
	treeLock.AssertHeld()
	for p := &g.children; *p != nil; p = &(*p).sibling {
		if *p == c {
			*p, c.sibling = c.sibling, nil
			return
		}
	}
}
