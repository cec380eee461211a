package harness

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"yolk/qemu/harness/wire"
)

// Time limits on top of a test's own, which the guest sees to.
const (
	bootTime = time.Minute      // from the start of a guest to its first test
	dumpTime = 10 * time.Second // for a guest that hangs to say where
)

// boot is one guest and the tests that it was given.
type boot struct {
	tests    []Test
	grace    time.Duration
	results  chan<- Result
	finished int // how many tests have a result; they run in order

	cmd         *exec.Cmd
	log         string // name of the kernel's log
	errOut      bytes.Buffer
	began       time.Time // of the current test
	running     bool      // the current test has started
	out, errors bytes.Buffer
}

// run boots once. The error is for a guest that ended, or hung, before its first
// test: no other boot would get further.
func (b *boot) run(ctx context.Context, h *Harness, flags []string) error {
	dir, err := os.MkdirTemp("", "yolk-harness")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	list := filepath.Join(dir, "tests.json")
	b.log = filepath.Join(dir, "kernel.log")
	if err := b.writeList(list); err != nil {
		return err
	}
	args := append([]string{}, h.Flags...)
	args = append(args, flags...)
	args = append(args, "-log", b.log, "-timeout", b.limit().String(), "-file", list+":"+wire.ListFile, h.InGuest)
	b.cmd = exec.Command(h.Yolk, args...)
	b.cmd.Stderr = &b.errOut
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	stdout, err := b.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := b.cmd.Start(); err != nil {
		return fmt.Errorf("starting a guest: %w", err)
	}
	hung := b.follow(ctx, stdout)
	_ = b.cmd.Wait() // what it means follows from what the guest said
	if err := ctx.Err(); err != nil {
		return nil // Run knows
	}
	return b.close(hung)
}

func (b *boot) writeList(name string) error {
	list := make([]wire.Test, len(b.tests))
	for i, t := range b.tests {
		list[i] = t.Test
	}
	data, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o600)
}

// limit is more than all tests together can take: bin/yolk's own is not to strike.
func (b *boot) limit() time.Duration {
	all := 2 * bootTime
	for _, t := range b.tests {
		all += t.Limit + b.grace
	}
	return all
}

// follow reads events until the guest has ended, or is ended because it says
// nothing when it must; then it returns true.
func (b *boot) follow(ctx context.Context, stdout io.Reader) (hung bool) {
	events := make(chan wire.Event)
	go func() {
		defer close(events)
		lines := bufio.NewReader(stdout)
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return
			}
			var e wire.Event
			if json.Unmarshal(line, &e) == nil {
				events <- e
			}
		}
	}()
	patience := time.NewTimer(bootTime)
	defer patience.Stop()
	cancelled := ctx.Done()
	for {
		select {
		case e, ok := <-events:
			if !ok {
				return hung
			}
			if e.Test == b.finished && b.finished < len(b.tests) {
				b.event(e, patience)
			}
		case <-patience.C:
			if hung { // it did not even answer SIGQUIT
				_ = b.cmd.Process.Kill()
				continue
			}
			hung = true
			_ = b.cmd.Process.Signal(syscall.SIGQUIT) // asks for the stacks of the kernel's goroutines
			patience.Reset(dumpTime)
		case <-cancelled:
			cancelled = nil
			_ = b.cmd.Process.Signal(syscall.SIGTERM)
		}
	}
}

// event takes in one report on the current test.
func (b *boot) event(e wire.Event, patience *time.Timer) {
	b.out.Write(e.Out)
	b.errors.Write(e.Err)
	t := &b.tests[b.finished]
	switch {
	case e.Started:
		b.running, b.began = true, time.Now()
		patience.Reset(t.Limit + b.grace)
	case e.Ended:
		for _, r := range t.judge(e, b.out.String(), b.errors.String()) {
			if !r.Case {
				r.Took = time.Since(b.began)
			}
			b.results <- r
		}
		b.next()
		patience.Reset(bootTime)
	}
}

func (b *boot) next() {
	b.finished++
	b.running = false
	b.out.Reset()
	b.errors.Reset()
}

// close deals with a guest that has not run all of its tests: the one it was busy
// with has failed.
func (b *boot) close(hung bool) error {
	if b.finished == len(b.tests) {
		return nil
	}
	what := "the guest ended"
	if hung {
		what = "the guest hung"
	} else if b.cmd.ProcessState.ExitCode() == 125 {
		what = "the kernel panicked"
	}
	kernel, _ := os.ReadFile(b.log)
	if !b.running && b.finished == 0 {
		return errors.New(what + " before its first test\n" + tail(b.errOut.String()) + tail(string(kernel)))
	}
	t := &b.tests[b.finished]
	took := time.Duration(0)
	if b.running {
		took = time.Since(b.began)
	}
	b.results <- Result{Name: t.Name, Verdict: Failed, Took: took,
		Note: what + "\n" + output(b.out.String(), b.errors.String()) + "--- kernel's log:\n" + tail(string(kernel))}
	b.next()
	return nil
}

// output is what a failed test printed.
func output(out, errOut string) string {
	var s strings.Builder
	for _, o := range []struct{ name, text string }{{"stdout", out}, {"stderr", errOut}} {
		if o.text != "" {
			fmt.Fprintf(&s, "--- %s:\n%s", o.name, tail(o.text))
			if !strings.HasSuffix(o.text, "\n") {
				s.WriteByte('\n')
			}
		}
	}
	return s.String()
}

// tail keeps reports readable; the dump of a hung kernel's goroutines fits.
func tail(s string) string {
	const most = 32 << 10
	if len(s) > most {
		return "[...]" + s[len(s)-most:]
	}
	return s
}
