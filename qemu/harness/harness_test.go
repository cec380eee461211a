package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"yolk/qemu/harness/wire"
)

// The test binary also plays bin/yolk and the guest: it "runs" a test by doing
// what its Argv says.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "yolk" {
		fakeYolk(os.Args[1:])
	}
	os.Exit(m.Run())
}

func fakeYolk(args []string) {
	var tests []wire.Test
	log := ""
	for i, a := range args[1:] {
		switch args[i] {
		case "-file":
			name, _, _ := strings.Cut(a, ":")
			data, err := os.ReadFile(name)
			if err != nil || json.Unmarshal(data, &tests) != nil {
				os.Exit(2)
			}
		case "-log":
			log = a
		}
	}
	say := func(e wire.Event) { _ = json.NewEncoder(os.Stdout).Encode(e) }
	for i, t := range tests {
		if t.Argv[0] == "no-boot" {
			os.Exit(125)
		}
		say(wire.Event{Test: i, Started: true})
		end := wire.Event{Test: i, Ended: true}
		switch t.Argv[0] {
		case "out":
			say(wire.Event{Test: i, Out: []byte(t.Argv[1])})
		case "status":
			end.Status = 3
		case "slow":
			end.TimedOut, end.Status = true, 137
		case "missing":
			end.Reason = "no such file"
		case "panic":
			_ = os.WriteFile(log, []byte("oops: it broke\n"), 0o600)
			os.Exit(125)
		case "hang":
			quit := make(chan os.Signal, 1)
			signal.Notify(quit, syscall.SIGQUIT)
			<-quit
			_ = os.WriteFile(log, []byte("goroutine 1 waits\n"), 0o600)
			os.Exit(131)
		}
		say(end)
	}
	os.Exit(0)
}

// newHarness is one whose guests are fakeYolk's.
func newHarness(t *testing.T) *Harness {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	yolk := filepath.Join(t.TempDir(), "yolk")
	if err := os.Symlink(self, yolk); err != nil {
		t.Fatal(err)
	}
	return &Harness{Yolk: yolk, InGuest: "inguest", Grace: 200 * time.Millisecond}
}

func does(name string, argv ...string) Test {
	return Test{Name: name, Test: wire.Test{Argv: argv, Limit: 100 * time.Millisecond}}
}

func out(text string) Expect { return Expect{Out: &text} }

// A panic and a hang fail one test each; those after them run in a fresh boot.
func TestRun(t *testing.T) {
	goTest := does("g/go", "out", "=== RUN TestA\n--- PASS: TestA (0.00s)\n    x.go:1: bad\n--- FAIL: TestB (0.01s)\n--- SKIP: TestC (0.00s)\n    x.go:2: no net\nFAIL\n")
	goTest.Cases = GoCases
	torn := does("g/torn", "out", "--- PASS: TestA (0.00s)\n")
	torn.Cases = GoCases
	right, wrong := does("a/right", "out", "yes\n"), does("a/wrong", "out", "yes\nno\n")
	right.Expect, wrong.Expect = out("yes\n"), out("yes\nyes\n")
	groups := []Group{
		{Name: "a", Tests: []Test{right, does("a/panic", "panic"), wrong, does("a/status", "status")}},
		{Name: "b", Tests: []Test{does("b/hang", "hang"), does("b/hang2", "hang"), does("b/slow", "slow"), does("b/missing", "missing"), does("b/fine", "fine")}},
		{Name: "g", Tests: []Test{goTest, torn}},
	}
	results := map[string]Result{}
	err := newHarness(t).Run(context.Background(), groups, 2, func(r Result) {
		if _, twice := results[r.Name]; twice {
			t.Errorf("%s has two results", r.Name)
		}
		results[r.Name] = r
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		verdict Verdict
		note    string
	}{
		"a/right": {Passed, ""}, "a/panic": {Failed, "the kernel panicked\n--- kernel's log:\noops: it broke"},
		"a/wrong": {Failed, `line 2 is "no", want "yes"`}, "a/status": {Failed, "status 3, want 0"},
		"b/hang": {Failed, "the guest hung\n--- kernel's log:\ngoroutine 1 waits"}, "b/hang2": {Failed, "hung"},
		"b/slow": {Failed, "it was ended after 100ms"}, "b/missing": {Failed, "no such file"}, "b/fine": {Passed, ""},
		"g/go": {Passed, ""}, "g/go/TestA": {Passed, ""}, "g/go/TestB": {Failed, "x.go:1: bad"}, "g/go/TestC": {Skipped, "x.go:2: no net"},
		"g/torn": {Failed, "had not run all"}, "g/torn/TestA": {Passed, ""},
	} {
		got, ok := results[name]
		if !ok || got.Verdict != want.verdict || !strings.Contains(got.Note, want.note) {
			t.Errorf("%s: %v, %+v", name, ok, got)
		}
		delete(results, name)
	}
	for name := range results {
		t.Errorf("%s: a result for nothing", name)
	}
}

// A guest that can't be had at all ends the run.
func TestNoGuest(t *testing.T) {
	groups := []Group{{Tests: []Test{does("a", "no-boot"), does("b", "no-boot")}}, {Tests: []Test{does("c", "no-boot")}}}
	err := newHarness(t).Run(context.Background(), groups, 1, func(r Result) { t.Errorf("%+v", r) })
	if err == nil || !strings.Contains(err.Error(), "before its first test") {
		t.Errorf("error %v", err)
	}
}

func TestReport(t *testing.T) {
	known, err := ReadKnown(strings.NewReader("# why\n\na/known: no sockets\na/mended: it was slow\n"))
	if err != nil {
		t.Fatal(err)
	}
	var tap, xmlText bytes.Buffer
	r := &Report{Known: known, TAP: &tap}
	for _, one := range []Result{{Name: "a/known", Verdict: Failed}, {Name: "a/mended"}, {Name: "b/c/d", Took: time.Second}, {Name: "a/bad", Verdict: Failed, Note: "it said \x1b]]>\xff"}} {
		r.Add(one)
	}
	r.Close()
	if !r.Failed() || r.Summary() != "1 passed, 2 failed, 1 skipped" {
		t.Error(r.Summary())
	}
	want := "ok 1 - a/known # SKIP known: no sockets\n# it passes: take it out of the list of those that do not (it was slow)\n" +
		"not ok 2 - a/mended\nok 3 - b/c/d\n# it said \x1b]]>\xff\nnot ok 4 - a/bad\n1..4\n"
	if tap.String() != want {
		t.Errorf("TAP:\n%s", tap.String())
	}
	if err := r.WriteJUnit(&xmlText); err != nil {
		t.Fatal(err)
	}
	var read struct {
		Tests, Failures int `xml:",attr"`
	}
	text := strings.NewReplacer("tests=", "Tests=", "failures=", "Failures=").Replace(xmlText.String())
	if err := xml.Unmarshal([]byte(text), &read); err != nil || read.Tests != 4 || read.Failures != 2 {
		t.Errorf("%v %+v\n%s", err, read, xmlText.String())
	}
}

func TestNotRun(t *testing.T) {
	known, err := ReadKnown(strings.NewReader("a/b/two: not run: slow\na/b/one: not run: slow\na/b/three: it fails\na/bc/four: not run: slow\n"))
	if got := known.NotRun("a/b"); err != nil || !slices.Equal(got, []string{"one", "two"}) {
		t.Error(got, err)
	}
	if got := known.NotRun("a/c"); got != nil {
		t.Error(got)
	}
	if !known.Skips("a/b/one") || known.Skips("a/b/three") || known.Skips("a/b") {
		t.Error("the wrong tests are left out")
	}
}

func TestBadKnown(t *testing.T) {
	for _, text := range []string{"a\n", "a: \n", "a: x\na: y\n"} {
		if k, err := ReadKnown(strings.NewReader(text)); err == nil {
			t.Errorf("%q gives %v", text, k)
		}
	}
}
