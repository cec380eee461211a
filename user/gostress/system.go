package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func files() error {
	dir, err := os.MkdirTemp("", "gostress")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	name := filepath.Join(dir, "file")
	want := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	if err := os.WriteFile(name, want, 0o600); err != nil {
		return err
	}
	got, err := os.ReadFile(name)
	if err != nil || !bytes.Equal(got, want) {
		return fmt.Errorf("read %d bytes of %d: %w", len(got), len(want), err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "file" {
		return fmt.Errorf("directory is %v, %w", entries, err)
	}
	if err := os.Rename(name, name+"2"); err != nil {
		return err
	}
	if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the old name: %w", err)
	}
	return nil
}

// pipes has a reader that waits in the netpoller or in read, and a deadline.
func pipes() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	go func() {
		for range 100 {
			_, _ = w.Write(make([]byte, 1000))
			time.Sleep(100 * time.Microsecond)
		}
		_ = w.Close()
	}()
	n, err := io.Copy(io.Discard, r)
	if err != nil || n != 100000 {
		return fmt.Errorf("%d bytes, %w", n, err)
	}
	return nil
}

func signals() error {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	defer signal.Stop(c)
	for range 5 {
		if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
			return err
		}
		select {
		case s := <-c:
			if s != syscall.SIGUSR1 {
				return fmt.Errorf("got %v", s)
			}
		case <-time.After(20 * time.Second):
			return fmt.Errorf("no signal came")
		}
	}
	return nil
}

func childProcess() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "-child", "7")
	cmd.Stdin = strings.NewReader("through two pipes")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 {
		return fmt.Errorf("child: %w", err)
	}
	if string(out) != "through two pipes" {
		return fmt.Errorf("child wrote %q", out)
	}
	return nil
}

func beChild(status int) {
	_, _ = io.Copy(os.Stdout, os.Stdin)
	os.Exit(status)
}
