package proc

import (
	errno "syscall"

	"yolk/fs"
)

// initGroup is process 1: no program, but the parent of those who have lost
// theirs. Its children are reaped as they end.
var initGroup = newInit()

func newInit() *ThreadGroup {
	g := new(ThreadGroup)
	g.init()
	g.Limits.initDefaults()
	g.actions = new(sigHand)
	t := &Task{Group: g, call: noCall}
	t.creds.Store(rootCreds())
	copy(t.comm[:], "init")
	g.leader = t
	treeLock.Lock()
	defer treeLock.Unlock()
	allocPID(new(pidEntry), t)
	t.PID, t.TID, g.PID = t.pidEntry.nr, t.pidEntry.nr, t.pidEntry.nr
	g.joinGroup(t.pidEntry)
	g.session = t.pidEntry.get()
	g.threads = []*Task{t}
	return g
}

// SpawnArgs say what Spawn starts.
type SpawnArgs struct {
	Path  string // of the program, in the guest's root
	Argv  []string
	Env   []string
	Cwd   string
	Files *fs.FDTable // taken over
	TTY   bool        // the console becomes the controlling terminal
}

// Spawn starts a program as a new process, the leader of a session of its own
// and a child of init. On an error, reason says in words what is wrong with the
// program. WaitDone collects the process. No locks at entry; sleeps.
func Spawn(a *SpawnArgs) (t *Task, e errno.Errno, reason string) {
	connect()
	g := &ThreadGroup{exitSignal: SIGCHLD, kernelWaits: true}
	g.SetFlag(FlagDumpable, 1)
	g.init()
	g.Limits.copyFrom(&initGroup.Limits)
	g.Limits.MM.IPCLock.Store(true)
	g.Limits.MM.RawIO.Store(true)
	g.actions = new(sigHand)
	t = &Task{Group: g, Files: a.Files, FS: fs.NewContext(), call: noCall, started: Uptime()}
	t.creds.Store(rootCreds())
	t.initFutex()
	g.leader = t
	if a.Cwd != "" {
		d, e := t.Caller().Resolve(nil, a.Cwd, true)
		if e == 0 {
			e = t.Caller().Chdir(d)
		}
		if e != 0 {
			return nil, e, a.Cwd + ": " + e.Error()
		}
	}
	p, xe := t.prepare(&ExecArgs{Path: a.Path, argv: kernelStrings(a.Argv), envp: kernelStrings(a.Env)})
	if xe != nil {
		return nil, xe.errno, xe.reason
	}
	if e := g.enter(t); e != 0 {
		p.abandon()
		return nil, e, "no process number"
	}
	if a.TTY {
		fs.SetForeground(g.PID, g.PID)
	}
	t.commit(p)
	t.start()
	return t, 0, ""
}

// enter gives the first task of a spawned group its number and place.
func (g *ThreadGroup) enter(t *Task) errno.Errno {
	entry := new(pidEntry)
	treeLock.Lock()
	defer treeLock.Unlock()
	if e := allocPID(entry, t); e != 0 {
		return e
	}
	t.PID, t.TID, g.PID = entry.nr, entry.nr, entry.nr
	g.joinGroup(entry)
	g.session = entry.get()
	initGroup.linkChild(g)
	g.sigLock.Lock()
	g.threads = []*Task{t}
	g.nlive = 1
	g.sigLock.Unlock()
	return 0
}
