package harness

import (
	"fmt"
	"regexp"
	"strings"

	"yolk/qemu/harness/wire"
)

// judge turns the end of a test into its result, or into one for each of the
// cases that it reported and one for the whole.
func (t *Test) judge(e wire.Event, out, errOut string) []Result {
	whole := Result{Name: t.Name}
	fail := func(format string, a ...any) {
		whole.Verdict = Failed
		whole.Note += fmt.Sprintf(format, a...) + "\n"
	}
	switch {
	case e.Reason != "":
		fail("it could not be run: %s", e.Reason)
	case e.TimedOut:
		fail("it was ended after %v", t.Limit)
	}
	var results []Result
	failed := false
	if t.Cases != nil {
		cases, complete := t.Cases(out)
		for _, c := range cases {
			failed = failed || c.Verdict == Failed
			results = append(results, Result{Name: t.Name + "/" + c.Name, Case: true, Verdict: c.Verdict, Note: c.Note})
		}
		if !complete && whole.Verdict == Passed {
			fail("it ended after %d cases, with status %d, and had not run all", len(cases), e.Status)
		}
	}
	// With a failed case the status is that case's.
	if want := t.Expect.Status; e.Status != want && !failed && whole.Verdict == Passed {
		fail("status %d, want %d", e.Status, want)
	}
	if want := t.Expect.Out; want != nil && out != *want {
		fail("stdout is not what was expected:\n%s", difference(out, *want))
	}
	if whole.Verdict == Failed {
		whole.Note += output(out, errOut)
	}
	return append(results, whole)
}

// difference shows the first line in which two texts differ.
func difference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			expected := "the end"
			if i < len(w) {
				expected = fmt.Sprintf("%q", w[i])
			}
			return fmt.Sprintf("line %d is %q, want %s", i+1, g[i], expected)
		}
	}
	return fmt.Sprintf("it ends before %q", w[len(g)])
}

var goEnd = regexp.MustCompile(`\n(PASS|FAIL)\n$`)

var goCase = regexp.MustCompile(`(?m)^--- (PASS|FAIL|SKIP): (\S+) \(.*\)$`)

// GoCases finds the top-level tests and examples that a test binary of Go's,
// run with -test.v, reports. The notes are what such a binary prints about a case,
// which can stand before or after its verdict.
func GoCases(stdout string) (cases []Case, complete bool) {
	at := goCase.FindAllStringSubmatchIndex(stdout, -1)
	end := 0
	for i, m := range at {
		next := len(stdout)
		if i+1 < len(at) {
			next = at[i+1][0]
		}
		c := Case{Name: stdout[m[4]:m[5]]}
		switch stdout[m[2]:m[3]] {
		case "FAIL":
			c.Verdict = Failed
			c.Note = tail(stdout[end:next])
		case "SKIP":
			c.Verdict = Skipped
			c.Note, _, _ = strings.Cut(strings.TrimSpace(stdout[m[1]:next]), "\n")
		}
		end = m[1]
		cases = append(cases, c)
	}
	return cases, goEnd.MatchString(stdout)
}
