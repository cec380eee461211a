//go:build !yolk

package explore

import (
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"unsafe"

	"yolk/locks"
)

// event is what a task did. The first are those of locks.Op.
type event uint8

const (
	evLock     = event(locks.OpLock)
	evRelease  = event(locks.OpRelease)
	evStep     = event(locks.OpStep)
	evSpin     = evStep + 1
	evSleep    = evStep + 2
	evWoken    = evStep + 3
	evTimeOut  = evStep + 4
	evEnded    = evStep + 5
	evAcquired = evStep + 6
)

var eventNames = [...]string{
	evLock: "wants", evRelease: "released", evStep: "at", evSpin: "spins for", evSleep: "sleeps",
	evWoken: "is woken", evTimeOut: "times out", evEnded: "ends", evAcquired: "has",
}

// entry is one event with the place in the code.
type entry struct {
	task, step int
	event      event
	class      locks.Class
	lock       unsafe.Pointer
	stack      locks.Stack
}

// traceLength is how many events are kept.
const traceLength = 4096

// trace keeps the last events in a ring.
type trace struct {
	ring [traceLength]entry
	n    int
}

// lastTrace is of the last run, or of the one under way.
var lastTrace trace

//go:norace
func (r *trace) add(task, step int, e event, lock unsafe.Pointer, class locks.Class) {
	p := &r.ring[r.n%traceLength]
	r.n++
	p.task, p.step, p.event, p.lock, p.class = task, step, e, lock, class
	locks.Callers(&p.stack)
}

// last is the number of the last event.
//
//go:norace
func (r *trace) last() int { return r.n - 1 }

// heldLock is a lock in the hands of a task.
type heldLock struct {
	lock  unsafe.Pointer
	class locks.Class
	at    int // event that took it
}

// WriteTrace writes what each task holds and waits for, and the last n events.
func (o *Outcome) WriteTrace(w io.Writer, n int) {
	names := instances{}
	for _, t := range o.tasks {
		fmt.Fprintf(w, "  %-10s %s\n", t.Name, t.condition(o.trace, names))
	}
	r := o.trace
	first := max(0, r.n-min(n, traceLength))
	last := -1
	for i := first; i < r.n; i++ {
		e := &r.ring[i%traceLength]
		if e.task != last {
			fmt.Fprintf(w, "  -- %s\n", o.tasks[e.task].Name)
			last = e.task
		}
		fmt.Fprintf(w, "  %5d %-9s %-18s %s\n", e.step, eventNames[e.event], e.object(names), place(&e.stack))
	}
}

// condition says what a task is at, and which locks it holds.
func (t *task) condition(r *trace, names instances) string {
	var b strings.Builder
	switch t.state {
	case spinning:
		fmt.Fprintf(&b, "spins for %s", names.of(t.on, t.onClass))
	default:
		b.WriteString([...]string{"can run", "", "sleeps", "sleeps until a time", "has ended"}[t.state])
	}
	for i, h := range t.held {
		if i == 0 {
			b.WriteString("; holds ")
		} else {
			b.WriteString(", ")
		}
		b.WriteString(names.of(h.lock, h.class))
		if h.at > r.n-traceLength {
			fmt.Fprintf(&b, " (%s)", place(&r.ring[h.at%traceLength].stack))
		}
	}
	return b.String()
}

// object names what an event is about.
func (e *entry) object(names instances) string {
	if e.event == evStep || e.lock == nil {
		return ""
	}
	return names.of(e.lock, e.class)
}

// instances numbers the locks of a class in the order in which they are met.
type instances map[unsafe.Pointer]string

func (n instances) of(lock unsafe.Pointer, class locks.Class) string {
	if s, ok := n[lock]; ok {
		return s
	}
	name := class.String()
	if name == "" {
		name = "lock"
	}
	of := 1
	for _, s := range n {
		if strings.HasPrefix(s, name+"#") {
			of++
		}
	}
	n[lock] = fmt.Sprintf("%s#%d", name, of)
	return n[lock]
}

// place is where a stack is, in the code above the locks: the innermost frames.
func place(s *locks.Stack) string {
	frames := Frames(s[:])
	return strings.Join(frames[:min(4, len(frames))], " < ")
}

// Frames are the lines of a stack, innermost first, without those of the locks and
// of this package.
func Frames(pcs []uintptr) (lines []string) {
	n := 0
	for n < len(pcs) && pcs[n] != 0 {
		n++
	}
	frames := runtime.CallersFrames(pcs[:n])
	for more := n > 0; more; {
		var f runtime.Frame
		f, more = frames.Next()
		if !strings.HasPrefix(f.Function, "yolk/") || strings.HasPrefix(f.Function, "yolk/locks.") || strings.HasPrefix(f.Function, "yolk/locks/explore.") {
			continue
		}
		name := f.Function[strings.LastIndexByte(f.Function, '.')+1:]
		lines = append(lines, fmt.Sprintf("%s:%d %s", filepath.Base(f.File), f.Line, name))
	}
	return lines
}
