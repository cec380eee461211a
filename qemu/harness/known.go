package harness

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Known names tests that do not pass yet, and says why.
type Known map[string]string

// notRun begins the reason of a case that its program is not to run.
const notRun = "not run: "

// Skips reports whether a whole test is not to be run.
func (k Known) Skips(test string) bool { return strings.HasPrefix(k[test], notRun) }

// NotRun returns the cases of a test that its program is not to run, sorted, by their
// names below the test's.
func (k Known) NotRun(test string) (cases []string) {
	for name, reason := range k {
		if c, ok := strings.CutPrefix(name, test+"/"); ok && strings.HasPrefix(reason, notRun) {
			cases = append(cases, c)
		}
	}
	slices.Sort(cases)
	return cases
}

// ReadKnown reads a list of lines "NAME: reason". Empty lines and those that begin
// with # are left out.
func ReadKnown(r io.Reader) (Known, error) {
	k := Known{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		name, reason, ok := strings.Cut(line, ": ")
		if _, twice := k[name]; !ok || twice || strings.TrimSpace(reason) == "" {
			return nil, fmt.Errorf("line %d: want one line \"NAME: reason\" for each name", n)
		}
		k[name] = reason
	}
	return k, lines.Err()
}

// apply turns a failure that is known into a skipped test, and a known one that
// passes into a failure.
func (k Known) apply(r Result) Result {
	reason, ok := k[r.Name]
	switch {
	case !ok:
	case r.Verdict == Failed:
		r.Verdict, r.Note = Skipped, "known: "+reason
	case r.Verdict == Passed:
		r.Verdict, r.Note = Failed, "it passes: take it out of the list of those that do not ("+reason+")"
	}
	return r
}
