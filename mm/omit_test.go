package mm

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"yolk/locks"
	"yolk/locks/explore"
)

// Does anything notice when a lock is not taken? Each acquisition in this package
// is left out in turn (-omit, a line of the source), and the explorer is run: in the
// ordinary build, with the lock checker, with the race detector.

var (
	omitSite  = flag.String("omit", "", "leave out the acquisition at file.go:line, with its release")
	omissions = flag.String("omissions", "", "leave each acquisition out in turn and write the report to this file (make omissions)")
)

// lockWrappers take a lock for their caller, whose line is the one that counts.
var lockWrappers = map[string]bool{
	"vmlistAccessLock": true, "vmlistModifyLock": true, "lockVMAMappings": true, "LockShm": true, "LockPage": true, "TryLockPage": true,
}

func TestMain(m *testing.M) {
	flag.Parse()
	if *omitSite != "" {
		locks.Omit(omitter(*omitSite))
	}
	os.Exit(m.Run())
}

// omitter says of a stack whether it leads from the site. What it found for some
// return addresses it keeps.
func omitter(site string) func([]uintptr) bool {
	var known sync.Map
	return func(pcs []uintptr) bool {
		key := [4]uintptr(pcs[:4])
		if v, ok := known.Load(key); ok {
			return v.(bool)
		}
		is := false
		for _, f := range explore.Frames(pcs) {
			where, name, _ := strings.Cut(f, " ")
			if !lockWrappers[name] {
				is = where == site
				break
			}
		}
		known.Store(key, is)
		return is
	}
}

// lockSite is one acquisition in the source.
type lockSite struct{ where, in, call string }

// row is the beginning of its row in the report.
func (s lockSite) row() string { return fmt.Sprintf("| %s %s | `%s` |", s.where, s.in, s.call) }

// lockSites lists them.
func lockSites(t *testing.T) (sites []lockSite) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "inject") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil || lockWrappers[fn.Name.Name] {
				continue
			}
			ast.Inspect(fn.Body, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					if s := lockCall(call); s != "" {
						where := fmt.Sprintf("%s:%d", name, fset.Position(call.Pos()).Line)
						sites = append(sites, lockSite{where, fn.Name.Name, s})
					}
				}
				return true
			})
		}
	}
	return sites
}

// lockCall is the text of a call that takes a lock, or empty.
func lockCall(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		if lockWrappers[f.Name] {
			return f.Name
		}
	case *ast.SelectorExpr:
		of := exprText(f.X)
		switch f.Sel.Name {
		case "Lock", "TryLock", "RLock", "LockKernel":
			return of + "." + f.Sel.Name
		}
	}
	return ""
}

func exprText(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return exprText(e.X) + "." + e.Sel.Name
	}
	return "?"
}

// instrument is a build of the tests that may notice.
type instrument struct {
	name, binary string
	build, args  []string
}

// TestOmissions leaves each acquisition out. Without -omissions it only makes sure
// that the sites are found.
func TestOmissions(t *testing.T) {
	sites := lockSites(t)
	if len(sites) < 100 {
		t.Fatalf("only %d acquisitions found", len(sites))
	}
	if *omissions == "" {
		return
	}
	dir := t.TempDir()
	tools := []instrument{
		{name: "explorer", args: []string{"-schedules", "15"}},
		{name: "checker", build: []string{"-tags", "lockdep"}, args: []string{"-schedules", "4"}},
		{name: "race detector", build: []string{"-race"}, args: []string{"-strategy", "random", "-schedules", "3"}},
	}
	for i := range tools {
		tools[i].binary = filepath.Join(dir, fmt.Sprint("mm", i))
		out, err := exec.Command("go", append(append([]string{"test", "-vet=off", "-c", "-o", tools[i].binary}, tools[i].build...), ".")...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if what := tools[i].run("none"); what != "" {
			t.Fatalf("the %s complains though nothing was left out: %s", tools[i].name, what)
		}
	}
	report := omissionReport{rows: make([]string, len(sites))}
	report.resume(t, sites)
	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.NumCPU() {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range next {
				by, what := "nothing", ""
				for _, tool := range tools {
					if what = tool.run(sites[i].where); what != "" {
						by = tool.name
						break
					}
				}
				report.set(t, i, fmt.Sprintf("%s %s | %s |\n", sites[i].row(), by, what))
			}
		}()
	}
	for i := range sites {
		if report.rows[i] == "" {
			next <- i
		}
	}
	close(next)
	wg.Wait()
}

// run runs the explorer without the acquisition, and returns in short what came of
// it; empty if nothing did.
func (tool *instrument) run(site string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, tool.binary, append([]string{"-test.run", "TestExplore", "-test.timeout", "60s", "-events", "0", "-omit", site}, tool.args...)...)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return ""
	}
	if bytes.Contains(out, []byte("DATA RACE")) {
		return "data race"
	}
	if bytes.Contains(out, []byte("test timed out")) {
		return "no end"
	}
	text := string(out)
	if _, after, ok := strings.Cut(text, "\npanic: "); ok {
		text, _, _ = strings.Cut(after, "\n")
		return "panic: " + strings.ReplaceAll(text, "|", "/")
	}
	scene := ""
	if _, after, ok := strings.Cut(text, "--- FAIL: TestExplore/"); ok {
		scene, _, _ = strings.Cut(after, " ")
	}
	schedule, failure := "", "it ended itself"
	for _, line := range strings.Split(text, "\n") {
		_, said, ok := strings.Cut(strings.TrimSpace(line), "explore_test.go:")
		if !ok {
			continue
		}
		_, said, _ = strings.Cut(said, ": ")
		if before, _, stats := strings.Cut(said, " schedules"); stats {
			schedule = before // strategy and number
		} else {
			failure = said
			break
		}
	}
	return fmt.Sprintf("%s, %s: %s", scene, schedule, strings.ReplaceAll(failure, "|", "/"))
}

// omissionReport is the table, one row for each site that was tried.
type omissionReport struct {
	mu   sync.Mutex
	rows []string
}

// resume takes over what a run before caught, at places that are where they were.
func (r *omissionReport) resume(t *testing.T, sites []lockSite) {
	old, err := os.ReadFile(*omissions)
	if err != nil {
		return
	}
	for _, line := range strings.SplitAfter(string(old), "\n") {
		for i, s := range sites {
			if strings.HasPrefix(line, s.row()) && !strings.Contains(line, "| nothing |") {
				r.rows[i] = line
			}
		}
	}
	t.Logf("%s has some already; remove it to begin anew", *omissions)
}

// set adds a row and writes the report, so that a run can be stopped.
func (r *omissionReport) set(t *testing.T, i int, row string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t.Log(row)
	r.rows[i] = row
	n, tried := map[string]int{}, 0
	for _, row := range r.rows {
		if f := strings.Split(row, "|"); len(f) > 3 {
			n[strings.TrimSpace(f[3])]++
			tried++
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `# What notices a lock that is not taken

Written by `+"`make omissions`"+`: each of the %d places in package mm that take a lock is left out in turn, with its release,
and the explorer runs a few schedules of each scenario: first as they are, then with the lock checker, then with the race detector. The
first that notices is named, with what it said. [explorer.md](explorer.md) has more. What is in the table already stays when the command
runs again, but for what nothing noticed.

Tried %d: the explorer noticed %d, the checker %d, the race detector %d, nothing %d.

| place | acquisition | noticed by | as |
|---|---|---|---|
`, len(r.rows), tried, n["explorer"], n["checker"], n["race detector"], n["nothing"])
	for _, row := range r.rows {
		b.WriteString(row)
	}
	if err := os.WriteFile(*omissions, b.Bytes(), 0o644); err != nil {
		t.Error(err)
	}
}
