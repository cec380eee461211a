package harness

import (
	"fmt"
	"io"
	"sort"
	"strings"
	"time"

	"github.com/jstemmer/go-junit-report/v2/junit"
)

// Report collects results. Of each it writes a line of TAP at once, if it was
// given somewhere to.
type Report struct {
	Known Known
	TAP   io.Writer // may be nil

	results []Result
	counts  [3]int // by verdict
}

// Add takes in one result, and returns it as the list of known failures has it.
func (r *Report) Add(one Result) Result {
	one = r.Known.apply(one)
	r.results = append(r.results, one)
	r.counts[one.Verdict]++
	if r.TAP == nil {
		return one
	}
	word, directive := "ok", ""
	switch one.Verdict {
	case Failed:
		word = "not ok"
		for _, line := range strings.Split(strings.TrimRight(one.Note, "\n"), "\n") {
			fmt.Fprintf(r.TAP, "# %s\n", line)
		}
	case Skipped:
		first, _, _ := strings.Cut(one.Note, "\n")
		directive = " # SKIP " + first
	}
	fmt.Fprintf(r.TAP, "%s %d - %s%s\n", word, len(r.results), one.Name, directive)
	return one
}

// Close ends the TAP.
func (r *Report) Close() {
	if r.TAP != nil {
		fmt.Fprintf(r.TAP, "1..%d\n", len(r.results))
	}
}

// Failed says whether anything did.
func (r *Report) Failed() bool { return r.counts[Failed] > 0 }

// Summary is one line, in words that readers of test logs know.
func (r *Report) Summary() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", r.counts[Passed], r.counts[Failed], r.counts[Skipped])
}

// WriteJUnit writes the results as JUnit's XML, one suite for each first part of a
// name.
func (r *Report) WriteJUnit(w io.Writer) error {
	bySuite := map[string]*junit.Testsuite{}
	took := map[string]time.Duration{}
	for _, one := range r.results {
		suite, name, _ := strings.Cut(one.Name, "/")
		s := bySuite[suite]
		if s == nil {
			s = &junit.Testsuite{Name: suite}
			bySuite[suite] = s
		}
		took[suite] += one.Took
		c := junit.Testcase{Name: name, Classname: suite, Time: seconds(one.Took)}
		first, _, _ := strings.Cut(one.Note, "\n")
		note := &junit.Result{Message: printable(first), Data: printable(one.Note)}
		switch one.Verdict {
		case Failed:
			c.Failure = note
		case Skipped:
			c.Skipped = note
		}
		s.AddTestcase(c)
	}
	names := make([]string, 0, len(bySuite))
	for name := range bySuite {
		names = append(names, name)
	}
	sort.Strings(names)
	var all junit.Testsuites
	for i, name := range names {
		bySuite[name].ID, bySuite[name].Time = i, seconds(took[name])
		all.AddSuite(*bySuite[name])
	}
	return all.WriteXML(w)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

// printable replaces what XML cannot hold, not even escaped.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' && c != '\n' && c != '\t' || c == 0xfffe || c == 0xffff {
			return '\ufffd'
		}
		return c
	}, strings.ToValidUTF8(s, "\ufffd"))
}
