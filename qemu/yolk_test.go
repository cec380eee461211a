package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// result of one run of the command.
type result struct {
	status      int
	out, errOut string
}

func runCommand(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	status := cmd.ProcessState.ExitCode()
	if ws := cmd.ProcessState.Sys().(syscall.WaitStatus); ws.Signaled() {
		t.Errorf("killed by %v", ws.Signal())
	}
	return result{status, out.String(), errOut.String()}
}

// TestRun is the contract of the command: what it prints where, and what it exits with.
func TestRun(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.write(t, "data.txt", "some data", 0o600)
	in.write(t, "root/bin/init", "#!/bin/sh", 0o755)
	in.write(t, "dir/x", "", 0o644)
	in.write(t, "no-x", "\x7fELF", 0o644)
	in.write(t, "junk", "junk", 0o755)
	in.write(t, "small.swap", strings.Repeat("\x00", 8192), 0o644)
	in.write(t, "blank.swap", strings.Repeat("\x00", 1<<20), 0o644)
	in.write(t, "other.swap", strings.Repeat("x", 1<<20), 0o644)
	in.write(t, "archive", "neither tar nor cpio", 0o644)
	tests := []struct {
		name        string
		args        string // split at blanks
		status      int
		out, errOut string // parts of the output; "" in out: none at all
	}{
		{"output", "./prog out=hello err=oh", 0, "hello\n", "oh\n"},
		{"status", "./prog exit=3", 3, "", ""},
		{"killed by a signal", "./prog exit=139", 139, "", ""},
		{"program's flags", "-m 32M ./prog argv -m 1 -x", 0, "", "unknown step"},
		{"argv", "./prog argv", 0, `["/bin/prog" "argv"]`, ""},
		{"panic", "./prog panic", 125, "", "oops: something broke"},
		{"panic after the exit status", "./prog control=exit_0 panic", 125, "", "the kernel panicked"},
		{"QEMU dies", "./prog die", 125, "", "qemu: out of luck"},
		{"nonsense on the control channel", "./prog control=exit control=hello control= exit=4", 4, "", ""},
		{"time limit", "-timeout 200ms ./prog out=started hang", 124, "started\n", "waiting for ever\nnmi: goroutine 1 waits\n"},
		{"memory and CPUs", "-m 32M -smp 4 ./prog qemu", 0, `"-m" "33554432B" "-smp" "4"`, ""},
		{"icount", "-icount ./prog qemu", 0, `"-smp" "1" "-accel" "tcg,thread=single" "-icount" "shift=0,sleep=off"`, ""},
		{"gdb", "-gdb ./prog qemu", 0, `"-gdb" "tcp:127.0.0.1:1234" "-S"`, ""},
		{"kernel parameters", "-append norandmaps ./prog qemu", 0, `"-append" "norandmaps"`, ""},
		{"checking kernel", "-lockdep ./prog qemu", 0, "out/yolk-lockdep.elf", ""},
		{"fresh swap", "-swap 1M ./prog swap", 0, "1048576 SWAPSPACE2", ""},
		{"default swap", "./prog swap", 0, "134217728 SWAPSPACE2", ""},
		{"no swap", "-swap 0 ./prog swap", 0, "none", ""},
		{"blank swap file", "-swap blank.swap ./prog swap", 0, "1048576 SWAPSPACE2", ""},
		{"file", "-file data.txt ./prog file=data.txt", 0, "100600 some data", ""},
		{"file elsewhere", "-file data.txt:/etc/new/name ./prog file=etc/new/name", 0, "100600 some data", ""},
		{"program in its place", "./prog file=bin/prog", 0, "100755 \x7fELF", ""},
		{"built-in root", "./prog file=etc/passwd", 0, "root:x:0:0", ""},
		{"a root's file", "-root root ./prog file=bin/init", 0, "100755 #!/bin/sh", ""},
		{"log on stderr", "-v ./prog log=booting", 0, "", "booting\n"},

		{"unknown flag", "-memory 64M ./prog", 2, "", "the flags are: -accel -append"},
		{"too little memory", "-m 8M ./prog", 2, "", "at least 24M"},
		{"bad memory", "-m lots ./prog", 2, "", "not a size"},
		{"no CPUs", "-smp 0 ./prog", 2, "", "from 1 to 8"},
		{"too many CPUs", "-smp 9 ./prog", 2, "", "from 1 to 8"},
		{"icount with two CPUs", "-icount -smp 2 ./prog", 2, "", "one CPU"},
		{"bad accelerator", "-accel fast ./prog", 2, "", "tcg, kvm or auto"},
		{"no time", "-timeout 0s ./prog", 2, "", "more than 0"},
		{"swap too small", "-swap 4K ./prog", 2, "", "too small"},
		{"swap file too small", "-swap small.swap ./prog", 2, "", "too small"},
		{"swap file with other things", "-swap other.swap ./prog", 2, "", "other than swap"},
		{"missing swap file", "-swap none.swap ./prog", 2, "", "truncate -s"},
		{"swap is a directory", "-swap ./dir ./prog", 2, "", "-swap: open ./dir"},
		{"missing disk", "-disk none.img ./prog", 2, "", "none.img"},
		{"missing file", "-file none ./prog", 2, "", "none"},
		{"file is a directory", "-file dir ./prog", 2, "", "not a regular file"},
		{"missing root", "-root none ./prog", 2, "", "none"},
		{"root is no archive", "-root archive ./prog", 2, "", "neither a directory nor a tar"},
		{"log in no directory", "-log none/log ./prog", 2, "", "none/log"},
		{"log is a directory", "-log dir ./prog", 2, "", "is a directory"},
		{"open quote", "-qemu ' ./prog", 2, "", "not closed"},
		{"missing program", "./none", 127, "", "no such file"},
		{"program is a directory", "./dir", 126, "", "is a directory"},
		{"not executable", "./no-x", 126, "", "chmod +x"},
		{"not ELF", "./junk", 126, "", "not an ELF"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			args := strings.Split(test.args, " ")
			for i, a := range args {
				args[i] = strings.Replace(a, "exit_", "exit ", 1)
			}
			if test.name == "program's flags" {
				args = []string{"-m", "32M", "./prog", "argv", "exit=0", "-m", "1"}
				test.out, test.errOut = `["/bin/prog" "argv" "exit=0" "-m" "1"]`, ""
			}
			r := runCommand(t, in.command(args...))
			if r.status != test.status {
				t.Errorf("status %d, want %d", r.status, test.status)
			}
			if !strings.Contains(r.out, test.out) || test.out == "" && r.out != "" {
				t.Errorf("stdout %q, want %q", r.out, test.out)
			}
			if !strings.Contains(r.errOut, test.errOut) || test.status == 0 && test.errOut == "" && r.errOut != "" {
				t.Errorf("stderr %q, want %q", r.errOut, test.errOut)
			}
		})
	}
	leftNothing(t, in.dir)
}

// leftNothing looks for files that a run made in its directory for temporary files.
func leftNothing(t *testing.T, dir string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, "yolk-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestNoQEMU(t *testing.T) {
	t.Parallel()
	in := install(t)
	cmd := in.command("./prog")
	cmd.Env = []string{"PATH=/nonexistent"}
	if r := runCommand(t, cmd); r.status != 125 || !strings.Contains(r.errOut, "apt-get install qemu-system-x86") {
		t.Errorf("got %+v", r)
	}
}

func TestNoKernel(t *testing.T) {
	t.Parallel()
	in := install(t)
	if err := os.Remove(filepath.Join(in.dir, "out", "yolk.elf")); err != nil {
		t.Fatal(err)
	}
	if r := runCommand(t, in.command("./prog")); r.status != 125 || !strings.Contains(r.errOut, "make build") {
		t.Errorf("got %+v", r)
	}
}

func TestLogFile(t *testing.T) {
	t.Parallel()
	in := install(t)
	name := in.write(t, "the.log", "from an earlier run, which was longer", 0o644)
	if r := runCommand(t, in.command("-log", name, "./prog", "log=hello")); r.status != 0 || r.errOut != "" {
		t.Fatalf("got %+v", r)
	}
	if got, _ := os.ReadFile(name); string(got) != "yolk: fake kernel\nhello\n" {
		t.Errorf("log is %q", got)
	}
}

// Every byte value comes through in both directions, and much of it, while the
// three outputs are drained at the same time.
func TestBytes(t *testing.T) {
	t.Parallel()
	in := install(t)
	data := make([]byte, 3<<20)
	_, _ = rand.Read(data)
	copy(data, "\xff\x00\xff\xff\xff\x01")
	cmd := in.command("-timeout", "5m", "./prog", "cat")
	cmd.Stdin = bytes.NewReader(data)
	if r := runCommand(t, cmd); r.status != 0 || r.out != string(data) {
		t.Errorf("status %d, %d bytes came back of %d", r.status, len(r.out), len(data))
	}

	cmd = in.command("-timeout", "5m", "./prog", "sum")
	cmd.Stdin = bytes.NewReader(data)
	want := fmt.Sprintf("%d %x\n", len(data), sha256.Sum256(data))
	if r := runCommand(t, cmd); r.out != want {
		t.Errorf("got %q, want %q", r.out, want)
	}

	const n = 1 << 20
	if r := runCommand(t, in.command("./prog", "big=1048576", "exit=7")); r.status != 7 || len(r.out) != n || len(r.errOut) != n {
		t.Errorf("status %d, %d and %d bytes, want 7 and %d each", r.status, len(r.out), len(r.errOut), n)
	}
}

// A program that does not read its input ends all the same.
func TestInputNotRead(t *testing.T) {
	t.Parallel()
	in := install(t)
	r, w := io.Pipe()
	defer func() { _ = r.Close() }()
	go func() {
		for {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}()
	cmd := in.command("./prog", "out=done", "exit=5")
	cmd.Stdin = r
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout = &out
	_ = cmd.Run()
	if cmd.ProcessState.ExitCode() != 5 || out.String() != "done\n" {
		t.Errorf("status %d, stdout %q", cmd.ProcessState.ExitCode(), out.String())
	}
}

// startHanging starts a command whose program says "started" and hangs, and waits
// until it does.
func startHanging(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	// QEMU shares this pipe through nobody: the end of file says that the command has gone.
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("started\n"))); err != nil {
		t.Fatal(err)
	}
}

// A signal ends the run, QEMU and all.
func TestSignals(t *testing.T) {
	t.Parallel()
	in := install(t)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGKILL} {
		cmd := in.command("./prog", "out=started", "hang")
		startHanging(t, cmd)
		children := childrenOf(cmd.Process.Pid)
		if len(children) != 1 {
			t.Errorf("%v: the command has children %v, want QEMU only", sig, children)
		}
		_ = cmd.Process.Signal(sig)
		_ = cmd.Wait()
		want := 128 + int(sig)
		if sig == syscall.SIGKILL {
			want = -1
		}
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("%v: status %d, want %d", sig, got, want)
		}
		for _, pid := range children {
			waitGone(t, pid)
		}
	}
	leftNothing(t, in.dir)
}

// SIGQUIT has the kernel print its stacks first.
func TestQuit(t *testing.T) {
	t.Parallel()
	in := install(t)
	log := filepath.Join(in.dir, "the.log")
	cmd := in.command("-log", log, "./prog", "out=started", "hang")
	startHanging(t, cmd)
	_ = cmd.Process.Signal(syscall.SIGQUIT)
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 128+int(syscall.SIGQUIT) {
		t.Errorf("status %d", got)
	}
	if text, _ := os.ReadFile(log); !strings.Contains(string(text), "nmi: goroutine 1 waits") {
		t.Errorf("the log has no stacks:\n%s", text)
	}
}

func childrenOf(pid int) (children []int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, t := range tasks {
		data, _ := os.ReadFile(t)
		for _, f := range strings.Fields(string(data)) {
			var child int
			if _, err := fmt.Sscan(f, &child); err == nil {
				children = append(children, child)
			}
		}
	}
	return children
}

func waitGone(t *testing.T, pid int) {
	t.Helper()
	for range 200 {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d is still there", pid)
}
