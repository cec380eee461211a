package main

import (
	"bytes"
	"context"
	"fmt"
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

// run runs programs on both sides at once. The guest's answers may end early, when
// the guest did: how is then in died.
func (m *machines) run(ctx context.Context, all []program) (both []answers, died string, err error) {
	var text strings.Builder
	for _, p := range all {
		text.WriteString(p.String())
		text.WriteByte('\n')
	}
	file := filepath.Join(m.dir, "programs")
	if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
		return nil, "", err
	}
	limit := 2*time.Minute + time.Duration(len(all))*100*time.Millisecond
	log := filepath.Join(m.dir, "kernel.log")
	args := append([]string{"-m", "128M", "-swap", "0", "-timeout", limit.String(), "-log", log}, m.flags...)
	args = append(args, "-file", file+":/programs", m.interpreter, "/programs")
	done := make(chan error, 1)
	var host []byte
	go func() {
		var err error
		host, err = output(ctx, m.interpreter, file)
		done <- err
	}()
	guest, guestErr := output(ctx, m.yolk, args...)
	if err := <-done; err != nil {
		return nil, "", fmt.Errorf("on the host: %w", err)
	}
	h, g := split(host), split(guest)
	if len(h) != len(all) {
		return nil, "", fmt.Errorf("on the host: %d programs of %d answered", len(h), len(all))
	}
	if guestErr != nil {
		died = guestErr.Error()
	}
	both = make([]answers, len(all))
	for i := range both {
		both[i].host = h[i]
		if i < len(g) {
			both[i].guest = g[i]
		}
	}
	return both, died, ctx.Err()
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
func split(text []byte) (all [][]string) {
	for part := range strings.SplitSeq(string(text), "\n\n") {
		if part != "" {
			all = append(all, strings.Split(part, "\n"))
		}
	}
	return all
}
