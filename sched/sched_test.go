//lint:file-ignore SA2001 locks are taken here for their own sake

package sched

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"yolk/locks"
)

// withCPUs gives a test its own run queue with n slots.
func withCPUs(t *testing.T, n int) {
	t.Helper()
	if Waiting() != 0 {
		t.Fatal("tasks are left from an earlier test")
	}
	old := queue.avail.Load()
	SetCPUs(n)
	t.Cleanup(func() {
		if got := queue.avail.Load(); got != int32(n) || queue.promised != 0 {
			t.Errorf("%d slots and %d promises at the end, want %d and 0", got, queue.promised, n)
		}
		SetCPUs(int(old))
		SetPolicy(&RoundRobin{})
	})
}

// task runs f as a task and leaves properly.
func task(wg *sync.WaitGroup, f func(e *Entity)) *Entity {
	e := new(Entity)
	wg.Go(func() {
		e.Start()
		f(e)
		e.Exit()
	})
	return e
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !cond(); {
		if time.Now().After(end) {
			t.Fatalf("%s: did not happen", what)
		}
		time.Sleep(50 * time.Microsecond)
	}
}

// giveWay has e lose its CPU in one of the ways there are, by turns.
func giveWay(e *Entity, turn int) {
	switch turn % 3 {
	case 0:
		e.sliceEnd = 0
		e.Tick()
	case 1:
		e.Yield()
	case 2:
		locks.Sleep(time.Microsecond, false)
	}
}

// TestNoMoreTasksThanCPUs lets many tasks run and sleep and counts those that
// are in ring 3 at once.
func TestNoMoreTasksThanCPUs(t *testing.T) {
	for _, cpus := range []int{1, 2, 4} {
		withCPUs(t, cpus)
		var (
			inside, most atomic.Int32
			wg           sync.WaitGroup
		)
		for i := range 3 * cpus {
			task(&wg, func(e *Entity) {
				for r := range 200 {
					e.Enter()
					n := inside.Add(1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					inside.Add(-1)
					giveWay(e, int(i+r))
				}
			})
		}
		wg.Wait()
		if n := most.Load(); n > int32(cpus) {
			t.Errorf("%d tasks ran at once on %d CPUs", n, cpus)
		}
	}
}

// TestRoundRobin has three tasks share one CPU; each slice ends by a tick.
func TestRoundRobin(t *testing.T) {
	withCPUs(t, 1)
	var (
		wg    sync.WaitGroup
		order []int
	)
	const tasks, rounds = 3, 5
	var first Entity
	first.Start()
	first.Enter()
	for i := range tasks {
		task(&wg, func(e *Entity) {
			for range rounds {
				e.Enter()
				order = append(order, i)
				e.sliceEnd = 0
				e.Tick()
			}
		})
		eventually(t, "task queues", func() bool { return Waiting() == i+1 })
	}
	first.Exit()
	wg.Wait()
	for i, got := range order {
		if got != i%tasks {
			t.Fatalf("order %v", order)
		}
	}
}

func TestSliceIsRenewedWhenNobodyWaits(t *testing.T) {
	withCPUs(t, 1)
	var e Entity
	e.Start()
	e.Enter()
	before := Switches()
	for range 5 {
		e.sliceEnd = 0
		e.Tick()
	}
	if Switches() != before || !e.slot {
		t.Error("a lone task lost its CPU")
	}
	e.Exit()
}

func TestTickWithinTheSliceKeepsTheCPU(t *testing.T) {
	withCPUs(t, 1)
	var wg sync.WaitGroup
	var e Entity
	e.Start()
	e.Enter()
	task(&wg, func(e *Entity) { e.Enter() })
	eventually(t, "other waits", func() bool { return Waiting() == 1 })
	e.sliceEnd = now() + int64(time.Hour)
	e.Tick()
	if !e.slot || Waiting() != 1 {
		t.Error("the slice was cut short")
	}
	e.Exit()
	wg.Wait()
}

func TestSleepGivesTheCPUAway(t *testing.T) {
	withCPUs(t, 1)
	var (
		wg     sync.WaitGroup
		q      locks.WaitQueue
		pushed atomic.Bool
	)
	sleeper := task(&wg, func(e *Entity) {
		e.Enter()
		q.Wait(pushed.Load)
		e.Enter()
	})
	eventually(t, "sleeps", q.Active)
	task(&wg, func(e *Entity) {
		e.Enter() // would never return if the sleeper kept its CPU
		pushed.Store(true)
		q.WakeAll()
	})
	wg.Wait()
	if voluntary, _ := sleeper.Switched(); voluntary != 1 {
		t.Errorf("voluntary switches %d, want 1", voluntary)
	}
}

// TestWokenTaskHoldsItsLocksOnly has a task wake up with a mutex while another
// occupies the only CPU: it releases the mutex without waiting for the CPU.
func TestWokenTaskRunsInTheKernelWithoutACPU(t *testing.T) {
	withCPUs(t, 1)
	var (
		wg sync.WaitGroup
		m  locks.Mutex
	)
	m.Lock()
	task(&wg, func(e *Entity) {
		e.Enter()
		m.Lock()
		m.Unlock()
		e.Enter()
	})
	var hog Entity
	hog.Start()
	hog.Enter()
	m.Unlock()
	m.Lock() // comes only after the woken task has released it
	m.Unlock()
	hog.Exit()
	wg.Wait()
}

func TestTimes(t *testing.T) {
	withCPUs(t, 1)
	var e Entity
	e.Start()
	e.Enter()
	time.Sleep(5 * time.Millisecond) // stands for the program
	e.Tick()
	user, _ := e.Times()
	locks.Sleep(50*time.Millisecond, false)
	e.Exit()
	user2, system := e.Times()
	if user < 5*time.Millisecond || user2 != user {
		t.Errorf("user time %v, then %v", user, user2)
	}
	if system > 40*time.Millisecond {
		t.Errorf("system time %v includes the sleep", system)
	}
}

// lifo is the opposite of RoundRobin.
type lifo struct{ top *Entity }

func (s *lifo) Enqueue(e *Entity) { e.Link, s.top = s.top, e }
func (s *lifo) Pick() *Entity {
	e := s.top
	if e != nil {
		s.top = e.Link
	}
	return e
}

func TestPolicyCanBeReplaced(t *testing.T) {
	withCPUs(t, 1)
	SetPolicy(&lifo{})
	var (
		wg    sync.WaitGroup
		order []int
		first Entity
	)
	first.Start()
	first.Enter()
	for i := range 3 {
		task(&wg, func(e *Entity) {
			e.Enter()
			order = append(order, i)
		})
		eventually(t, "task queues", func() bool { return Waiting() == i+1 })
	}
	first.Exit()
	wg.Wait()
	if order[0] != 2 || order[1] != 1 || order[2] != 0 {
		t.Errorf("order %v", order)
	}
}

func TestNothingIsAllocated(t *testing.T) {
	withCPUs(t, 1)
	var e Entity
	e.Start()
	e.Enter()
	if n := testing.AllocsPerRun(200, func() {
		e.sliceEnd = 0
		e.Tick()
		locks.Sleep(time.Microsecond, false)
		e.Enter()
		e.Yield()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	e.Exit()
}

// bound makes e a task that may run on the CPUs of mask.
func bound(e *Entity, mask uint64) *Entity {
	e.Bind(mask)
	return e
}

// TestBoundTasksHaveACPUEach: of two that are bound to one CPU only one has a slot, and
// the CPU that is left is anybody's.
func TestBoundTasksHaveACPUEach(t *testing.T) {
	withCPUs(t, 2)
	var wg sync.WaitGroup
	var first Entity
	bound(&first, 1).Start()
	first.Enter()
	if first.cpu != 1 {
		t.Fatalf("it has CPU %d", first.cpu-1)
	}
	var second, third *Entity
	in := make(chan *Entity, 2)
	second = task(&wg, func(e *Entity) { bound(e, 1).Enter(); in <- e })
	eventually(t, "the second waits", func() bool { return queue.bound.waits.Load() == 1 })
	third = task(&wg, func(e *Entity) { e.Enter(); in <- e })
	if got := <-in; got != third {
		t.Fatal("the second has a slot, and no CPU")
	}
	first.Exit()
	if got := <-in; got != second {
		t.Fatal("the second did not get the CPU")
	}
	wg.Wait()
}

// TestBoundTasksTakeTurns: a slice ends for a task that is bound as for any other,
// though there are slots enough.
func TestBoundTasksTakeTurns(t *testing.T) {
	withCPUs(t, 4)
	var (
		wg    sync.WaitGroup
		order []int
		first Entity
	)
	const tasks, rounds = 3, 5
	bound(&first, 2).Start()
	first.Enter()
	for i := range tasks {
		task(&wg, func(e *Entity) {
			for range rounds {
				bound(e, 2).Enter()
				order = append(order, i)
				e.sliceEnd = 0
				e.Tick()
			}
		})
		eventually(t, "task waits", func() bool { return queue.bound.waits.Load() == int32(i+1) })
	}
	first.Exit()
	wg.Wait()
	for i, got := range order {
		if got != i%tasks {
			t.Fatalf("order %v", order)
		}
	}
}

// TestBindWhileWaiting: a task that waits for a CPU goes on when it is bound to another.
func TestBindWhileWaiting(t *testing.T) {
	withCPUs(t, 2)
	var wg sync.WaitGroup
	var first Entity
	bound(&first, 1).Start()
	first.Enter()
	second := task(&wg, func(e *Entity) { bound(e, 1).Enter() })
	eventually(t, "the second waits", func() bool { return queue.bound.waits.Load() == 1 })
	second.Bind(2)
	wg.Wait()
	first.Bind(AllCPUs())
	first.Settle()
	if first.cpu != 0 || first.allowed.Load() != 0 || !first.slot {
		t.Error("a task that is bound no more has a CPU still")
	}
	first.Exit()
}

// TestNoTwoOnACPU: many tasks with masks of all kinds, some of which change; each
// has a CPU of its mask, and none has another's.
func TestNoTwoOnACPU(t *testing.T) {
	withCPUs(t, 4)
	var (
		wg sync.WaitGroup
		on [4]atomic.Int32
	)
	for i := range uint64(12) {
		task(&wg, func(e *Entity) {
			for r := range uint64(200) {
				if r%20 == 0 {
					e.Bind((i+r/20)%15 + 1)
					e.Settle()
				}
				e.Enter()
				if mask := e.Allowed(); mask != AllCPUs() {
					if e.cpuBit()&mask == 0 || on[e.cpu-1].Add(1) != 1 {
						t.Errorf("mask %x, CPU %d", mask, e.cpu-1)
					}
					on[e.cpu-1].Add(-1)
				}
				giveWay(e, int(i+r))
			}
		})
	}
	wg.Wait()
}

func TestBoundTasksAllocateNothing(t *testing.T) {
	withCPUs(t, 2)
	var e Entity
	e.Bind(1)
	e.Start()
	e.Enter()
	if n := testing.AllocsPerRun(200, func() {
		e.sliceEnd = 0
		e.Tick()
		locks.Sleep(time.Microsecond, false)
		e.Enter()
		e.Yield()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	e.Exit()
}
