package proc

import (
	"encoding/binary"
	"sync/atomic"
	errno "syscall"
	"testing"
	"time"

	"yolk/arch"
	"yolk/locks"
	"yolk/mm"
)

func (t *Task) store(addr uintptr, v uint32) {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], v)
	mm.CopyToUser(t.MM, addr, b[:])
}

// waiters counts who stands in the queue of a word.
func (t *Task) waiters(addr uintptr) int {
	key, _ := t.futexKeyOf(addr, false)
	b := key.bucket()
	b.lock.Lock()
	defer b.lock.Unlock()
	n := 0
	for w := b.first; w != nil; w = w.next {
		if w.key == key {
			n++
		}
	}
	return n
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within 5 s: " + what)
		}
	}
}

func TestFutexErrors(t *testing.T) {
	task, _ := signalTask(t)
	word := task.mapAnon(t, 1, errno.MAP_PRIVATE)
	for _, c := range []struct {
		addr uintptr
		val  uint32
		d    time.Duration
		want errno.Errno
	}{
		{word, 1, locks.Forever, errno.EAGAIN},
		{word + 1, 0, locks.Forever, errno.EINVAL},
		{0x10, 0, locks.Forever, errno.EINVAL},
		{0x1000, 0, locks.Forever, errno.EFAULT},
		{arch.TaskSize, 0, locks.Forever, errno.EFAULT},
		{word, 0, time.Millisecond, errno.ETIMEDOUT},
		{word, 0, 0, errno.ETIMEDOUT},
	} {
		want := c.want
		if c.addr == 0x10 {
			want = errno.EFAULT
		}
		for _, private := range []bool{true, false} {
			if e := task.FutexWait(c.addr, c.val, futexAnyBit, c.d, private); e != want {
				t.Errorf("wait at %#x for %v: %v, want %v", c.addr, c.d, e, want)
			}
		}
	}
	if n := task.waiters(word); n != 0 {
		t.Errorf("%d waiters left", n)
	}
	if n, e := task.FutexWake(word, 1, futexAnyBit, true); n != 0 || e != 0 {
		t.Errorf("wake of nobody: %d %v", n, e)
	}
}

func TestFutexSignal(t *testing.T) {
	task, _ := signalTask(t)
	word := task.mapAnon(t, 1, errno.MAP_PRIVATE)
	time.AfterFunc(10*time.Millisecond, func() { task.Group.Kill(SIGTERM) })
	if e := task.FutexWait(word, 0, futexAnyBit, locks.Forever, true); e != ERESTARTSYS {
		t.Errorf("interrupted wait: %v", e)
	}
	if n := task.waiters(word); n != 0 {
		t.Errorf("%d waiters left", n)
	}
}

// TestFutexWakeAndRequeue has eight threads wait, wakes some and moves others.
func TestFutexWakeAndRequeue(t *testing.T) {
	task, _ := signalTask(t)
	words := task.mapAnon(t, 1, errno.MAP_PRIVATE)
	a, b := words, words+64
	const n = 8
	var woken atomic.Int32
	var threads []*Task
	for i := range n {
		th := newThread(t, task)
		threads = append(threads, th)
		th.runAs(func() {
			if e := th.FutexWait(a, 0, 1<<i, locks.Forever, true); e != 0 {
				t.Errorf("wait: %v", e)
			}
			woken.Add(1)
		})
	}
	eventually(t, "all wait", func() bool { return task.waiters(a) == n })
	if k, e := task.FutexWake(a, n, 1<<3, true); k != 1 || e != 0 {
		t.Errorf("wake by bit: %d %v", k, e)
	}
	one := uint32(1)
	if _, _, e := task.FutexRequeue(a, b, 1, n, &one, true); e != errno.EAGAIN {
		t.Errorf("requeue with another value: %v", e)
	}
	zero := uint32(0)
	if k, m, e := task.FutexRequeue(a, b, 1, 4, &zero, true); k != 1 || m != 4 || e != 0 {
		t.Errorf("requeue: %d woken, %d moved, %v", k, m, e)
	}
	if na, nb := task.waiters(a), task.waiters(b); na != 2 || nb != 4 {
		t.Errorf("%d wait on the first word, %d on the second", na, nb)
	}
	// Set *b to 5 and wake one there; the old value was 0, so wake two on a.
	op := uint32(wakeOpSet<<28 | wakeCmpEq<<24 | 5<<12)
	if k, e := task.FutexWakeOp(b, b, 1, 0, op, true); k != 1 || e != 0 {
		t.Errorf("wake_op: %d %v", k, e)
	}
	if v, _ := mm.LoadUser32(task.MM, b); v != 5 {
		t.Errorf("wake_op left %d", v)
	}
	if k, e := task.FutexWakeOp(b, a, 1, 9, op, true); k != 3 || e != 0 {
		t.Errorf("second wake_op: %d %v", k, e)
	}
	task.FutexWake(b, n, futexAnyBit, true)
	eventually(t, "all are woken", func() bool { return woken.Load() == n })
	for _, th := range threads {
		th.end(0)
	}
}

// TestFutexShared: two address spaces meet on a page that they share, and only there.
func TestFutexShared(t *testing.T) {
	parent, _ := signalTask(t)
	shared, private := parent.mapAnon(t, 1, errno.MAP_SHARED), parent.mapAnon(t, 1, errno.MAP_PRIVATE)
	child := newProcess(t, parent.Group)
	mm.MMPut(child.MM)
	var e errno.Errno
	if child.MM, e = mm.DupMM(parent.MM, &child.Group.Limits.MM); e != 0 {
		t.Fatal(e)
	}
	done := child.runAs(func() {
		if e := child.FutexWait(shared, 0, futexAnyBit, locks.Forever, false); e != 0 {
			t.Errorf("wait: %v", e)
		}
	})
	eventually(t, "the child waits", func() bool { return parent.waiters(shared) == 1 })
	if n, _ := parent.FutexWake(private, 1, futexAnyBit, false); n != 0 {
		t.Error("woken through another page")
	}
	if n, _ := parent.FutexWake(shared, 1, futexAnyBit, false); n != 1 {
		t.Error("not woken through the shared page")
	}
	<-done
	child.end(0)
	var w WaitReport
	parent.Wait(&WaitRequest{Options: WExited}, &w)
}

// TestThreadEnd: the end of a thread clears its word and tells the robust list.
func TestThreadEnd(t *testing.T) {
	task, _ := signalTask(t)
	page := task.mapAnon(t, 1, errno.MAP_PRIVATE)
	th := newThread(t, task)
	le := binary.LittleEndian
	head, node, lock, tidWord := page, page+256, page+256+16, page+512
	var b [64]byte
	le.PutUint64(b[0:], uint64(node))
	le.PutUint64(b[8:], 16)
	mm.CopyToUser(task.MM, head, b[:24])
	le.PutUint64(b[0:], uint64(head))
	mm.CopyToUser(task.MM, node, b[:8])
	task.store(lock, uint32(th.TID)|futexWaiters)
	task.store(tidWord, uint32(th.TID))
	if e := th.SetRobustList(head, 23); e != errno.EINVAL {
		t.Errorf("set_robust_list with size 23: %v", e)
	}
	th.SetRobustList(head, robustHeadSize)
	th.SetClearTID(tidWord)
	th.end(0)
	if v, _ := mm.LoadUser32(task.MM, lock); v != futexWaiters|futexOwnerDied {
		t.Errorf("lock of the dead is %#x", v)
	}
	if v, _ := mm.LoadUser32(task.MM, tidWord); v != 0 {
		t.Errorf("word of the dead is %d", v)
	}
}

func TestFutexWaitAllocatesNothing(t *testing.T) {
	task, _ := signalTask(t)
	word := task.mapAnon(t, 1, errno.MAP_PRIVATE)
	task.store(word, 0)
	if n := testing.AllocsPerRun(100, func() {
		task.FutexWait(word, 1, futexAnyBit, locks.Forever, true)
		task.FutexWait(word, 0, futexAnyBit, time.Microsecond, true)
		task.FutexWake(word, 1, futexAnyBit, true)
	}); n != 0 {
		t.Errorf("%v allocations per wait", n)
	}
}
