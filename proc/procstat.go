package proc

import (
	"fmt"
	"io"
	"time"

	"yolk/arch"
	"yolk/fs"
	"yolk/mm"
)

// snapshot is what stat and status show of a task and its process, taken under
// the locks before anything is written.
type snapshot struct {
	state                          byte
	ppid, pgrp, session, threads   int
	tracer                         int
	exitSignal                     int
	pending, shared, blocked       Sigset
	ignored, caught                Sigset
	times, children                Times
	queued                         int
	creds                          *Creds
	usage                          mm.Usage
	startCode, endCode, startStack uintptr
	startData, endData, startBrk   uintptr
	argStart, argEnd               uintptr
	envStart, envEnd               uintptr
	hasMM                          bool
	tty, foreground                int // of its session's terminal
}

func (t *Task) snapshot() (s snapshot) {
	g := t.Group
	treeLock.Lock()
	if g.parent != nil {
		s.ppid = g.parent.PID
	}
	s.pgrp, s.session, s.exitSignal, s.children = g.pgrp.nr, g.session.nr, g.exitSignal, g.childTimes
	s.tracer = t.tracerID()
	g.sigLock.Lock()
	s.state, s.threads = t.letter(), g.nlive
	s.pending, s.shared, s.blocked = t.pending.set, g.shared.set, t.blocked
	for sig := 1; sig <= NSIG; sig++ {
		switch g.actions.get(sig).Handler {
		case sigDfl:
		case sigIgn:
			s.ignored |= SigMask(sig)
		default:
			s.caught |= SigMask(sig)
		}
	}
	s.times = g.timesLocked()
	g.sigLock.Unlock()
	treeLock.Unlock()
	s.foreground = -1
	if sid, pgrp := fs.ConsoleSession(); sid == s.session && sid != 0 {
		s.tty, s.foreground = consoleDev, pgrp
	}
	s.queued, s.creds = int(g.nsignals.Load()), t.Creds()
	if m := t.GrabMM(); m != nil {
		s.hasMM, s.usage = true, m.Usage()
		s.startCode, s.endCode, s.startStack = m.StartCode, m.EndCode, m.StartStack
		s.startData, s.endData, s.startBrk = m.StartData, m.EndData, m.StartBrk
		s.argStart, s.argEnd, s.envStart, s.envEnd = m.ArgStart, m.ArgEnd, m.EnvStart, m.EnvEnd
		mm.MMPut(m)
	}
	return s
}

// consoleDev is the number of /dev/console.
const consoleDev = 5<<8 | 1

// letter is the state as one letter.
func (t *Task) letter() byte {
	t.Group.sigLock.AssertHeld()
	switch {
	case t.state == stateDead:
		return 'Z'
	case t.state == stateStopped:
		return 'T'
	case t.state == stateTraced:
		return 't'
	case t.ctx == nil || t.Sched.Runnable(): // not yet started, or without a CPU
		return 'R'
	}
	switch asleep, interruptible := t.ctx.Asleep(); {
	case interruptible:
		return 'S'
	case asleep:
		return 'D'
	}
	return 'R'
}

var stateNames = map[byte]string{'R': "running", 'S': "sleeping", 'D': "disk sleep", 'T': "stopped", 't': "tracing stop", 'Z': "zombie"}

// writeStat writes /proc/PID/stat: see proc(5) for the 52 fields.
func writeStat(w io.Writer, t *Task) {
	s := t.snapshot()
	c := s.times
	start := t.started / (time.Second / userHZ)
	if self := Current(); self != nil && !self.MayAccess(t) {
		s.startCode, s.endCode, s.startStack = 1, 1, 0 // where it lies is not for all to know
		s.startData, s.endData, s.startBrk = 0, 0, 0
		s.argStart, s.argEnd, s.envStart, s.envEnd = 0, 0, 0, 0
	}
	fmt.Fprintf(w, "%d (%s) %c %d %d %d %d %d 0 %d %d %d %d %d %d %d %d %d %d %d 0 %d %d %d %d",
		t.TID, t.Comm(), s.state, s.ppid, s.pgrp, s.session, s.tty, s.foreground,
		c.MinFault, s.children.MinFault, c.MajFault, s.children.MajFault,
		toTicks(c.User), toTicks(c.System), toTicks(s.children.User), toTicks(s.children.System),
		20+t.Nice(), t.Nice(), s.threads, int64(start), s.usage.Size*arch.PageSize, s.usage.RSS, t.Group.Limits.Cur(RlimitRSS))
	fmt.Fprintf(w, " %d %d %d 0 0 %d %d %d %d 0 0 0 %d %d 0 0 0 0 0 %d %d %d %d %d %d %d 0\n",
		s.startCode, s.endCode, s.startStack,
		legacySet(s.pending|s.shared), legacySet(s.blocked), legacySet(s.ignored), legacySet(s.caught), s.exitSignal, t.CPU(),
		s.startData, s.endData, s.startBrk, s.argStart, s.argEnd, s.envStart, s.envEnd)
}

// legacySet is a set as stat shows it: real-time signals are not in it.
func legacySet(s Sigset) uint64 { return uint64(s) & 0x7fffffff }

// writeStatus writes /proc/PID/status.
func writeStatus(w io.Writer, t *Task) {
	s := t.snapshot()
	c := s.creds
	fmt.Fprintf(w, "Name:\t%s\nUmask:\t%04o\nState:\t%c (%s)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n",
		t.Comm(), t.umask(), s.state, stateNames[s.state], t.PID, t.TID, s.ppid, s.tracer)
	fmt.Fprintf(w, "Uid:\t%d\t%d\t%d\t%d\nGid:\t%d\t%d\t%d\t%d\n",
		c.UID, c.EUID, c.SUID, c.FSUID, c.GID, c.EGID, c.SGID, c.FSGID)
	fmt.Fprintf(w, "FDSize:\t%d\nGroups:\t", t.fdSize())
	for i, g := range c.Groups {
		if i > 0 {
			fmt.Fprint(w, " ")
		}
		fmt.Fprint(w, g)
	}
	fmt.Fprintf(w, " \nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\nKthread:\t0\n", t.PID, t.TID, s.pgrp, s.session)
	if s.hasMM {
		if m := t.GrabMM(); m != nil {
			mm.WriteStatus(w, m)
			mm.MMPut(m)
			fmt.Fprint(w, "CoreDumping:\t0\nTHP_enabled:\t0\nuntag_mask:\t0xffffffffffffffff\n")
		}
	}
	fmt.Fprintf(w, "Threads:\t%d\nSigQ:\t%d/%d\nSigPnd:\t%016x\nShdPnd:\t%016x\nSigBlk:\t%016x\nSigIgn:\t%016x\nSigCgt:\t%016x\n",
		s.threads, s.queued, t.Group.Limits.Cur(RlimitSigpending), s.pending, s.shared, s.blocked, s.ignored, s.caught)
	fmt.Fprintf(w, "CapInh:\t%016x\nCapPrm:\t%016x\nCapEff:\t%016x\nCapBnd:\t%016x\nCapAmb:\t%016x\nNoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\n"+
		"Speculation_Store_Bypass:\tunknown\nSpeculationIndirectBranch:\tunsupported\n",
		c.CapInheritable, c.CapPermitted, c.CapEffective, uint64(allCaps), 0, bit(c.NoNewPrivs))
	writeCPUs(w, t)
	fmt.Fprintf(w, "Mems_allowed:\t1\nMems_allowed_list:\t0\nvoluntary_ctxt_switches:\t%d\nnonvoluntary_ctxt_switches:\t%d\n", s.times.Voluntary, s.times.Preempted)
}

// fdSize is how many descriptors there is room for, 0 for a task that has ended.
func (t *Task) fdSize() int {
	files := procFDs(t.TID)
	if files == nil {
		return 0
	}
	defer files.Put()
	return files.Size()
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// umask returns the file mode mask, 0 for a task that has ended.
func (t *Task) umask() uint32 {
	t.Group.sigLock.Lock()
	c := t.FS
	t.Group.sigLock.Unlock()
	if c == nil {
		return 0
	}
	return c.Umask()
}
