package mm

import (
	"flag"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"yolk/arch"
	"yolk/drivers/blk"
	"yolk/locks"
	"yolk/locks/explore"
)

// The schedule explorer over this package: docs/explorer.md. The scenarios are in
// scenarios_test.go and its neighbours.

var (
	exploreSeed      = flag.Uint64("seed", 1, "explorer: first seed")
	exploreSchedules = flag.Int("schedules", 0, "explorer: schedules of each scenario and strategy (0: a few)")
	exploreStrategy  = flag.String("strategy", "", "explorer: random, pct or exhaustive (default: each)")
	exploreBound     = flag.Int("bound", 0, "explorer: depth of pct, or preemptions of exhaustive")
	exploreReplay    = flag.String("replay", "", "explorer: the choices of one schedule")
	exploreEvents    = flag.Int("events", 60, "explorer: how much of the trace a failure shows")
)

// scenario is a small machine and what runs on it.
type scenario struct {
	name   string
	frames int // 0: enough
	slots  int
	// exhaust is how many preemptions are few enough to try all schedules.
	exhaust int
	build   func(x *scene)
}

// scene is a scenario set up for one schedule.
type scene struct {
	*explore.Scenario
	disk   *taskDisk
	mms    []*MM // checked between steps; a reference of ours keeps each struct
	checks []func()
	frames int
	slots  int
}

// task adds a task; its accesses run on a CPU of its own.
func (x *scene) task(name string, run func(cpu int)) {
	cpu := len(x.Tasks)
	x.Tasks = append(x.Tasks, explore.Task{Name: name, Run: func() { run(cpu) }})
}

// stealer adds one that steals from m, n times.
func (x *scene) stealer(m *MM, n int) {
	x.task("stealer", func(int) {
		for range n {
			stealFrom(m, GFPKswapd)
		}
		RunDiskQueue()
	})
}

// space makes an address space whose pages are all filled, by their pattern, and
// aged, so that the next scan steals them.
func (x *scene) space(pages int) (*MM, uintptr) {
	m := MMAlloc(noLimits())
	x.watch(m)
	addr, e := m.tMmap(base, uintptr(pages)*pg, rw, private|fixed)
	must(e)
	for i := range pages {
		m.put(0, addr, i, 1)
	}
	stealFrom(m, GFPSwap) // without I/O: it only ages
	return m, addr
}

// watch has an mm checked.
func (x *scene) watch(m *MM) {
	MMGrab(m)
	x.mms = append(x.mms, m)
}

// end has f called when all has come to its end.
func (x *scene) end(f func()) { x.checks = append(x.checks, f) }

// put writes page i's pattern, and panics if that is not allowed.
func (m *MM) put(cpu int, addr uintptr, i int, seed uint64) {
	at := addr + uintptr(i)*pg
	if r := m.poke(cpu, at, pattern(seed, uint64(i), 0)); r.Failed() {
		panic(fmt.Sprintf("write to page %d: %v", i, r))
	}
}

// get expects page i's pattern of one of the seeds; 0 is for an empty page.
func (m *MM) get(cpu int, addr uintptr, i int, seeds ...uint64) {
	v, r := m.peek(cpu, addr+uintptr(i)*pg)
	if r.Failed() {
		panic(fmt.Sprintf("read of page %d: %v", i, r))
	}
	m.oneOf(i, v, seeds)
}

// tryGet is get for a page that may be gone.
func (m *MM) tryGet(cpu int, addr uintptr, i int, seeds ...uint64) {
	if v, r := m.peek(cpu, addr+uintptr(i)*pg); !r.Failed() {
		m.oneOf(i, v, seeds)
	}
}

func (m *MM) oneOf(i int, v uint64, seeds []uint64) {
	for _, s := range seeds {
		if s == 0 && v == 0 || s != 0 && v == pattern(s, uint64(i), 0) {
			return
		}
	}
	panic(fmt.Sprintf("page %d holds %#x, not what seeds %v put there", i, v, seeds))
}

// fork is DupMM that must work.
func (m *MM) fork() *MM {
	c, e := DupMM(m, noLimits())
	must(e)
	return c
}

func must(e syscall.Errno) {
	if e != 0 {
		panic(e)
	}
}

// check looks at what must hold between two steps, as far as the locks allow: with
// the vmlist lock free the list is whole, with mmap_sem free too the sums are exact.
func (x *scene) check() {
	for _, m := range x.mms {
		if m.mmUsers.Load() == 0 || !m.PageTableLock.TryLock() {
			continue
		}
		if m.MmapSem.TryLock() {
			recount(m)
			m.MmapSem.Unlock()
		} else {
			checkList(m)
		}
		m.PageTableLock.Unlock()
	}
}

// finish ends the address spaces and expects all frames and slots back.
func (x *scene) finish() {
	x.disk.prompt = true
	for _, f := range x.checks {
		f()
	}
	for _, m := range x.mms {
		if m.mmUsers.Load() > 0 {
			CheckInvariants(m)
			MMPut(m)
		}
		MMDrop(m)
	}
	for waitForWrites() {
	}
	for shrinkMmap(0, GFPUser, 1<<20) > 0 {
	}
	if n := swapperSpace.Pages(); n != 0 {
		panic(fmt.Sprintf("%d pages left in the swap cache", n))
	}
	if n, all := NrSwapPages(), int(totalSwapPages.Load()); n != all {
		panic(fmt.Sprintf("%d swap slots free at the end, want %d", n, all))
	}
	if n := allFrames(); n != x.frames {
		panic(fmt.Sprintf("%d frames free or with the slabs at the end, want %d", n, x.frames))
	}
}

// allFrames counts what is free, or was given to the heap for slabs.
func allFrames() int {
	pageAllocLock.Lock()
	defer pageAllocLock.Unlock()
	return recountFrames() + int(heapPages.Load())
}

// taskDisk is a disk whose completions are tasks: when they come, and in which
// order if there are two, is the explorer's choice.
type taskDisk struct {
	promptDisk
	prompt bool // set up and end: complete at once
	bad    bool // writes fail
	lock   locks.SpinLock
	queue  []*blk.Request // guarded by lock
	wait   locks.WaitQueue
	quit   atomic.Bool
}

func (d *taskDisk) Submit(r *blk.Request) {
	if d.prompt {
		d.promptDisk.Submit(r)
		return
	}
	d.lock.Lock()
	d.queue = append(d.queue, r)
	d.lock.Unlock()
	d.wait.WakeAll()
}

func (d *taskDisk) take() (r *blk.Request) {
	d.lock.Lock()
	defer d.lock.Unlock()
	if len(d.queue) > 0 {
		r = d.queue[0]
		d.queue = d.queue[1:]
	}
	return r
}

func (d *taskDisk) serve(int) {
	var r *blk.Request
	for {
		d.wait.Wait(func() bool {
			quit := d.quit.Load() // before the look at the queue: what came until then is served
			r = d.take()
			return r != nil || quit
		})
		switch {
		case r == nil:
			return
		case d.bad && r.Op == blk.Write:
			r.Err = syscall.EIO
			r.Done(r)
		default:
			d.promptDisk.Submit(r)
		}
	}
}

func (d *taskDisk) stop() {
	d.quit.Store(true)
	d.wait.WakeAll()
}

// slowDisk has the disk complete requests in n tasks of its own.
func (x *scene) slowDisk(n int) {
	for i := range n {
		x.task(fmt.Sprintf("disk%d", i), x.disk.serve)
		x.Tasks[len(x.Tasks)-1].Stop = x.disk.stop
	}
	x.disk.prompt = false
}

// set makes the machine and the scene.
func (s *scenario) set() explore.Scenario {
	frames := s.frames
	if frames == 0 {
		frames = 96
	}
	x := &scene{Scenario: &explore.Scenario{}, slots: s.slots}
	arch.InitSoft(frames, 8)
	Init(Config{})
	d := &taskDisk{promptDisk: newPromptDisk(s.slots), prompt: true}
	d.lock.Init(locks.RequestLock)
	must(SwapOn(d, -1))
	x.disk, x.frames = d, allFrames()
	s.build(x)
	x.Check, x.End = x.check, x.finish
	return *x.Scenario
}

// strategies are what a bounded run tries of each scenario.
func (s *scenario) strategies() (cs []explore.Config) {
	n := *exploreSchedules
	c := explore.Config{Strategy: *exploreStrategy, Seed: *exploreSeed, Schedules: n, Bound: *exploreBound}
	if *exploreReplay != "" {
		c.Strategy, c.Choices = "replay", *exploreReplay
		return append(cs, c)
	}
	if n == 0 {
		n = 60
		if testing.Short() || explore.Raced {
			n = 8
		}
	}
	for _, c := range []explore.Config{
		{Strategy: "random", Seed: *exploreSeed, Schedules: n},
		{Strategy: "pct", Seed: *exploreSeed, Schedules: n, Bound: 3},
		{Strategy: "exhaustive", Schedules: n, Bound: max(s.exhaust, 1)},
	} {
		if *exploreStrategy != "" && *exploreStrategy != c.Strategy {
			continue
		}
		if *exploreBound != 0 {
			c.Bound = *exploreBound
		}
		cs = append(cs, c)
	}
	return cs
}

// TestExplore runs each scenario through a number of schedules. A failure names the
// flags that repeat it.
func TestExplore(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			for _, c := range s.strategies() {
				found, stats := explore.Search(s.set, c)
				t.Logf("%s: %v", c.Strategy, stats)
				if found != nil {
					t.Fatal(s.report(found))
				}
			}
			noteReached(s.name)
		})
		if t.Failed() {
			t.Fatal("what the failed schedule held is still held: no more of them")
		}
	}
}

func (s *scenario) report(f *explore.Found) string {
	var b strings.Builder
	f.Report(&b, *exploreEvents)
	again := fmt.Sprintf("-strategy %s -seed %d -schedules 1", f.Config.Strategy, f.Config.Seed)
	if f.Config.Bound != 0 {
		again += fmt.Sprintf(" -bound %d", f.Config.Bound)
	}
	if f.Config.Strategy == "exhaustive" || f.Config.Strategy == "replay" {
		again = "-replay " + f.Choices
		if f.Choices == "" {
			again = "-replay none"
		}
	}
	fmt.Fprintf(&b, "  again: go test ./mm -run 'TestExplore/^%s$' %s\n", s.name, again)
	return b.String()
}

// TestSameScheduleTwice: the same seed does the same, step by step.
func TestSameScheduleTwice(t *testing.T) {
	for _, s := range scenarios {
		for seed := range uint64(4) {
			for _, strategy := range []func() explore.Strategy{
				func() explore.Strategy { return explore.NewRandom(seed) },
				func() explore.Strategy { return explore.NewPCT(seed, 3, 300) },
			} {
				first := explore.Run(s.set(), strategy())
				nextStream = 11 // what an earlier machine leaves does not matter
				again := explore.Run(s.set(), strategy())
				choices := explore.Run(s.set(), explore.NewReplay(first.Choices))
				if first.Hash != again.Hash || first.Hash != choices.Hash {
					t.Errorf("%s, seed %d: %#x, %#x, and by its choices %#x", s.name, seed, first.Hash, again.Hash, choices.Hash)
				}
			}
		}
	}
}
