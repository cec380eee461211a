package main

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"yolk/qemu/harness"
	"yolk/qemu/harness/wire"
)

// goPackages are the packages of Go's standard library whose tests are run: what
// a kernel has a part in, and what shows that its memory holds.
var goPackages = []string{"container/heap", "container/list", "container/ring", "io", "io/fs", "io/ioutil", "os", "os/signal",
	"runtime", "runtime/debug", "runtime/metrics", "runtime/pprof", "runtime/trace", "sort", "strings", "sync", "sync/atomic", "time"}

// goSource is where Go's sources are in the guest: some tests read their own.
const goSource = "/go/src/"

// goRoot is the root of the guests that run Go's tests.
func (s *suite) goRoot() string { return filepath.Join(s.out, "go") }

// goTests is the tests of the installed toolchain's standard library.
func (s *suite) goTests() part {
	var names []string
	for _, p := range goPackages {
		names = append(names, "go/"+p)
	}
	return part{names, func(ctx context.Context, names []string) ([]harness.Group, error) {
		goroot, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
		if err != nil {
			return nil, err
		}
		source := filepath.Join(strings.TrimSpace(string(goroot)), "src")
		root := s.goRoot()
		if err := busyboxRoot(ctx, root); err != nil {
			return nil, err
		}
		zones := filepath.Join(filepath.Dir(source), "lib", "time")
		if err := copyPackage(zones, filepath.Join(root, "go", "lib", "time")); err != nil {
			return nil, err
		}
		if err := s.buildGoTests(ctx, filepath.Join(root, "bin"), names); err != nil {
			return nil, err
		}
		known, err := s.known()
		if err != nil {
			return nil, err
		}
		var tests []harness.Test
		for _, name := range names {
			p := strings.TrimPrefix(name, "go/")
			if err := copyPackage(filepath.Join(source, p), filepath.Join(root, goSource, p)); err != nil {
				return nil, err
			}
			tests = append(tests, harness.Test{Name: name, Cases: harness.GoCases, Test: wire.Test{
				Argv: []string{"/bin/" + path.Base(p) + ".test", "-test.short", "-test.v", "-test.skip=^(" + strings.Join(known.NotRun(name), "|") + ")$", "-test.timeout=170s"},
				Env:  []string{"GOROOT=/go"}, Dir: goSource + p, Limit: 3 * time.Minute}})
		}
		return s.share(root, tests), nil
	}}
}

// share divides the tests among guests that can run at the same time.
func (s *suite) share(root string, tests []harness.Test) []harness.Group {
	const guests = 2
	flags := []string{"-m", "320M", "-root", root}
	groups := make([]harness.Group, min(guests, len(tests)))
	for i, t := range tests {
		g := &groups[i%len(groups)]
		g.Name, g.Flags = "go", flags
		g.Tests = append(g.Tests, t)
	}
	return groups
}

// buildGoTests builds the packages' test binaries, which have the last part of a
// package's name.
func (s *suite) buildGoTests(ctx context.Context, dir string, names []string) error {
	args := []string{"test", "-c", "-ldflags=-s -w", "-o", dir + "/"}
	for _, name := range names {
		args = append(args, strings.TrimPrefix(name, "go/"))
	}
	return s.command(ctx, s.top, "go", args...)
}

// copyPackage copies the files of a package and its testdata.
func copyPackage(from, to string) error {
	return filepath.WalkDir(from, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		switch {
		case err != nil:
			return err
		case e.IsDir() && rel != "." && !strings.HasPrefix(rel, "testdata"):
			// Another package; that it is there counts.
			if err := os.MkdirAll(filepath.Join(to, rel), 0o755); err != nil {
				return err
			}
			return fs.SkipDir
		case e.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		case !e.Type().IsRegular():
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, 0o644)
	})
}
