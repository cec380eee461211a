package main

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// machines runs programs, here and in a guest.
type machines struct {
	dir         string   // for files in between
	interpreter string   // user/mmfuzz
	yolk        string   // bin/yolk
	flags       []string // for it
}

// compile makes the interpreter.
func (m *machines) compile() error {
	sources, err := filepath.Glob("user/mmfuzz/*.c")
	if err != nil || len(sources) == 0 {
		return fmt.Errorf("user/mmfuzz: no source; run this at the top of the tree (%v)", err)
	}
	args := append([]string{"-static", "-O1", "-Wall", "-Wextra", "-Werror", "-o", m.interpreter}, sources...)
	if text, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("gcc: %w\n%s", err, text)
	}
	return nil
}

// answers is what one program said on both sides, a line for each of its own.
type answers struct{ host, guest []string }

// run runs programs here and then in a guest, which is told what the answers are to
// be and says more than that only where they are not: its serial port is the slowest
// part of all. The guest's answers may end early, when the guest did: how is then in died.
func (m *machines) run(ctx context.Context, all []program) (both []answers, died string, err error) {
	dir, err := os.MkdirTemp(m.dir, "run")
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "programs")
	if err := writePrograms(file, all, nil); err != nil {
		return nil, "", err
	}
	host, err := output(ctx, m.interpreter, file)
	if err != nil {
		return nil, "", fmt.Errorf("on the host: %w", err)
	}
	h := split(host)
	if len(h) != len(all) {
		return nil, "", fmt.Errorf("on the host: %d programs of %d answered", len(h), len(all))
	}
	if err := writePrograms(file, all, h); err != nil {
		return nil, "", err
	}
	limit := 2*time.Minute + time.Duration(len(all))*100*time.Millisecond
	args := append([]string{"-m", "128M", "-swap", "0", "-timeout", limit.String(), "-log", filepath.Join(dir, "kernel.log")}, m.flags...)
	args = append(args, "-file", file+":/programs", m.interpreter, "/programs")
	guest, guestErr := output(ctx, m.yolk, args...)
	if guestErr != nil {
		died = guestErr.Error()
	}
	both = make([]answers, len(all))
	g := split(guest)
	for i := range both {
		both[i].host = strings.Split(h[i], "\n")
		switch {
		case i >= len(g):
		case g[i] == "same":
			both[i].guest = both[i].host
		default:
			both[i].guest = strings.Split(g[i], "\n")
		}
	}
	return both, died, ctx.Err()
}

// writePrograms writes what user/mmfuzz reads: programs, and what each is to answer
// if that is known.
func writePrograms(file string, all []program, expected []string) error {
	var text strings.Builder
	for i, p := range all {
		text.WriteString(p.String())
		if expected != nil {
			h := fnv.New64a()
			io.WriteString(h, expected[i])
			fmt.Fprintf(&text, "expect %x\n", h.Sum64())
		}
		text.WriteByte('\n')
	}
	return os.WriteFile(file, []byte(text.String()), 0o644)
}

// output runs a command; its error has the end of what it said on stderr.
func output(ctx context.Context, name string, args ...string) ([]byte, error) {
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	if err != nil {
		said := errOut.Bytes()
		err = fmt.Errorf("%s: %w\n%s", filepath.Base(name), err, said[:min(len(said), 8<<10)])
	}
	return out.Bytes(), err
}

// split takes what mmfuzz printed apart: an empty line ends each program's answers.
func split(text []byte) (all []string) {
	for part := range strings.SplitSeq(string(text), "\n\n") {
		if part != "" {
			all = append(all, part)
		}
	}
	return all
}
