package proc

import (
	errno "syscall"
	"testing"
	"time"
)

func TestWait(t *testing.T) {
	parent, _ := signalTask(t)
	exited := &WaitRequest{Options: WExited | WNoHang}
	var w WaitReport
	if e := parent.Wait(exited, &w); e != errno.ECHILD {
		t.Fatalf("no child: %v", e)
	}
	a, b := newProcess(t, parent.Group), newProcess(t, parent.Group)
	if e := parent.Wait(exited, &w); e != 0 || w.PID != 0 {
		t.Errorf("nobody has ended: %v %+v", e, w)
	}
	b.end(3 << 8)
	a.Group.exiting, a.Group.exitCode = true, SIGKILL
	a.end(0)
	for _, c := range []struct {
		r    WaitRequest
		want errno.Errno
		pid  int
		code int32
		val  int32
	}{
		{WaitRequest{WaitPID, 1, WExited | WNoHang}, errno.ECHILD, 0, 0, 0},
		{WaitRequest{WaitPGID, 99999, WExited | WNoHang}, errno.ECHILD, 0, 0, 0},
		{WaitRequest{WaitAny, 0, WExited | WClone}, errno.ECHILD, 0, 0, 0},
		{WaitRequest{WaitAny, 0, WStopped | WNoHang}, 0, 0, 0, 0},
		{WaitRequest{WaitPID, b.PID, WExited | WNoWait}, 0, b.PID, CLDExited, 3},
		{WaitRequest{WaitPID, b.PID, WExited}, 0, b.PID, CLDExited, 3},
		{WaitRequest{WaitPID, b.PID, WExited}, errno.ECHILD, 0, 0, 0},
		{WaitRequest{WaitPGID, 0, WExited | WAll}, 0, a.PID, CLDKilled, SIGKILL},
		{WaitRequest{WaitAny, 0, WExited}, errno.ECHILD, 0, 0, 0},
	} {
		w = WaitReport{}
		e := parent.Wait(&c.r, &w)
		if e != c.want || w.PID != c.pid || w.Code != c.code || w.Value != c.val {
			t.Errorf("%+v: %v %+v", c.r, e, w)
		}
	}
	if FindTask(a.TID) != nil || FindTask(b.TID) != nil {
		t.Error("reaped processes can still be found")
	}
	if !parent.Group.shared.set.Has(SIGCHLD) && !parent.Group.actions.get(SIGCHLD).ignores(SIGCHLD) {
		t.Error("no SIGCHLD")
	}
}

func TestWaitSleeps(t *testing.T) {
	parent, _ := signalTask(t)
	child := newProcess(t, parent.Group)
	time.AfterFunc(10*time.Millisecond, func() { child.end(1 << 8) })
	var w WaitReport
	if e := parent.Wait(&WaitRequest{Options: WExited}, &w); e != 0 || w.PID != child.PID || w.Status != 1<<8 {
		t.Errorf("%v %+v", e, w)
	}
}

func TestIgnoredChildrenVanish(t *testing.T) {
	for _, act := range []SigAction{{Handler: sigIgn}, {Handler: sigDfl, Flags: SANoCldWait}} {
		parent, _ := signalTask(t)
		parent.SigAction(SIGCHLD, &act)
		child := newProcess(t, parent.Group)
		child.end(0)
		var w WaitReport
		if e := parent.Wait(&WaitRequest{Options: WExited}, &w); e != errno.ECHILD {
			t.Errorf("%+v: %v %+v", act, e, w)
		}
	}
}

// TestOrphans: children of the dead become init's, and zombies among them go.
func TestOrphans(t *testing.T) {
	parent, _ := signalTask(t)
	child := newProcess(t, parent.Group)
	alive, zombie := newProcess(t, child.Group), newProcess(t, child.Group)
	zombie.end(0)
	if FindTask(zombie.TID) == nil {
		t.Fatal("the zombie is gone while its parent lives")
	}
	child.end(0)
	if p := alive.Group.Parent(); p != 1 {
		t.Errorf("orphan's parent is %d", p)
	}
	if FindTask(zombie.TID) != nil {
		t.Error("init did not reap the zombie")
	}
	alive.end(0)
	if FindTask(alive.TID) != nil {
		t.Error("init did not reap the orphan")
	}
	// A subreaper stands before init.
	parent.Group.SetFlag(FlagSubreaper, 1)
	child = newProcess(t, parent.Group)
	grandchild := newProcess(t, child.Group)
	child.end(0)
	if p := grandchild.Group.Parent(); p != parent.PID {
		t.Errorf("grandchild's parent is %d, want the subreaper %d", p, parent.PID)
	}
	grandchild.end(0)
	var w WaitReport
	for range 3 {
		parent.Wait(&WaitRequest{Options: WExited | WNoHang}, &w)
	}
}

// TestLeaderEndsFirst: the process lives until its last thread, and keeps its
// number.
func TestLeaderEndsFirst(t *testing.T) {
	parent, _ := signalTask(t)
	leader := newProcess(t, parent.Group)
	thread := newThread(t, leader)
	leader.end(5 << 8)
	var w WaitReport
	if e := parent.Wait(&WaitRequest{Options: WExited | WNoHang}, &w); e != 0 || w.PID != 0 {
		t.Errorf("reported while a thread lives: %v %+v", e, w)
	}
	if FindGroup(leader.PID) != leader.Group {
		t.Error("the process cannot be found")
	}
	tid := thread.TID
	thread.end(9 << 8)
	if FindTask(tid) != nil {
		t.Error("the thread can still be found")
	}
	if e := parent.Wait(&WaitRequest{Options: WExited}, &w); e != 0 || w.PID != leader.PID || w.Value != 5 {
		t.Errorf("%v %+v", e, w)
	}
}

func TestPIDs(t *testing.T) {
	parent, _ := signalTask(t)
	treeLock.Lock()
	used, last := pids.used, pids.last
	pids.last = PIDMax - 3
	treeLock.Unlock()
	seen := map[int]bool{}
	var all []*Task
	for range 8 {
		c := newProcess(t, parent.Group)
		if c.PID < reservedPIDs || c.PID >= PIDMax || seen[c.PID] {
			t.Errorf("number %d", c.PID)
		}
		seen[c.PID] = true
		all = append(all, c)
	}
	// A number stays taken while a process group has it.
	if e := all[1].Setpgid(0, 0); e != 0 {
		t.Fatal(e)
	}
	if e := parent.Setpgid(all[2].PID, all[1].PID); e != 0 {
		t.Fatal(e)
	}
	for _, c := range []int{1, 0, 3, 4, 5, 6, 7} {
		all[c].end(0)
	}
	var w WaitReport
	for parent.Wait(&WaitRequest{Options: WExited | WNoHang}, &w) == 0 && w.PID != 0 {
	}
	treeLock.Lock()
	if e := findPID(all[1].PID); e == nil || e.task != nil {
		t.Errorf("number of a living process group: %+v", e)
	}
	treeLock.Unlock()
	all[2].end(0)
	parent.Wait(&WaitRequest{Options: WExited}, &w)
	treeLock.Lock()
	defer treeLock.Unlock()
	if pids.used != used {
		t.Errorf("%d numbers in use, %d before", pids.used, used)
	}
	pids.last = last
}

func TestSetpgid(t *testing.T) {
	parent, _ := signalTask(t)
	child := newProcess(t, parent.Group)
	stranger, _ := signalTask(t)
	for _, c := range []struct {
		who       *Task
		pid, pgid int
		want      errno.Errno
	}{
		{parent, child.PID, -1, errno.EINVAL},
		{parent, 32000, 0, errno.ESRCH},
		{parent, stranger.PID, 0, errno.ESRCH},
		{parent, 0, 0, errno.EPERM},                    // a session leader
		{parent, child.PID, stranger.PID, errno.EPERM}, // another session's group
		{parent, child.PID, 0, 0},
		{parent, child.PID, parent.PID, 0},
		{child, 0, 0, 0},
	} {
		if e := c.who.Setpgid(c.pid, c.pgid); e != c.want {
			t.Errorf("setpgid(%d, %d): %v, want %v", c.pid, c.pgid, e, c.want)
		}
	}
	child.Group.execed = true
	if e := parent.Setpgid(child.PID, parent.PID); e != errno.EACCES {
		t.Errorf("setpgid after exec: %v", e)
	}
	if _, e := child.Setsid(); e != errno.EPERM {
		t.Errorf("setsid of a group leader: %v", e)
	}
	child.end(0)
	var w WaitReport
	parent.Wait(&WaitRequest{Options: WExited}, &w)
}
