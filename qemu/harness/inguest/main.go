// Command inguest is the harness's hand in the guest: it runs the tests of a list
// one after another, each in a process group of its own and for a limited time,
// and tells the host on stdout what happens (package wire).
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"yolk/qemu/harness/wire"
)

func main() {
	data, err := os.ReadFile(wire.ListFile)
	var tests []wire.Test
	if err == nil {
		err = json.Unmarshal(data, &tests)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "inguest:", err)
		os.Exit(1)
	}
	for i, t := range tests {
		run(i, t)
	}
}

// reports is stdout, shared by the goroutines that pass output on.
var reports struct {
	sync.Mutex
	failed bool // nobody listens any more
}

func report(e wire.Event) {
	line, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	reports.Lock()
	defer reports.Unlock()
	if _, err := os.Stdout.Write(append(line, '\n')); err != nil && !reports.failed {
		reports.failed = true
		fmt.Fprintln(os.Stderr, "inguest:", err)
	}
}

// stream passes on what a test writes.
type stream struct {
	test int
	err  bool
}

func (s stream) Write(p []byte) (int, error) {
	if s.err {
		report(wire.Event{Test: s.test, Err: p})
	} else {
		report(wire.Event{Test: s.test, Out: p})
	}
	return len(p), nil
}

// waitDelay is what the pipes get to become empty when the test has ended.
const waitDelay = 2 * time.Second

func run(i int, t wire.Test) {
	report(wire.Event{Test: i, Started: true})
	end := wire.Event{Test: i, Ended: true}
	defer func() { report(end) }()
	dir := t.Dir
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("/tmp", "test"); err != nil {
			end.Reason = err.Error()
			return
		}
		defer func() { _ = os.RemoveAll(dir) }()
	}
	cmd := exec.Command(t.Argv[0], t.Argv[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), t.Env...)
	cmd.Stdin = bytes.NewReader(t.Stdin)
	cmd.Stdout, cmd.Stderr = stream{i, false}, stream{i, true}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = waitDelay
	if err := cmd.Start(); err != nil {
		end.Reason = err.Error()
		return
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var err error
	select {
	case err = <-ended:
	case <-time.After(t.Limit):
		end.TimedOut = true
	}
	// Its children end with it, or with its time.
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	if end.TimedOut {
		err = <-ended
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		end.Reason = err.Error()
		return
	}
	end.Status = status(cmd.ProcessState)
}

func status(s *os.ProcessState) int {
	if ws := s.Sys().(syscall.WaitStatus); ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return s.ExitCode()
}
