package program

import (
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"yolk/qemu/elftest"
)

func TestCheckImage(t *testing.T) {
	good := elftest.Static()
	change := func(f func(*elf.Header64, *elf.Prog64)) []byte { return elftest.Static(f) }
	tests := []struct {
		name  string
		image []byte
		want  string // part of the message; "" for none
	}{
		{"static", good, ""},
		{"static-pie", change(func(h *elf.Header64, p *elf.Prog64) {
			h.Type, h.Entry, p.Vaddr = uint16(elf.ET_DYN), h.Entry-elftest.Base, 0
		}), ""},
		{"empty", nil, "empty"},
		{"script", []byte("#!/bin/sh\necho hi\n"), "a script"},
		{"text", []byte("hello, world, this is text"), "not an ELF"},
		{"magic only", good[:4], "truncated ELF header"},
		{"half a header", good[:40], "truncated ELF header"},
		{"no program headers", good[:64], "malformed ELF"},
		{"segment cut off", good[:len(good)-1], "truncated: segment 0"},
		{"32-bit", change(func(h *elf.Header64, _ *elf.Prog64) { h.Ident[elf.EI_CLASS] = 1 }), "not a 64-bit"},
		{"arm64", change(func(h *elf.Header64, _ *elf.Prog64) { h.Machine = uint16(elf.EM_AARCH64) }), "EM_AARCH64"},
		{"object file", change(func(h *elf.Header64, _ *elf.Prog64) { h.Type = uint16(elf.ET_REL) }), "ET_REL"},
		{"dynamic", change(func(_ *elf.Header64, p *elf.Prog64) { p.Type = uint32(elf.PT_INTERP) }), "dynamically linked"},
		{"nothing to load", change(func(_ *elf.Header64, p *elf.Prog64) { p.Type = uint32(elf.PT_NOTE) }), "nothing to load"},
		{"entry elsewhere", change(func(h *elf.Header64, _ *elf.Prog64) { h.Entry = 0x10 }), "entry point 0x10"},
		{"not executable", change(func(_ *elf.Header64, p *elf.Prog64) { p.Flags = uint32(elf.PF_R) }), "entry point"},
		{"file larger than memory", change(func(_ *elf.Header64, p *elf.Prog64) { p.Memsz = 1 }), "larger in the file"},
		{"kernel address", change(func(h *elf.Header64, p *elf.Prog64) {
			p.Vaddr, h.Entry = 0xffffffff80000000, 0xffffffff80000000
		}), "outside the user address space"},
		{"wraps around", change(func(_ *elf.Header64, p *elf.Prog64) { p.Memsz = ^uint64(0) }), "outside the user address space"},
		{"offset wraps around", change(func(_ *elf.Header64, p *elf.Prog64) { p.Off = ^uint64(0) - 4095 }), "malformed ELF"},
		{"not aligned", change(func(_ *elf.Header64, p *elf.Prog64) { p.Vaddr += 8 }), "not page-aligned"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := CheckImage("prog", strings.NewReader(string(test.image)), int64(len(test.image)), noFile)
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var e *Error
			if !errors.As(err, &e) || e.Status != StatusNotRunnable || !strings.Contains(e.Reason, test.want) {
				t.Fatalf("got %v, want status %d and %q", err, StatusNotRunnable, test.want)
			}
		})
	}
}

// Every prefix of an executable is refused or accepted, never worse.
func TestCheckImageTruncatedAnywhere(t *testing.T) {
	good := elftest.Static()
	for n := range good {
		if CheckImage("prog", strings.NewReader(string(good[:n])), int64(n), noFile) == nil {
			t.Errorf("accepted the first %d of %d bytes", n, len(good))
		}
	}
}

func TestCheckFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, mode os.FileMode) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, elftest.Static(), mode); err != nil {
			t.Fatal(err)
		}
		return p
	}
	fine, noX := write("fine", 0o755), write("no-x", 0o644)
	if err := exec.Command(fine).Run(); err != nil {
		t.Errorf("the host does not run the test's own executable: %v", err)
	}
	tests := []struct {
		path, want string
		status     int
	}{
		{fine, "", 0},
		{noX, "chmod +x", StatusNotRunnable},
		{dir, "is a directory", StatusNotRunnable},
		{"/dev/null", "not a regular file", StatusNotRunnable},
		{filepath.Join(dir, "none"), "no such file", StatusMissing},
		{"sh", "PATH is not searched", StatusMissing},
	}
	for _, test := range tests {
		err := Check(test.path, noFile)
		if test.want == "" {
			if err != nil {
				t.Errorf("%s: %v", test.path, err)
			}
			continue
		}
		var e *Error
		if !errors.As(err, &e) || e.Status != test.status || !strings.Contains(e.Reason, test.want) {
			t.Errorf("%s: got %v, want status %d and %q", test.path, err, test.status, test.want)
		}
	}
}

func noFile(string) bool { return false }

// A dynamic program passes where the guest has the interpreter it asks for.
func TestDynamic(t *testing.T) {
	const bash = "/bin/bash"
	if err := Check(bash, noFile); err == nil || !strings.Contains(err.Error(), "dynamically linked") {
		t.Errorf("%s without an interpreter: %v", bash, err)
	}
	asked := ""
	if err := Check(bash, func(p string) bool { asked = p; return true }); err != nil {
		t.Errorf("%s with an interpreter: %v", bash, err)
	}
	if asked != "/lib64/ld-linux-x86-64.so.2" {
		t.Errorf("asked for %q", asked)
	}
}
