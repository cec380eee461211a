package guest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"yolk/qemu/ptytest"
)

// conversation is a person at a terminal, and a guest's program on it.
type conversation struct {
	t      *testing.T
	person *os.File
	cmd    *exec.Cmd

	mu     sync.Mutex
	cond   *sync.Cond
	screen string // all that has come and is not yet awaited; protected by mu
	over   bool   // nothing more will come; protected by mu
}

// converse starts a program in a guest on a terminal of its own.
func converse(t *testing.T, m machine, flags []string, program string, args ...string) *conversation {
	t.Helper()
	person, tty := ptytest.Open(t)
	log := filepath.Join(t.TempDir(), "kernel.log")
	all := []string{"-accel", "tcg", "-smp", fmt.Sprint(m.cpus), "-timeout", guestTime.String(), "-log", log}
	if m.lockdep {
		all = append(all, "-lockdep")
	}
	c := &conversation{t: t, person: person, cmd: exec.Command(filepath.Join(top, "bin", "yolk"), append(append(append(all, flags...), program), args...)...)}
	c.cond = sync.NewCond(&c.mu)
	c.cmd.Env = append(os.Environ(), "TERM=vt100")
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = tty, tty, tty
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = tty.Close()
	t.Cleanup(func() {
		_ = c.cmd.Process.Signal(syscall.SIGQUIT) // shows where a guest that did not answer stands
		if t.Failed() {
			_ = c.cmd.Wait()
			kernel, _ := os.ReadFile(log)
			t.Logf("--- kernel's log:\n%s", tail(string(kernel)))
		}
	})
	go c.watch()
	return c
}

// watch collects what comes onto the screen.
func (c *conversation) watch() {
	buf := make([]byte, 4096)
	for {
		n, err := c.person.Read(buf)
		c.mu.Lock()
		c.screen += string(buf[:n])
		c.over = err != nil
		c.cond.Broadcast()
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// types sends keys; what is a program's to answer is awaited by sees.
func (c *conversation) types(keys string) {
	c.t.Helper()
	if _, err := c.person.WriteString(keys); err != nil {
		c.t.Fatal(err)
	}
}

// sees waits until the text has come onto the screen, and forgets all up to it.
func (c *conversation) sees(text string) {
	c.t.Helper()
	late := false
	timer := time.AfterFunc(30*time.Second, func() {
		c.mu.Lock()
		late = true
		c.cond.Broadcast()
		c.mu.Unlock()
	})
	defer timer.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !strings.Contains(c.screen, text) {
		if late || c.over {
			c.t.Fatalf("%q did not come; the screen has %q", text, c.screen)
		}
		c.cond.Wait()
	}
	_, c.screen, _ = strings.Cut(c.screen, text)
}

// ends waits for the end of the session and wants its status.
func (c *conversation) ends(status int) {
	c.t.Helper()
	_ = c.cmd.Wait()
	if got := c.cmd.ProcessState.ExitCode(); got != status {
		c.t.Errorf("status %d, want %d", got, status)
	}
}

// prompted sends keys to a shell's line editor, which has the terminal from its
// prompt on: before, keys are the terminal's to give a meaning.
func (c *conversation) prompted(keys string) {
	c.t.Helper()
	c.sees("# ")
	c.types(keys)
}

// The keys of a terminal.
const (
	ctrlC, ctrlD, ctrlT, ctrlZ = "\x03", "\x04", "\x14", "\x1a"
	ctrlA, ctrlE, ctrlU        = "\x01\x01", "\x05", "\x15" // bin/yolk takes one Ctrl-A for its own
	escape, up, left           = "\x1b", "\x1b[A", "\x1b[D"
	erase                      = "\x7f"
)

// lineEditing is what both shells' editors must do with keys. Each line's output
// differs from its echo.
func (c *conversation) lineEditing() {
	c.prompted("echo $((40+2))\r")
	c.sees("42\r\n")
	c.prompted("ecko" + left + erase + "h" + ctrlE + " $((1+1))x\r")
	c.sees("2x\r\n")
	c.prompted("rubbish" + ctrlU + "echo $((3*3))y\r")
	c.sees("9y\r\n")
	c.prompted(up + "z\r") // from the history, with more at its end
	c.sees("9yz\r\n")
	c.prompted("ho $((5*5))a" + ctrlA + "ec" + "\r")
	c.sees("25a\r\n")
}

// abandons is Ctrl-C at a prompt with a line begun. Bash's editor looks at the signal
// only when it comes while it waits for a key, on Linux too: one that comes while it
// still shows the last key is noticed with the next. So Ctrl-T, which the editor of
// bash runs a command for, shows when it waits.
func (c *conversation) abandons(bash bool) {
	if bash {
		const waits = "read x </proc/$$/syscall; [[ $x == 270\\ 0x1\\ * ]]" // pselect6
		c.prompted(`bind -x '"\C-t":"((until ` + waits + `; do :; done; echo waits) &)"'` + "\r")
	}
	c.prompted("echo abandoned")
	c.sees("abandoned")
	if bash {
		c.types(ctrlT)
		c.sees("waits\r\n")
	}
	c.types(ctrlC) // which also discards what has not been read
	c.sees("\n")
	c.prompted("echo $((6*6))b\r")
	c.sees("36b\r\n")
}

// signalKeys is Ctrl-C at a program and at a pipeline, and Ctrl-D as a program's end
// of file. What a key is to end says itself that it runs: a subshell of bash that is
// about to become its last command loses the signal, on Linux too.
func (c *conversation) signalKeys() {
	c.prompted("sh -c 'echo go$((1))on; exec sleep 1000'\r")
	c.sees("go1on\r\n")
	c.types(ctrlC)
	c.types("echo st$?\r")
	c.sees("st130\r\n")
	c.types("sh -c 'echo; exec sleep 1000' | sh -c 'read x; echo p$((1))q; exec cat'\r")
	c.sees("p1q\r\n")
	c.types(ctrlC)
	c.types("echo $((7*7))c\r")
	c.sees("49c\r\n")
	c.types("echo e$((1))f; cat | tr a-z A-Z\r")
	c.sees("e1f\r\n") // until here the editor had the terminal, and Ctrl-D its other meaning
	c.types("typed\r" + ctrlD)
	c.sees("TYPED\r\n")
}

// jobControl stops a program and lets it go on behind, and one that reads the
// terminal, which goes on in front. A shell says which when it has made it so.
func (c *conversation) jobControl() {
	c.prompted("(echo j$((1))k; sleep 1000)\r")
	c.sees("j1k\r\n")
	c.types(ctrlZ)
	c.sees("Stopped")
	c.prompted("jobs\r")
	c.sees("Stopped")
	c.prompted("bg\r")
	c.prompted("jobs\r")
	c.sees("Running")
	c.prompted("kill %1; wait; echo w$((8*8))\r")
	c.sees("w64\r\n")
	c.prompted("(echo l$((1))m; while read x; do echo got $x; done)\r")
	c.sees("l1m\r\n")
	c.types(ctrlZ)
	c.sees("Stopped")
	c.prompted("fg\r")
	c.sees("done")
	c.types("word\r")
	c.sees("got word\r\n")
	c.types(ctrlD)
	c.prompted("echo $((9*9))n\r")
	c.sees("81n\r\n")
}

// vi writes a file, and changes one.
func (c *conversation) vi() {
	c.prompted("vi /tmp/note\r")
	c.sees("[29;1H~") // the last line but one
	c.types("ione lin" + erase + "ne" + "\rtwo" + escape)
	c.sees("- /tmp/note [Modified]") // what comes at once after Escape is taken for a longer key
	c.types(":wq\r")
	c.prompted("wc /tmp/note | tr -s ' '; cat /tmp/note\r")
	c.sees("2 3 13")
	c.sees("two\r\n")
	c.prompted("vi /tmp/note\r")
	c.sees("two")
	c.sees("[29;1H~")
	c.types("ddp" + ":wq\r") // swaps the lines
	c.prompted("head -n 1 /tmp/note | tr a-z A-Z\r")
	c.sees("TWO\r\n")
}

// TestInteractive types at the shells.
func TestInteractive(t *testing.T) {
	for _, m := range []machine{{2, false}, {1, true}} {
		t.Run("busybox/"+m.String(), func(t *testing.T) {
			t.Parallel()
			c := converse(t, m, nil, busybox.build(t), "sh")
			c.lineEditing()
			c.abandons(false)
			c.signalKeys()
			c.jobControl()
			c.vi()
			c.prompted(ctrlD)
			c.ends(0)
		})
		t.Run("bash/"+m.String(), func(t *testing.T) {
			t.Parallel()
			flags := withLibraries(t, "/bin/bash")
			const terminal = "/lib/terminfo/v/vt100"
			flags = append(flags, "-file", terminal+":"+terminal)
			c := converse(t, m, append(flags, busyboxTools(t, "cat", "sh", "sleep", "tr")...), "/bin/bash", "--norc")
			c.lineEditing()
			c.abandons(true)
			c.signalKeys()
			c.jobControl()
			c.prompted("exit 7\r")
			c.ends(7)
		})
	}
}

// busyboxTools puts applets into the guest under their own names.
func busyboxTools(t *testing.T, names ...string) (flags []string) {
	t.Helper()
	for _, n := range names {
		flags = append(flags, "-file", busybox.build(t)+":/bin/"+n)
	}
	return flags
}
