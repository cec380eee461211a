package proc

import (
	"sync/atomic"
	errno "syscall"

	"yolk/arch"
	"yolk/locks"
	"yolk/mm"
)

// Flags of clone.
const (
	CloneSignalMask    = 0xff
	CloneVM            = 0x100
	CloneFS            = 0x200
	CloneFiles         = 0x400
	CloneSigHand       = 0x800
	ClonePidFD         = 0x1000
	ClonePtrace        = 0x2000
	CloneVFork         = 0x4000
	CloneParent        = 0x8000
	CloneThread        = 0x10000
	CloneNewNS         = 0x20000
	CloneSysVSem       = 0x40000
	CloneSetTLS        = 0x80000
	CloneParentSetTID  = 0x100000
	CloneChildClearTID = 0x200000
	CloneDetached      = 0x400000
	CloneUntraced      = 0x800000
	CloneChildSetTID   = 0x1000000
	CloneNewCgroup     = 0x2000000
	CloneNewUTS        = 0x4000000
	CloneNewIPC        = 0x8000000
	CloneNewUser       = 0x10000000
	CloneNewPID        = 0x20000000
	CloneNewNet        = 0x40000000
	CloneIO            = 0x80000000
	CloneClearSigHand  = 0x100000000

	cloneNamespaces = CloneNewNS | CloneNewCgroup | CloneNewUTS | CloneNewIPC | CloneNewUser | CloneNewPID | CloneNewNet
)

// CloneArgs are the arguments of clone in the form of clone3.
type CloneArgs struct {
	Flags      uint64
	ExitSignal int
	Stack      uintptr // new stack pointer; 0 keeps the parent's
	TLS        uintptr
	ParentTID  uintptr
	ChildTID   uintptr
}

// check refuses combinations that make no sense, EINVAL, and a thread area that is
// not in user space, EPERM.
func (a *CloneArgs) check() errno.Errno {
	f := a.Flags
	switch {
	case f&CloneSigHand != 0 && f&CloneVM == 0,
		f&CloneThread != 0 && f&CloneSigHand == 0,
		f&(CloneSigHand|CloneClearSigHand) == CloneSigHand|CloneClearSigHand,
		f&(CloneNewNS|CloneFS) == CloneNewNS|CloneFS,
		f&(cloneNamespaces|ClonePidFD) != 0, // neither exists here
		a.ExitSignal < 0 || a.ExitSignal > NSIG:
		return errno.EINVAL
	case f&CloneSetTLS != 0 && a.TLS >= arch.TaskSize:
		return errno.EPERM
	}
	return 0
}

// Clone makes a new task, a copy of t but for what the flags make it share, and
// starts it. It returns the child's number as t sees it. EINVAL, EPERM: see check; EAGAIN:
// no number free; ENOMEM; ERESTARTNOINTR: a signal came first. No locks at
// entry; sleeps. Source: Linux's kernel_clone and copy_process.
func (t *Task) Clone(a *CloneArgs) (int, errno.Errno) {
	if e := a.check(); e != 0 {
		return 0, e
	}
	if t.SignalPending() {
		// A terminal's ^C must not race with forks that multiply its targets.
		return 0, ERESTARTNOINTR
	}
	c := t.copyTask(a)
	c.Group = t.Group
	if a.Flags&CloneThread == 0 {
		c.Group = t.newGroup(c, a)
	}
	if e := t.copyMM(c, a.Flags); e != 0 {
		c.dropExe()
		return 0, e
	}
	if !c.shareFiles(t, a.Flags) {
		mm.MMPut(c.MM)
		c.dropExe()
		return 0, errno.ENOMEM
	}
	var v *vforkDone
	if a.Flags&CloneVFork != 0 {
		v = new(vforkDone)
		c.vfork = v
	}
	if e := t.publish(c, a); e != 0 {
		c.undo()
		return 0, e
	}
	nr := c.TID
	t.storeTIDs(c, a)
	event := t.cloneEvent(a)
	c.start()
	if event != 0 {
		t.traceEvent(event, uint64(nr))
	}
	if v != nil && t.waitKillable(&v.q, v.done.Load) {
		t.traceEvent(EventVForkDone, uint64(nr))
	}
	return nr, 0
}

// copyTask makes the child's own part: registers, FPU, signal mask, identities.
func (t *Task) copyTask(a *CloneArgs) *Task {
	t.Ctx.SaveFPU()
	c := &Task{Ctx: t.Ctx, call: noCall, blocked: t.blocked, comm: t.comm, started: Uptime()}
	c.creds.Store(t.Creds())
	c.nice.Store(t.nice.Load())
	c.personality.Store(t.personality.Load())
	c.initFutex()
	c.inheritCPUs(t)
	if c.Ctx.Stale = 0; a.Flags&CloneVM == 0 {
		c.rseq = rseqState{addr: t.rseq.addr, sig: t.rseq.sig, current: -1}
	}
	fpu := arch.NewFPUState()
	*fpu = *t.Ctx.FPU
	c.Ctx.FPU = fpu
	c.Ctx.RAX, c.Ctx.Debug = 0, nil
	c.Ctx.FullRestore = 1
	if a.Stack != 0 {
		c.Ctx.RSP = uint64(a.Stack)
	}
	if a.Flags&CloneSetTLS != 0 {
		c.Ctx.FSBase = uint64(a.TLS)
	}
	if a.Flags&CloneChildClearTID != 0 {
		c.clearTID = a.ChildTID
	}
	// The alternate stack is memory: a thread must not share it.
	if a.Flags&(CloneVM|CloneVFork) != CloneVM {
		c.altStack = t.altStack
	}
	return c
}

// copyMM shares or copies the address space. ENOMEM.
func (t *Task) copyMM(c *Task, flags uint64) errno.Errno {
	if flags&CloneVM != 0 {
		mm.MMGet(t.MM)
		c.MM = t.MM
		return 0
	}
	m, e := mm.DupMM(t.MM, &c.Group.Limits.MM)
	c.MM = m
	return e
}

// shareFiles shares or copies descriptors and directories. False: no memory.
func (c *Task) shareFiles(t *Task, flags uint64) bool {
	if flags&CloneFiles != 0 {
		c.Files = t.Files.Get()
	} else if c.Files = t.Files.Copy(); c.Files == nil {
		return false
	}
	if flags&CloneFS != 0 {
		c.FS = t.FS.Get()
	} else {
		c.FS = t.FS.Copy()
	}
	return true
}

// newGroup makes the process that c leads.
func (t *Task) newGroup(c *Task, a *CloneArgs) *ThreadGroup {
	p := t.Group
	g := &ThreadGroup{leader: c, exitSignal: a.ExitSignal}
	g.init()
	g.SetFlag(FlagDumpable, p.Flag(FlagDumpable))
	g.Limits.copyFrom(&p.Limits)
	switch {
	case a.Flags&CloneSigHand != 0:
		g.actions = p.actions
	case a.Flags&CloneClearSigHand != 0:
		g.actions = p.actions.clone()
		g.actions.reset()
	default:
		g.actions = p.actions.clone()
	}
	p.sigLock.Lock()
	if g.exe = p.exe; g.exe != nil {
		g.exe.Get()
	}
	p.sigLock.Unlock()
	if g.exe != nil {
		g.exe.DenyWrite() // cannot fail: the parent's keeps writers away already
	}
	return g
}

// publish gives c its number and its place in the tree; from here on others can
// find it. EAGAIN: no number free, or too many tasks of this user; ERESTARTNOINTR: the group is ending.
func (t *Task) publish(c *Task, a *CloneArgs) errno.Errno {
	entry := new(pidEntry)
	g := c.Group
	treeLock.Lock()
	defer treeLock.Unlock()
	t.Group.sigLock.Lock()
	gone := t.mustDieLocked()
	t.Group.sigLock.Unlock()
	if gone {
		return ERESTARTNOINTR
	}
	if t.overNproc() {
		return errno.EAGAIN
	}
	if e := allocPID(entry, c); e != 0 {
		return e
	}
	c.TID = entry.nr
	if a.Flags&CloneThread == 0 {
		g.PID = c.TID
		g.joinGroup(t.Group.pgrp)
		g.session = t.Group.session.get()
		parent := t.Group
		if a.Flags&CloneParent != 0 && parent.parent != nil {
			parent = parent.parent
			g.exitSignal = t.Group.exitSignal
		}
		parent.linkChild(g)
		g.creator = t
	}
	c.PID = g.PID
	t.traceChild(c, a)
	g.sigLock.Lock()
	g.threads = append(g.threads, c)
	g.nlive++
	c.recalc()
	g.sigLock.Unlock()
	return 0
}

// undo gives back what an unpublished task holds.
func (c *Task) undo() {
	mm.MMPut(c.MM)
	c.Files.Put()
	c.FS.Put()
	c.dropExe()
}

func (c *Task) dropExe() {
	if exe := c.Group.exe; exe != nil && c.Group.leader == c {
		exe.AllowWrite()
		exe.Put()
	}
}

// storeTIDs writes the child's number where the flags say. A bad address is the
// program's own loss, as on Linux.
func (t *Task) storeTIDs(c *Task, a *CloneArgs) {
	nr := [4]byte{byte(c.TID), byte(c.TID >> 8), byte(c.TID >> 16), byte(c.TID >> 24)}
	if a.Flags&CloneParentSetTID != 0 {
		mm.CopyToUser(t.MM, a.ParentTID, nr[:])
	}
	if a.Flags&CloneChildSetTID != 0 {
		mm.CopyToUser(c.MM, a.ChildTID, nr[:])
	}
}

// stackFrames is what a goroutine takes for its stack when it begins to run: 16 KiB at
// most, and for a moment the half of that which it outgrows.
const stackFrames = 6

// start sets the task's goroutine going.
func (c *Task) start() {
	mm.OweHeap(stackFrames)
	locks.Go(c.Comm(), c.run)
}

// vforkDone is where a parent waits until its vfork child lets go of the
// address space.
type vforkDone struct {
	done atomic.Bool
	q    locks.WaitQueue
}

// waitKillable sleeps until cond holds or the task must die; true if cond held.
func (t *Task) waitKillable(q *locks.WaitQueue, cond func() bool) bool {
	t.setKillable(true)
	ok := q.WaitInterruptible(cond)
	t.setKillable(false)
	return ok
}

func (t *Task) setKillable(on bool) {
	t.Group.sigLock.Lock()
	t.killable = on
	t.Group.sigLock.Unlock()
}
