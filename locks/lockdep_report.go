//go:build lockdep

package locks

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync/atomic"
	"unsafe"
)

var reporter atomic.Pointer[func(string)]

// SetReporter sets where reports go. The default panics.
func SetReporter(f func(report string)) { reporter.Store(&f) }

// finding is what a report is about.
type finding struct {
	rule   string
	held   *heldLock      // the lock that stands in the way, or nil
	wanted Class          // the class that was to be taken, or NoClass
	lock   *depLock       // a lock that should be held, or nil
	at     unsafe.Pointer // its address
}

// violation reports that taking wanted, or what format says, goes against the
// held lock h.
func (c *Context) violation(rule string, h *heldLock, wanted Class, format string, args ...any) {
	c.report(finding{rule: rule, held: h, wanted: wanted}, format, args...)
}

// report builds and delivers a report: what was done here, the lock that it
// conflicts with, where that lock's class was ever taken inside the wanted class,
// where a lock that is missing was let go, and what else is held.
func (c *Context) report(about finding, format string, args ...any) {
	rule, h, wanted := about.rule, about.held, about.wanted
	c.dep.reporting = true
	defer func() { c.dep.reporting = false }()
	graph.violations.Add(1)
	var here stack
	fpcallers(&here)

	var b bytes.Buffer
	title := "rule " + rule + " broken"
	switch rule {
	case "order":
		title = "lock order broken"
	case "guard":
		title = "unguarded"
	}
	fmt.Fprintf(&b, "lockdep: %s: ", title)
	fmt.Fprintf(&b, format, args...)
	fmt.Fprintf(&b, "\n%s is here:\n", c.describe())
	here.write(&b)
	if h != nil {
		fmt.Fprintf(&b, "%s (%p) was taken here:\n", h.class, h.instance)
		h.at.write(&b)
	}
	if h == nil && about.lock != nil && about.lock.released[0] != 0 {
		fmt.Fprintf(&b, "%s (%p) was last released here:\n", about.lock.cls, about.at)
		about.lock.released.write(&b)
	}
	if h != nil && h.class != wanted {
		graph.writeOpposite(&b, wanted, h.class)
	}
	c.writeHeld(&b, h)
	if f := reporter.Load(); f != nil && *f != nil {
		(*f)(b.String())
		return
	}
	panic(b.String())
}

func (c *Context) describe() string {
	if c.Name == "" {
		return fmt.Sprintf("goroutine %#x", c.g)
	}
	return c.Name
}

// writeOpposite shows where inner was first taken while outer was held.
func (g *depGraph) writeOpposite(b *bytes.Buffer, outer, inner Class) {
	e := g.seen(outer, inner)
	if e == nil || outer == NoClass {
		return
	}
	fmt.Fprintf(b, "the opposite order was first seen when %s was taken here:\n", outer)
	e.outer.write(b)
	fmt.Fprintf(b, "and then %s here:\n", inner)
	e.inner.write(b)
}

// writeHeld lists the other locks held, outermost first.
func (c *Context) writeHeld(b *bytes.Buffer, except *heldLock) {
	for i := range c.dep.n {
		h := &c.dep.held[i]
		if h == except {
			continue
		}
		fmt.Fprintf(b, "also held: %s (%p), taken here:\n", h.class, h.instance)
		h.at.write(b)
	}
}

// write lists the calls of a stack but for those of this package.
func (s *stack) write(w io.Writer) {
	for _, pc := range s {
		if pc == 0 {
			return
		}
		f := runtime.FuncForPC(pc - 1)
		if f == nil {
			fmt.Fprintf(w, "\t%#x\n", pc)
			continue
		}
		file, line := f.FileLine(pc - 1)
		name := f.Name()
		// FuncForPC names the innermost inlined function, but with the
		// entry address of the one that it was inlined into.
		if outer := runtime.FuncForPC(f.Entry()); outer != nil && outer.Name() != name {
			name += " in " + outer.Name()
		}
		if !ownFrame(name, file) {
			fmt.Fprintf(w, "\t%s\n\t\t%s:%d\n", name, file, line)
		}
	}
}

// ownFrame reports whether a call is one of the locks themselves.
func ownFrame(name, file string) bool {
	return strings.Contains(name, "yolk/locks.") && !strings.HasSuffix(file, "_test.go")
}

// WriteLockdep writes the text of /proc/lockdep: each class with how often it was
// taken, how many classes were seen inside (FD) and outside (BD) it, and those
// seen inside, in the manner of Linux.
func WriteLockdep(w io.Writer) {
	fmt.Fprintf(w, "all lock classes:\n")
	for i := Class(1); i < numClasses; i++ {
		var forward, backward int
		for j := Class(1); j < numClasses; j++ {
			if graph.seen(i, j) != nil {
				forward++
			}
			if graph.seen(j, i) != nil {
				backward++
			}
		}
		fmt.Fprintf(w, "%02d OPS:%9d FD:%3d BD:%3d: %s\n", i, graph.taken[i].Load(), forward, backward, i)
		for j := Class(1); j < numClasses; j++ {
			if graph.seen(i, j) != nil {
				fmt.Fprintf(w, " -> [%02d] %s\n", j, j)
			}
		}
	}
	fmt.Fprintf(w, "\nviolations: %d\n", graph.violations.Load())
}
