package main

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"yolk/qemu/ptytest"
)

func modes(t *testing.T, f *os.File) unix.Termios {
	t.Helper()
	m, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *m
}

// session starts a command on a terminal of its own; before is how that was set.
func session(t *testing.T, cmd *exec.Cmd) (person, tty *os.File, screen *bufio.Reader, before unix.Termios) {
	t.Helper()
	person, tty = ptytest.Open(t)
	before = modes(t, tty)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return person, tty, bufio.NewReader(person), before
}

func await(t *testing.T, screen *bufio.Reader, text string) {
	t.Helper()
	for {
		line, err := screen.ReadString('\n')
		if strings.Contains(line, text) {
			return
		}
		if err != nil {
			t.Fatalf("the screen ended before %q: %v", text, err)
		}
	}
}

// At a terminal every key goes to the guest, sizes too, and the terminal's own
// modes are back in the end.
func TestInteractive(t *testing.T) {
	t.Parallel()
	in := install(t)
	cmd := in.command("./prog", "out=hello", "line", "line", "exit=3")
	person, tty, screen, before := session(t, cmd)
	await(t, screen, "hello")
	for range 500 { // it is raw soon after "ready"
		if modes(t, tty).Lflag&unix.ECHO == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	_, _ = person.WriteString("a\x03b\x1ac\x01\x01\r")
	await(t, screen, `"a\x03b\x1ac\x01" tty=true 100x30`)
	ptytest.Resize(t, person, 50, 132)
	time.Sleep(300 * time.Millisecond)
	_, _ = person.WriteString("again\r")
	await(t, screen, `"again" tty=true 132x50`)
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 3 {
		t.Errorf("status %d, want 3", got)
	}
	if after := modes(t, tty); after != before {
		t.Errorf("the terminal was %+v and is %+v", before, after)
	}
}

// The ways out of a guest that does not listen.
func TestInteractiveEnds(t *testing.T) {
	t.Parallel()
	in := install(t)
	for name, test := range map[string]struct {
		end    func(person *os.File, cmd *exec.Cmd)
		status int
	}{
		"Ctrl-A x": {func(p *os.File, _ *exec.Cmd) { _, _ = p.WriteString("\x01x") }, 0},
		"SIGTERM":  {func(_ *os.File, c *exec.Cmd) { _ = c.Process.Signal(syscall.SIGTERM) }, 143},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := in.command("./prog", "out=hello", "hang")
			person, tty, screen, before := session(t, cmd)
			await(t, screen, "hello")
			time.Sleep(200 * time.Millisecond)
			test.end(person, cmd)
			_ = cmd.Wait()
			if got := cmd.ProcessState.ExitCode(); got != test.status {
				t.Errorf("status %d, want %d", got, test.status)
			}
			if after := modes(t, tty); after != before {
				t.Errorf("the terminal was %+v and is %+v", before, after)
			}
		})
	}
}
