package guest

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yolk/qemu/harness"
	"yolk/qemu/harness/wire"
)

// TestHarness: of the tests in one guest that panics, only the one that it happened in
// fails, with the oops; so does one that takes too long. All others are run.
func TestHarness(t *testing.T) {
	inguest := filepath.Join(t.TempDir(), "inguest")
	build := exec.Command("go", "build", "-o", inguest, "./qemu/harness/inguest")
	build.Dir, build.Env = top, append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	box := busybox.build(t)
	h := &harness.Harness{Yolk: filepath.Join(top, "bin", "yolk"), InGuest: inguest, Grace: time.Minute,
		Flags: []string{"-accel", "tcg", "-append", "crash=nil:doomed", "-file", box + ":/bin/sh", "-file", box + ":/bin/sleep", "-file", box + ":/bin/doomed"}}
	test := func(name, script string) harness.Test {
		return harness.Test{Name: name, Test: wire.Test{Argv: []string{"/bin/sh", "-c", script}, Limit: 20 * time.Second}}
	}
	group := harness.Group{Tests: []harness.Test{test("before", "exit 0"), test("panics", "exec /bin/doomed"), test("between", "exit 0"),
		test("sleeps", "sleep 1000"), test("after", "exit 0")}}
	group.Tests[3].Limit = time.Second
	got := map[string]harness.Result{}
	if err := h.Run(t.Context(), []harness.Group{group}, 1, func(r harness.Result) { got[r.Name] = r }); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"before", "between", "after"} {
		if r, ok := got[name]; !ok || r.Verdict != harness.Passed {
			t.Errorf("%s: %+v", name, r)
		}
	}
	for name, notes := range map[string][]string{
		"panics": {"the kernel panicked", "oops: runtime error: invalid memory address", "kernel/crash.go"},
		"sleeps": {"it was ended after 1s"},
	} {
		r := got[name]
		for _, note := range notes {
			if r.Verdict != harness.Failed || !strings.Contains(r.Note, note) {
				t.Errorf("%s: no %q in %+v", name, note, r)
			}
		}
	}
}
