package harness

import (
	"context"
	"time"

	"yolk/qemu/harness/wire"
)

// Test is one program to run in a guest, and what is expected of it.
type Test struct {
	Name string // unique; "group/what"
	wire.Test
	Expect Expect
	// Cases, if set, finds in the output what the program itself reports. Such a
	// program has the status 0 if none of its cases fails. It also says whether the
	// program got to the end of them.
	Cases func(stdout string) (cases []Case, complete bool)
}

// Expect is a test's expected end.
type Expect struct {
	Status int
	Out    *string // all of stdout; nil: any
}

// Case is one of several that a single program reports.
type Case struct {
	Name    string // below the test's
	Verdict Verdict
	Note    string
}

// Verdict of one test or case.
type Verdict uint8

const (
	Passed Verdict = iota
	Failed
	Skipped
)

// Result of a test or case.
type Result struct {
	Name    string
	Case    bool // one of several of a test; it has no time of its own
	Verdict Verdict
	Note    string // why it failed or was skipped
	Took    time.Duration
}

// Group is a kind of guest and the tests to run in it.
type Group struct {
	Name  string
	Flags []string // of bin/yolk
	Tests []Test
}

// Harness is where guests come from.
type Harness struct {
	Yolk    string        // the command that boots one
	InGuest string        // the program inguest, for the guest
	Flags   []string      // for every guest, before the group's
	Grace   time.Duration // for a guest to say that a test's time has passed, before it is taken to hang
}

// Run runs the groups' tests in at most guests guests at a time, and hands over
// each result as it is known. Cancelling the context ends all guests; what has not
// been run by then has no result. The error is for a machine that can't be had.
func (h *Harness) Run(ctx context.Context, groups []Group, guests int, done func(Result)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan Group)
	results := make(chan Result)
	ended := make(chan struct{})
	for range guests {
		go func() {
			for g := range next {
				if err := h.runGroup(ctx, g, results); err != nil {
					cancel(err)
				}
			}
			ended <- struct{}{}
		}()
	}
	go func() {
		defer close(next)
		for _, g := range groups {
			select {
			case next <- g:
			case <-ctx.Done():
				return
			}
		}
	}()
	for running := guests; running > 0; {
		select {
		case r := <-results:
			done(r)
		case <-ended:
			running--
		}
	}
	return context.Cause(ctx)
}

// runGroup boots until each of the group's tests has been run.
func (h *Harness) runGroup(ctx context.Context, g Group, results chan<- Result) error {
	for rest := g.Tests; len(rest) > 0; {
		b := &boot{tests: rest, grace: h.Grace, results: results}
		if err := b.run(ctx, h, g.Flags); err != nil {
			return err
		}
		rest = rest[b.finished:]
	}
	return nil
}
