package mm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// make omissions: each acquisition of a lock in this package is left out in turn, and
// docs/mutants.md says what noticed. First it is found out which scenarios of the
// explorer, and which tests, come by each acquisition; only those run without it.

// reasonsFile says, for acquisitions whose absence nothing notices, why they stay.
const reasonsFile = "testdata/omissions.txt"

// omissionsReport is the committed report.
const omissionsReport = "../docs/mutants.md"

// instrument is a build of the tests that may notice, and what is run of it.
type instrument struct {
	name   string
	tests  bool // runs the tests, not the explorer
	build  []string
	args   []string
	binary string

	schedules int // of all scenarios together
}

// instruments in the order in which they are tried: the cheapest first.
var instruments = []*instrument{
	{name: "checker", build: []string{"-tags", "lockdep"}, schedules: 200},
	{name: "race detector", build: []string{"-race"}, args: []string{"-strategy", "random"}, schedules: 200},
	{name: "explorer", schedules: 1500},
	{name: "test with checker", tests: true, build: []string{"-tags", "lockdep"}, args: []string{"-test.short"}},
	{name: "test with race detector", tests: true, build: []string{"-race"}, args: []string{"-test.short"}},
}

// notWorkloads are tests that run others, or look at the sources.
var notWorkloads = regexp.MustCompile("^(TestExplore|TestSameScheduleTwice|TestOmissions.*|TestFixesAreTested|TestInjectedRules|TestWrongSums|.*Allocates?Nothing)$")

// TestOmissionsReport: the committed report has rows only for acquisitions that there
// are, and a reason for each that nothing noticed; no reason is for one that is gone.
func TestOmissionsReport(t *testing.T) {
	sites := lockSites(t)
	if len(sites) < 100 {
		t.Fatalf("only %d acquisitions found", len(sites))
	}
	reasons := omissionReasons(t)
	text, err := os.ReadFile(omissionsReport)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, line := range strings.Split(string(text), "\n") {
		if f := strings.Split(line, " | "); len(f) == 4 && strings.HasPrefix(line, "| `") {
			rows[f[0]+" | "+f[1]] = f[2] + " | " + f[3]
		}
	}
	for _, s := range sites {
		row, ok := rows[s.row()]
		switch {
		case !ok:
			t.Logf("not tried yet: %s; make omissions does", s.id())
		case strings.HasPrefix(row, "nothing | ") && reasons[s.id()] == "":
			t.Errorf("nothing notices that %s is left out: it wants a scenario, an assertion or a reason in %s", s.id(), reasonsFile)
		}
		delete(rows, s.row())
		delete(reasons, s.id())
	}
	for row := range rows {
		t.Errorf("a row for an acquisition that is gone: %s", row)
	}
	for id := range reasons {
		t.Errorf("%s has a reason for an acquisition that is gone: %s", reasonsFile, id)
	}
}

// omissionReasons reads the file: "file.go function call: why", one a line, # before a remark.
func omissionReasons(t *testing.T) map[string]string {
	text, err := os.ReadFile(reasonsFile)
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	for _, line := range strings.Split(string(text), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		id, why, ok := strings.Cut(line, ": ")
		if !ok || reasons[id] != "" {
			t.Fatalf("%s: %s", reasonsFile, line)
		}
		reasons[id] = why
	}
	return reasons
}

// TestOmissions writes the report, with -omissions.
func TestOmissions(t *testing.T) {
	if !*omissions {
		t.Skip("make omissions runs it")
	}
	sites := lockSites(t)
	dir := t.TempDir()
	for i, tool := range instruments {
		for _, other := range instruments[:i] {
			if slices.Equal(tool.build, other.build) {
				tool.binary = other.binary
			}
		}
		if tool.binary != "" {
			continue
		}
		tool.binary = filepath.Join(dir, fmt.Sprint("mm", i))
		out, err := exec.Command("go", append(append([]string{"test", "-vet=off", "-c", "-o", tool.binary}, tool.build...), ".")...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	for _, tool := range instruments {
		if !tool.tests {
			if what := tool.run("none", []string{"-test.run", "TestExplore", "-schedules", "60"}); what != "" {
				t.Fatalf("the %s complains though nothing was left out: %s", tool.name, what)
			}
		}
	}
	workloads := reachedSites(t, instruments[0].binary, filepath.Join(dir, "reach"))
	report := omissionReport{rows: make([]string, len(sites)), reasons: omissionReasons(t)}
	report.resume(t, sites)
	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.NumCPU() {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range next {
				by, what := tryWithout(sites[i], workloads[sites[i].where])
				report.set(t, i, sites[i], by, what)
			}
		}()
	}
	for i := range sites {
		if report.rows[i] == "" && (*omitOnly == "" || regexp.MustCompile(*omitOnly).MatchString(sites[i].id())) {
			next <- i
		}
	}
	close(next)
	wg.Wait()
}

// workload is what comes by an acquisition.
type workload struct{ scenarios, tests []string }

// reachedSites runs all scenarios and tests once, and returns by place in the source
// who came by.
func reachedSites(t *testing.T, binary, file string) map[string]*workload {
	reached := map[string]*workload{}
	get := func(site string) *workload {
		if reached[site] == nil {
			reached[site] = &workload{}
		}
		return reached[site]
	}
	for _, line := range runReach(t, binary, file, "TestExplore", "-schedules", "60") {
		scene, site, _ := strings.Cut(line, " ")
		get(site).scenarios = append(get(site).scenarios, scene)
	}
	list, err := exec.Command(binary, "-test.list", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(string(list)) {
		if strings.HasPrefix(name, "Test") && !notWorkloads.MatchString(name) {
			for _, line := range runReach(t, binary, file, name, "-test.short") { // none if it fails: it counts what recording allocates
				_, site, _ := strings.Cut(line, " ")
				get(site).tests = append(get(site).tests, name)
			}
		}
	}
	return reached
}

func runReach(t *testing.T, binary, file, test string, args ...string) []string {
	os.Remove(file)
	out, err := exec.Command(binary, append([]string{"-test.run", "^" + test + "$", "-reach", file}, args...)...).CombinedOutput()
	if err != nil {
		t.Logf("%s is no workload: %v\n%s", test, err, out)
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// tryWithout returns the name of what notices that the acquisition is missing, and
// what that says; "nothing" if nothing does.
func tryWithout(s lockSite, w *workload) (by, what string) {
	if w == nil {
		return "nothing", "no scenario and no test comes by"
	}
	for _, tool := range instruments {
		run := []string{"-test.run", "^TestExplore$/^(" + strings.Join(w.scenarios, "|") + ")$"}
		n := len(w.scenarios)
		if tool.tests {
			run, n = []string{"-test.run", "^(" + strings.Join(w.tests, "|") + ")$"}, len(w.tests)
		}
		if n == 0 {
			continue
		}
		if tool.schedules > 0 { // few scenarios can have many
			run = append(run, "-schedules", fmt.Sprint(min(max(tool.schedules/n, 6), 200)))
		}
		if what := tool.run(s.where, run); what != "" {
			return tool.name, what
		}
	}
	return "nothing", ""
}

// run runs what the arguments say without the acquisition, and returns in short what
// came of it; empty if nothing did.
func (tool *instrument) run(site string, run []string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	args := append(append([]string{"-test.timeout", "5m", "-test.failfast", "-events", "0", "-omit", site}, run...), tool.args...)
	out, err := exec.CommandContext(ctx, tool.binary, args...).CombinedOutput()
	if err == nil || bytes.Contains(out, []byte("test timed out")) { // which may be the machine's fault
		return ""
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err.Error()
	}
	return strings.ReplaceAll(verdict(string(out)), "|", "/")
}

var failed = regexp.MustCompile(`--- FAIL: (Test\w+)(?:/(\S+))?`)

// verdict says in a few words what the output of a failed run tells.
func verdict(out string) string {
	where := ""
	for _, m := range failed.FindAllStringSubmatch(out, -1) {
		where = m[1]
		if m[1] == "TestExplore" {
			where = m[2]
		}
		where += ": "
	}
	if _, after, ok := strings.Cut(out, "lockdep: "); ok {
		said, _, _ := strings.Cut(after, "\n")
		return where + said
	}
	if strings.Contains(out, "DATA RACE") {
		return where + "data race"
	}
	if _, after, ok := strings.Cut(out, "\npanic: "); ok {
		said, _, _ := strings.Cut(after, "\n")
		return where + "panic: " + said
	}
	if _, after, ok := strings.Cut(out, "fatal error: "); ok {
		said, _, _ := strings.Cut(after, "\n")
		return where + "fatal error: " + said
	}
	for _, line := range strings.Split(out, "\n") {
		_, said, ok := strings.Cut(strings.TrimSpace(line), "_test.go:")
		if _, said, _ = strings.Cut(said, ": "); ok && !strings.Contains(said, " schedules, ") {
			return where + said
		}
	}
	return where + "it ended itself"
}

// omissionReport is the table, one row for each acquisition that was tried.
type omissionReport struct {
	mu      sync.Mutex
	rows    []string
	reasons map[string]string
}

// resume takes over what a run before caught.
func (r *omissionReport) resume(t *testing.T, sites []lockSite) {
	old, err := os.ReadFile(omissionsReport)
	if err != nil {
		return
	}
	for _, line := range strings.SplitAfter(string(old), "\n") {
		for i, s := range sites {
			if strings.HasPrefix(line, s.row()+" | ") && !strings.Contains(line, "| nothing |") {
				r.rows[i] = line
			}
		}
	}
	t.Logf("%s has some already; remove it to begin anew", omissionsReport)
}

// set adds a row and writes the report, so that a run can be stopped.
func (r *omissionReport) set(t *testing.T, i int, s lockSite, by, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if by == "nothing" && r.reasons[s.id()] != "" {
		what = r.reasons[s.id()]
	}
	r.rows[i] = fmt.Sprintf("%s | %s | %s |\n", s.row(), by, what)
	t.Log(r.rows[i])
	n, tried := map[string]int{}, 0
	for _, row := range r.rows {
		if f := strings.Split(row, " | "); len(f) == 4 {
			n[f[2]]++
			tried++
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `# What notices a lock that is not taken

Written by `+"`make omissions`"+`: each of the %d places in package mm that take a lock is left out in turn, with its release. The
scenarios of the schedule explorer that come by the place run without it: with the lock checker, with the race detector, and as they
are; then, if none of them noticed, the package's tests that come by, with the checker and with the race detector. The first
that notices is named, with what it said. [explorer.md](explorer.md) has more. What is in the table already stays when the command
runs again, but for what nothing noticed; why such a lock is taken nevertheless stands in `+"`mm/testdata/omissions.txt`"+` and in the last column.

Tried %d. With the scenarios the checker noticed %d, the explorer %d, the race detector %d; of the tests, those with the checker %d, with the race
detector %d; nothing noticed %d.

| place | acquisition | noticed by | as |
|---|---|---|---|
`, len(r.rows), tried, n["checker"], n["explorer"], n["race detector"],
		n["test with checker"], n["test with race detector"], n["nothing"])
	for _, row := range r.rows {
		b.WriteString(row)
	}
	if err := os.WriteFile(omissionsReport, b.Bytes(), 0o644); err != nil {
		t.Error(err)
	}
}
