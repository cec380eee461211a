package guest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var bench = source{"nolibc", "bench", []string{"bench/*.c"}}

// TestBench runs a tenth of make bench: every row that the sources name must have a
// time, whatever it is.
func TestBench(t *testing.T) {
	for _, r := range []struct {
		name  string
		m     machine
		flags []string
		args  []string
		files []string // of the rows
	}{
		{"icount", machine{cpus: 1}, []string{"-icount", "-m", "128M"}, []string{"quick", "noswap"}, []string{"vm.c", "tasks.c"}},
		{"swap", machine{cpus: 2}, []string{"-m", "32M"}, []string{"quick", "area=48", "swap"}, []string{"swap.c"}},
	} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			got := boot(t, r.m, r.flags, "", bench.build(t), r.args...)
			run{out: []string{"\ndone\n"}}.judge(t, got)
			for _, name := range benchRows(t, r.files) {
				if !regexp.MustCompile(`(?m)^` + name + ` \d+ ns$`).MatchString(got.out) {
					t.Errorf("row %s is missing", name)
				}
			}
			t.Log("\n" + got.out)
		})
	}
}

func benchRows(t *testing.T, files []string) (names []string) {
	t.Helper()
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(top, "user", "bench", f))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`ROW\((\w+), \d+\)`).FindAllStringSubmatch(string(text), -1) {
			names = append(names, m[1])
		}
	}
	if len(names) < 3 {
		t.Fatalf("%s name %d rows", strings.Join(files, ", "), len(names))
	}
	return names
}

// TestProfile takes samples of a run and has the host make a profile of them.
func TestProfile(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "kernel.log")
	got := boot(t, machine{cpus: 1}, []string{"-icount", "-m", "128M", "-append", "profile=10000", "-log", log}, "",
		bench.build(t), "quick", "noswap", "null_call", "map_touch_unmap")
	run{out: []string{"\ndone\n"}}.judge(t, got)
	file := filepath.Join(t.TempDir(), "yolk.pb.gz")
	made := execute(t, "", time.Minute, filepath.Join(top, "bin", "yolk-profile"), log)
	if made.status != 0 {
		t.Fatalf("yolk-profile: status %d\n%s", made.status, made.errOut)
	}
	if err := os.WriteFile(file, []byte(made.out), 0o600); err != nil {
		t.Fatal(err)
	}
	shown := execute(t, "", time.Minute, "go", "tool", "pprof", "-top", file)
	run{out: []string{"yolk/mm.DoMunmap", "yolk/syscall.Dispatch", "ring 3"}}.judge(t, shown)
}
