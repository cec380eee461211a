package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"yolk/qemu/harness"
	"yolk/qemu/harness/wire"
)

// suite knows where things are.
type suite struct {
	top string // of the source tree
	out string // for what is fetched and built
}

// part is a number of tests with something in common: the guest, and how what they
// need is come by. Their names are known before that.
type part struct {
	names []string
	// groups makes what the named ones of its tests need, and returns them.
	groups func(ctx context.Context, names []string) ([]harness.Group, error)
}

func (s *suite) parts() []part { return []part{s.busybox(), s.debian(), s.goTests()} }

// groups prepares the tests whose names match, but those that the list of known ones
// says are not run.
func (s *suite) groups(ctx context.Context, match *regexp.Regexp, known harness.Known) ([]harness.Group, error) {
	var all []harness.Group
	for _, p := range s.parts() {
		var names []string
		for _, n := range p.names {
			if match.MatchString(n) && !known.Skips(n) {
				names = append(names, n)
			}
		}
		if len(names) == 0 {
			continue
		}
		groups, err := p.groups(ctx, names)
		if err != nil {
			return nil, err
		}
		all = append(all, groups...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no test's name matches %q", match)
	}
	return all, nil
}

func (s *suite) testdata(name string) string { return filepath.Join(s.top, "qemu", "testdata", name) }

func (s *suite) known() (harness.Known, error) {
	f, err := os.Open(s.testdata("known.txt"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	k, err := harness.ReadKnown(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return k, nil
}

// harness builds the part of the harness that runs in guests.
func (s *suite) harness(ctx context.Context, lockdep bool) (*harness.Harness, error) {
	h := &harness.Harness{Yolk: filepath.Join(s.top, "bin", "yolk"), InGuest: filepath.Join(s.out, "inguest"),
		Flags: []string{"-accel", "tcg", "-smp", "2"}, Grace: 20 * time.Second}
	if lockdep {
		h.Flags = append(h.Flags, "-lockdep")
	}
	return h, s.command(ctx, s.top, "go", "build", "-o", h.InGuest, "./qemu/harness/inguest")
}

// command runs a command of the host's; what it prints is for its failure.
func (s *suite) command(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "LC_ALL=C")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, text)
	}
	return nil
}

// script is a test that runs one of our scripts and compares what it prints.
func (s *suite) script(name, file string, status int, shell ...string) (harness.Test, error) {
	text, err := os.ReadFile(s.testdata(file + ".sh"))
	if err != nil {
		return harness.Test{}, err
	}
	want, err := os.ReadFile(s.testdata(file + ".out"))
	if err != nil {
		return harness.Test{}, err
	}
	out := string(want)
	return harness.Test{Name: name, Expect: harness.Expect{Status: status, Out: &out},
		Test: wire.Test{Argv: append(shell, "-c", string(text), file), Limit: 2 * time.Minute}}, nil
}
