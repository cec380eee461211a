package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"yolk/qemu/harness"
	"yolk/qemu/harness/wire"
)

// packages are those whose programs are run; what they depend on comes with them.
var packages = []string{"bash", "coreutils", "diffutils", "findutils", "grep", "python3-minimal", "stress-ng"}

// unneeded are packages that others depend on, but whose files no program here
// opens: scripts of an installed system, and graphics.
var unneeded = regexp.MustCompile(`^(dpkg|base-files|debianutils|install-info|media-types|.*mesa.*|.*-common|gcc-.*-base)$`)

// debian is programs from Debian's packages, in a root unpacked from those.
func (s *suite) debian() part {
	names := []string{"debian/bash", "debian/coreutils", "debian/python"}
	for _, st := range stressors {
		names = append(names, "stress-ng/"+st.name)
	}
	return part{names, func(ctx context.Context, names []string) ([]harness.Group, error) {
		root := filepath.Join(s.out, "debian")
		if err := s.debianRoot(ctx, root); err != nil {
			return nil, fmt.Errorf("packages of Debian: %w", err)
		}
		var tools, stress []harness.Test
		for _, name := range names {
			kind, what, _ := strings.Cut(name, "/")
			if kind == "stress-ng" {
				stress = append(stress, stressTest(name, what))
				continue
			}
			t, err := s.debianTest(name, what)
			if err != nil {
				return nil, err
			}
			tools = append(tools, t)
		}
		flags := []string{"-m", "256M", "-root", root}
		return []harness.Group{{Name: "debian", Flags: flags, Tests: tools}, {Name: "stress-ng", Flags: flags, Tests: stress}}, nil
	}}
}

func (s *suite) debianTest(name, what string) (harness.Test, error) {
	switch what {
	case "bash":
		return s.script(name, what, 6, "/bin/bash")
	case "coreutils":
		return s.script(name, what, 0, "/bin/bash")
	default:
		sum := "499999500000\n"
		return harness.Test{Name: name, Expect: harness.Expect{Out: &sum},
			Test: wire.Test{Argv: []string{"/usr/bin/python3", "-c", "print(sum(range(10**6)))"}, Limit: time.Minute}}, nil
	}
}

// debianRoot unpacks the packages, unless that has been done.
func (s *suite) debianRoot(ctx context.Context, root string) error {
	stamp := filepath.Join(s.out, "debian.stamp")
	want := strings.Join(packages, " ")
	if have, err := os.ReadFile(stamp); err == nil && string(have) == want {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return errors.New("they are fetched with apt-get, which is not here; leave these tests out with -run")
	}
	all, err := s.closure(ctx)
	if err != nil {
		return err
	}
	debs := filepath.Join(s.out, "debs")
	if err := errors.Join(os.RemoveAll(root), os.RemoveAll(debs), os.MkdirAll(debs, 0o755)); err != nil {
		return err
	}
	if err := s.command(ctx, debs, "apt-get", append([]string{"-q", "download"}, all...)...); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(debs, "*.deb"))
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := s.command(ctx, debs, "dpkg", "-x", f, root); err != nil {
			return err
		}
	}
	// The guest's root is RAM: what no program here reads stays outside.
	for _, d := range []string{"usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "usr/share/lintian",
		"usr/share/stress-ng", "usr/games", "usr/lib/x86_64-linux-gnu/gconv"} {
		if err := os.RemoveAll(filepath.Join(root, d)); err != nil {
			return err
		}
	}
	for _, d := range []string{"dev", "etc", "proc", "sys", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			return err
		}
	}
	return errors.Join(os.RemoveAll(debs), os.WriteFile(stamp, []byte(want), 0o644))
}

// closure is the packages and all that they need.
func (s *suite) closure(ctx context.Context) ([]string, error) {
	all := slices.Clone(packages)
	for next := all; len(next) > 0; {
		found, err := s.depends(ctx, next)
		if err != nil {
			return nil, err
		}
		next = nil
		for _, p := range found {
			if !slices.Contains(all, p) && !unneeded.MatchString(p) {
				all, next = append(all, p), append(next, p)
			}
		}
	}
	return all, nil
}

// depends is what the packages depend on directly. The lists that this is looked
// up in are fetched if there are none.
func (s *suite) depends(ctx context.Context, names []string) ([]string, error) {
	args := append([]string{"depends", "--important"}, names...)
	out, err := exec.CommandContext(ctx, "apt-cache", args...).Output()
	if (err != nil || len(bytes.TrimSpace(out)) == 0) && os.Geteuid() == 0 {
		if err := s.command(ctx, s.out, "apt-get", "-q", "update"); err != nil {
			return nil, err
		}
		out, err = exec.CommandContext(ctx, "apt-cache", args...).Output()
	}
	if err != nil {
		return nil, fmt.Errorf("apt-cache %s: %w", strings.Join(args, " "), err)
	}
	var found []string
	for _, line := range strings.Split(string(out), "\n") {
		// "|Depends:" is a choice whose last one has no bar; "<name>" is virtual.
		kind, name, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if ok && (kind == "Depends" || kind == "PreDepends") && !strings.HasPrefix(name, "<") {
			name, _, _ = strings.Cut(name, ":")
			found = append(found, name)
		}
	}
	return found, nil
}
