package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"yolk/qemu/harness"
)

// busybox is the host's own, static one: its applets, through its shell.
func (s *suite) busybox() part {
	const name = "busybox/applets"
	return part{[]string{name}, func(ctx context.Context, _ []string) ([]harness.Group, error) {
		root := filepath.Join(s.out, "busybox")
		if err := busyboxRoot(ctx, root); err != nil {
			return nil, err
		}
		t, err := s.script(name, "busybox", 5, "/bin/busybox", "sh")
		return []harness.Group{{Name: "busybox", Flags: []string{"-root", root}, Tests: []harness.Test{t}}}, err
	}}
}

// busyboxRoot makes a root with a link for each applet that this busybox has, and
// the files of a small system that programs expect.
func busyboxRoot(ctx context.Context, root string) error {
	path, err := exec.LookPath("busybox")
	if err != nil {
		return err
	}
	list, err := exec.CommandContext(ctx, path, "--list").Output()
	if err != nil {
		return err
	}
	if err := os.RemoveAll(root); err != nil {
		return err
	}
	for _, d := range []string{"bin", "dev", "etc", "proc", "sys", "tmp", "usr/bin"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			return err
		}
	}
	data, err := os.ReadFile(path)
	for name, text := range map[string]string{
		"bin/busybox": string(data),
		"etc/passwd":  "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
		"etc/group":   "root:x:0:\nnogroup:x:65534:\n",
		"etc/hosts":   "127.0.0.1 localhost\n",
		"usr/bin/env": string(data),
	} {
		if err == nil {
			err = os.WriteFile(filepath.Join(root, name), []byte(text), 0o755)
		}
	}
	for _, applet := range strings.Fields(string(list)) {
		if err == nil && applet != "busybox" {
			err = os.Symlink("busybox", filepath.Join(root, "bin", applet))
		}
	}
	return err
}
