//go:build !yolk

package explore

import (
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Config says which schedules of a scenario to run.
type Config struct {
	Strategy  string // random, pct, exhaustive or replay
	Seed      uint64 // of the first schedule; each next one counts it up
	Schedules int    // how many; for exhaustive, at most how many (0: all)
	Bound     int    // pct: depth; exhaustive: preemptions
	Choices   string // replay: as Found.Choices has them
}

// Stats are the sums of a search.
type Stats struct {
	Schedules, Distinct int
	Steps, Switches     int
	Complete            bool // exhaustive: there are no others within the bound
	Elapsed             time.Duration
}

func (s Stats) String() string {
	all := ""
	if s.Complete {
		all = " (all)"
	}
	n := max(s.Schedules, 1)
	return fmt.Sprintf("%d schedules%s, %d distinct, %d steps and %d switches a schedule, %v", s.Schedules, all, s.Distinct,
		s.Steps/n, s.Switches/n, s.Elapsed.Round(time.Millisecond))
}

// Found is a schedule that broke something.
type Found struct {
	Outcome
	Config  Config // which gives this schedule first
	Choices string
}

// Search runs schedules of a scenario until one fails. build makes a fresh machine
// for each.
func Search(build func() Scenario, c Config) (found *Found, st Stats) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // one task runs at a time, and hands over faster so
	begun := time.Now()
	seen := map[uint64]bool{}
	defer func() { st.Distinct, st.Elapsed = len(seen), time.Since(begun) }()
	length := 1
	if c.Strategy == "pct" {
		length = Run(build(), NewReplay(nil)).Decisions // what the default takes
	}
	next := c.strategies(length)
	for {
		s := next(st.Schedules)
		if s == nil || c.Schedules > 0 && st.Schedules == c.Schedules {
			st.Complete = s == nil
			return nil, st
		}
		o := Run(build(), s)
		st.Schedules++
		st.Steps += o.Steps
		st.Switches += o.Switches
		seen[o.Hash] = true
		if o.Failure != "" {
			at := c
			at.Seed, at.Schedules = c.Seed+uint64(st.Schedules-1), 1
			return &Found{Outcome: o, Config: at, Choices: FormatChoices(o.Choices)}, st
		}
	}
}

// strategies returns what gives the strategy of the n-th schedule, or nil after
// the last. length is how many steps a schedule has, about.
func (c Config) strategies(length int) func(n int) Strategy {
	switch c.Strategy {
	case "random":
		return func(n int) Strategy { return NewRandom(c.Seed + uint64(n)) }
	case "pct":
		return func(n int) Strategy { return NewPCT(c.Seed+uint64(n), c.Bound, length) }
	case "exhaustive":
		s := NewExhaustive(c.Bound)
		return func(int) Strategy {
			if s.Done {
				return nil
			}
			return s
		}
	case "replay":
		return func(n int) Strategy {
			if n > 0 {
				return nil
			}
			return NewReplay(ParseChoices(c.Choices))
		}
	}
	panic("explore: no strategy " + c.Strategy)
}

// Report writes what is known of a failure.
func (f *Found) Report(w io.Writer, events int) {
	fmt.Fprintf(w, "%s\n", f.Failure)
	fmt.Fprintf(w, "  strategy %s, seed %d, bound %d, %d steps, %d switches\n", f.Config.Strategy, f.Config.Seed, f.Config.Bound, f.Steps, f.Switches)
	f.WriteTrace(w, events)
}

// FormatChoices writes choices as decision:task, separated by commas.
func FormatChoices(choices []Choice) string {
	var b strings.Builder
	for i, c := range choices {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%d:%d", c.Decision, c.Task)
	}
	return b.String()
}

// ParseChoices is the inverse; what it does not understand it leaves out.
func ParseChoices(s string) (choices []Choice) {
	for _, f := range strings.Split(s, ",") {
		step, task, ok := strings.Cut(f, ":")
		a, e1 := strconv.Atoi(step)
		b, e2 := strconv.Atoi(task)
		if ok && e1 == nil && e2 == nil {
			choices = append(choices, Choice{a, b})
		}
	}
	return choices
}
