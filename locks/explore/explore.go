//go:build !yolk

package explore

import (
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	"yolk/locks"
)

// Task is one thread of a scenario.
type Task struct {
	Name string
	Run  func()
	// Stop makes Run return: the task, such as a disk, serves the others, and is
	// told to stop when they have ended. nil for the others.
	Stop func()
}

// Scenario is a fresh machine with tasks that are to run over it.
type Scenario struct {
	Tasks []Task
	// Check, if set, is called between steps, with every task stopped somewhere. It
	// leaves out what the locks held do not allow, and panics if something is wrong.
	Check func()
	// End, if set, runs as a task when the others have ended, and panics likewise.
	End func()
}

// Outcome is one run of a scenario.
type Outcome struct {
	Failure   string // empty if nothing was wrong
	Steps     int
	Switches  int
	Decisions int    // without those of Scenario.End
	Hash      uint64 // of all that was done, in order
	Choices   []Choice
	trace     *trace
	tasks     []*task
}

// Choice is a decision (they are counted) that is not the default, which is to go on
// with the running task, or else with the first that can run.
type Choice struct{ Decision, Task int }

// state says what a task waits for.
type state uint8

const (
	runnable state = iota
	spinning       // for the lock on
	asleep         // until it is woken
	dozing         // until it is woken, or its time is over
	ended
)

// task is a Task at work. Its fields are touched by who has the baton.
type task struct {
	Task
	id       int
	g        uintptr
	ctx      *locks.Context
	resume   chan struct{}
	state    state
	on       unsafe.Pointer
	onClass  locks.Class
	timedOut bool
	held     []heldLock
}

const (
	maxSteps   = 200_000 // ends a run that does not come to its end
	maxChoices = 1 << 12 // kept of a run; a longer one can be had again by its seed
)

// run is a schedule at work. Whoever has the baton, the running task or Run's own
// goroutine, owns it.
type run struct {
	tasks    []*task
	cur      *task // nil: Run's goroutine
	strategy Strategy
	checked  bool // a check follows each release
	steps    int
	decision int // choices made, or that could have been
	switches int
	idle     int // time-outs in a row
	enabled  []int
	choices  []Choice
	hash     uint64
	failure  string
	main     chan struct{} // Run's baton
	done     chan struct{}
	want     wish
}

// wish is what Run's goroutine has the baton for.
type wish uint8

const (
	wantNothing wish = iota
	wantCheck        // look at the invariants, then let cur go on
	wantNext         // cur has ended: choose another
	wantEnd          // a failure
)

// Run lets the tasks of s run as the strategy says. One run at a time; no other
// goroutine may be in the kernel's code. After a failure the tasks stay where they are.
func Run(s Scenario, strategy Strategy) Outcome {
	x := &run{strategy: strategy, main: make(chan struct{}, 1), hash: 14695981039346656037}
	x.checked = s.Check != nil && !Raced
	x.done = make(chan struct{}, len(s.Tasks)+1)
	x.enabled = make([]int, 0, len(s.Tasks)+1)
	x.choices = make([]Choice, 0, maxChoices)
	lastTrace.n = 0
	racesBefore := raceErrors()
	strategy.Begin(len(s.Tasks))
	locks.SetExplorer(x)
	for _, t := range s.Tasks {
		x.start(t)
	}
	x.serve(s)
	o := Outcome{Decisions: x.decision}
	if x.failure == "" {
		for range s.Tasks {
			<-x.done // and see what they did
		}
		if s.End != nil {
			x.start(Task{Name: "end", Run: s.End})
			x.serve(s)
			if x.failure == "" {
				<-x.done
			}
		}
	}
	locks.SetExplorer(nil)
	if raceErrors() != racesBefore {
		x.fail("the race detector has something to say, above")
	}
	strategy.End()
	o.Failure, o.Steps, o.Switches = x.failure, x.steps, x.switches
	o.Hash, o.Choices, o.trace, o.tasks = x.hash, x.choices, &lastTrace, x.tasks
	return o
}

// start makes a task, which waits for the baton.
func (x *run) start(t Task) {
	n := &task{Task: t, id: len(x.tasks), resume: make(chan struct{}, 1), held: make([]heldLock, 0, 16)}
	x.tasks = append(x.tasks, n)
	go x.life(n)
	<-x.main // it has introduced itself
}

// life is a task's goroutine.
func (x *run) life(t *task) {
	t.g, t.ctx = locks.GoroutineID(), locks.Current()
	x.main <- struct{}{}
	unseen()
	<-t.resume
	seen()
	normal := false
	defer func() {
		if !normal {
			r := recover()
			if r == nil {
				r = "it ended itself"
			}
			x.fail(fmt.Sprintf("task %s: %v\n%s", t.Name, r, callers()))
			x.give()
			return
		}
		x.done <- struct{}{}
		x.giveUp(t)
	}()
	t.Run()
	normal = true
}

// serve has the baton when no task has: it chooses the first, checks invariants,
// and stops those that serve the others.
func (x *run) serve(s Scenario) {
	stopped := false
	for x.failure == "" {
		if x.want == wantCheck {
			cur := x.cur
			x.cur = nil
			x.guard("after a step", s.Check)
			x.cur = cur
			if x.failure != "" {
				return
			}
			x.hand(cur)
			continue
		}
		if !stopped && x.served() {
			stopped = true
			for _, t := range x.tasks {
				if t.Stop != nil {
					t.Stop()
				}
			}
		}
		if x.allEnded() {
			return
		}
		next := x.choose(nil)
		if next == nil {
			return
		}
		x.hand(next)
	}
}

// hand passes the baton to t and waits until it comes back.
func (x *run) hand(t *task) {
	x.cur, x.want = t, wantNothing
	unseen()
	t.resume <- struct{}{}
	<-x.main
	seen()
}

// served reports whether all have ended but those that serve others.
func (x *run) served() bool {
	for _, t := range x.tasks {
		if t.Stop == nil && t.state != ended {
			return false
		}
	}
	return true
}

func (x *run) allEnded() bool {
	for _, t := range x.tasks {
		if t.state != ended {
			return false
		}
	}
	return true
}

// guard calls f and makes a panic of it the run's failure.
func (x *run) guard(when string, f func()) {
	defer func() {
		if r := recover(); r != nil {
			x.fail(fmt.Sprintf("%s: %v\n%s", when, r, callers()))
		}
	}()
	f()
}

// fail keeps the first failure.
//
//go:norace
func (x *run) fail(what string) {
	if x.failure == "" {
		x.failure = what
	}
}

// callers is the part of the stack of a panic that lies in the code under test.
func callers() string {
	var pcs [64]uintptr
	var b strings.Builder
	for _, f := range Frames(pcs[:runtime.Callers(2, pcs[:])]) {
		b.WriteString("    " + f + "\n")
	}
	return b.String()
}
