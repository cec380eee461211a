package guest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// machine is one way to boot.
type machine struct {
	cpus    int
	lockdep bool
}

func (m machine) String() string {
	kind := "plain"
	if m.lockdep {
		kind = "lockdep"
	}
	return fmt.Sprintf("smp%d-%s", m.cpus, kind)
}

// Where a test runs. The rows of docs/1999-map.md run on everyMachine; what bears
// on neither the number of CPUs nor the locks, on fewer.
var (
	everyMachine = []machine{{1, false}, {2, false}, {4, false}, {1, true}, {2, true}, {4, true}}
	someMachines = []machine{{1, false}, {4, false}, {2, true}}
	twoMachines  = []machine{{2, false}, {1, true}}
)

// outcome is how a program ended, here or in a guest.
type outcome struct {
	status      int
	out, errOut string
}

// guestTime is the limit for one run if the test names none. Emulation on a
// machine with other work to do is slow; a guest that hangs is slower.
const guestTime = 4 * time.Minute

// boot runs a program in a guest. On the way out of a failed test it shows what
// the program and the kernel had to say.
func boot(t *testing.T, m machine, flags []string, stdin string, program string, args ...string) outcome {
	t.Helper()
	return bootWith(t, m, flags, strings.NewReader(stdin), nil, program, args...)
}

// bootWith is boot with a stdin, and with somebody, unless nil, who hears what the program
// says on stdout as it comes.
func bootWith(t *testing.T, m machine, flags []string, stdin io.Reader, hears io.Writer, program string, args ...string) outcome {
	t.Helper()
	log := filepath.Join(t.TempDir(), "kernel.log")
	all := []string{"-accel", "tcg", "-smp", strconv.Itoa(m.cpus), "-timeout", guestTime.String(), "-log", log}
	if m.lockdep {
		all = append(all, "-lockdep")
	}
	all = append(append(append(all, flags...), program), args...)
	o := executeWith(t, stdin, hears, 15*time.Minute, filepath.Join(top, "bin", "yolk"), all...)
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		kernel, _ := os.ReadFile(log)
		t.Logf("yolk %s\nstatus %d\n--- stdout:\n%s\n--- stderr:\n%s\n--- kernel's log:\n%s", strings.Join(all, " "),
			o.status, tail(o.out), tail(o.errOut), tail(string(kernel)))
	})
	return o
}

// tail keeps reports readable; the dump of a hung kernel's goroutines fits.
func tail(s string) string {
	const most = 32 << 10
	if len(s) > most {
		return "[...]" + s[len(s)-most:]
	}
	return s
}

// execute runs a command on the host; 128+N stands for a death by signal N.
func execute(t *testing.T, stdin string, limit time.Duration, name string, args ...string) outcome {
	t.Helper()
	return executeWith(t, strings.NewReader(stdin), nil, limit, name, args...)
}

func executeWith(t *testing.T, stdin io.Reader, hears io.Writer, limit time.Duration, name string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &errOut
	if hears != nil {
		cmd.Stdout = io.MultiWriter(&out, hears)
	}
	// Its children, too, end with it, or Run would wait for them to close the pipes.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v (make build makes bin/yolk)", name, err)
	}
	status := cmd.ProcessState.ExitCode()
	if ws := cmd.ProcessState.Sys().(syscall.WaitStatus); ws.Signaled() {
		status = 128 + int(ws.Signal())
	}
	return outcome{status, out.String(), errOut.String()}
}

var tapLine = regexp.MustCompile(`^(ok|not ok) (\d+) - (\S+)( # SKIP.*)?$`)

// checkTAP makes a subtest of each case that a program reports, and wants as many
// as the program planned.
func checkTAP(t *testing.T, o outcome) {
	t.Helper()
	planned, seen, failed := -1, 0, 0
	var notes []string
	lines := bufio.NewScanner(strings.NewReader(o.out))
	for lines.Scan() {
		line := lines.Text()
		if n, ok := strings.CutPrefix(line, "1.."); ok {
			planned, _ = strconv.Atoi(n)
			continue
		}
		if note, ok := strings.CutPrefix(line, "# "); ok {
			notes = append(notes, note)
			continue
		}
		f := tapLine.FindStringSubmatch(line)
		if f == nil {
			continue
		}
		seen++
		if f[1] != "ok" {
			failed++
		}
		said := strings.Join(notes, "\n")
		notes = nil
		t.Run(f[3], func(t *testing.T) {
			if f[1] != "ok" {
				t.Error(said)
			}
			if f[4] != "" {
				t.Skip(said)
			}
		})
	}
	if planned <= 0 || seen != planned {
		t.Errorf("%d cases were reported, %d planned", seen, planned)
	}
	if failed == 0 && o.status != 0 {
		t.Errorf("every case passed, but the exit status is %d", o.status)
	}
}
