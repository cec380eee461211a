package proc

import (
	errno "syscall"
	"testing"

	"yolk/arch"
	"yolk/fs"
	"yolk/locks"
	"yolk/mm"
)

// TestMain makes the soft machine that all tests share.
func TestMain(m *testing.M) {
	arch.InitSoft(8192, 2)
	mm.Init(mm.Config{})
	InitVDSO()
	m.Run()
}

// newProcess makes a process with one thread and an empty address space, a child
// of parent. It has no goroutine: the test plays its part.
func newProcess(t testing.TB, parent *ThreadGroup) *Task {
	t.Helper()
	g := &ThreadGroup{exitSignal: SIGCHLD, actions: new(sigHand)}
	g.init()
	g.Limits.copyFrom(&initGroup.Limits)
	task := &Task{Group: g, call: noCall, Files: fs.NewFDTable(), MM: mm.MMAlloc(&g.Limits.MM)}
	task.creds.Store(rootCreds())
	task.initFutex()
	task.Ctx.FPU = arch.NewFPUState()
	g.leader = task
	if task.MM == nil {
		t.Fatal("no memory for an address space")
	}
	if e := g.enter(task); e != 0 {
		t.Fatalf("enter: %v", e)
	}
	if parent != initGroup {
		treeLock.Lock()
		initGroup.unlinkChild(g)
		parent.linkChild(g)
		g.leaveGroup()
		g.joinGroup(parent.pgrp)
		g.session.put()
		g.session = parent.session.get()
		treeLock.Unlock()
	} else {
		g.kernelWaits = true
	}
	return task
}

// newThread adds a thread to t's process.
func newThread(t testing.TB, of *Task) *Task {
	t.Helper()
	a := &CloneArgs{Flags: CloneVM | CloneFS | CloneFiles | CloneSigHand | CloneThread}
	c := of.copyTask(a)
	c.Group = of.Group
	mm.MMGet(of.MM)
	c.MM, c.Files = of.MM, of.Files.Get()
	if e := of.publish(c, a); e != 0 {
		t.Fatalf("publish: %v", e)
	}
	return c
}

// end lets a process die with a wait status.
func (t *Task) end(status int32) {
	t.exitStatus = status
	t.exit()
}

// runAs runs f in a goroutine that is t's.
func (t *Task) runAs(f func()) <-chan struct{} {
	done := make(chan struct{})
	ready := make(chan struct{})
	locks.Go("task", func() {
		t.begin()
		close(ready)
		f()
		t.Group.sigLock.Lock()
		t.ctx = nil
		t.Group.sigLock.Unlock()
		close(done)
	})
	<-ready
	return done
}

// mapAnon maps n pages of zeros for t and returns their address.
func (t *Task) mapAnon(tb testing.TB, n int, flags int) uintptr {
	tb.Helper()
	t.MM.MmapSem.Lock()
	defer t.MM.MmapSem.Unlock()
	addr, e := mm.DoMmap(t.MM, nil, 0, uintptr(n)*arch.PageSize, errno.PROT_READ|errno.PROT_WRITE, errno.MAP_ANON|flags, 0)
	if e != 0 {
		tb.Fatalf("mmap: %v", e)
	}
	return addr
}
