// Package program tells, before anything is booted, whether a file is one that
// the kernel can run, and if not says why in the words of whoever named it.
package program

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A shell's exit statuses for a program that could not be started.
const (
	StatusNotRunnable = 126
	StatusMissing     = 127
)

// Error says why a program can't run; Status is what a shell would exit with.
type Error struct {
	Status int
	Reason string
}

func (e *Error) Error() string { return e.Reason }

func missing(format string, a ...any) error {
	return &Error{StatusMissing, fmt.Sprintf(format, a...)}
}

func notRunnable(format string, a ...any) error {
	return &Error{StatusNotRunnable, fmt.Sprintf(format, a...)}
}

// Check returns nil for an x86-64 executable and an *Error otherwise. A dynamic
// one passes if inGuest says that the guest has the interpreter it names.
func Check(path string, inGuest func(path string) bool) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return missing("%s: no such file%s", path, hint(path))
	case err != nil:
		return notRunnable("%v", err)
	case info.IsDir():
		return notRunnable("%s: is a directory", path)
	case !info.Mode().IsRegular():
		return notRunnable("%s: not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return notRunnable("%v", err)
	}
	defer func() { _ = f.Close() }()
	if info.Mode()&0o111 == 0 {
		return notRunnable("%s: not executable (chmod +x %s)", path, path)
	}
	return CheckImage(path, f, info.Size(), inGuest)
}

// hint helps whoever expected a search of PATH.
func hint(path string) string {
	if strings.ContainsRune(path, filepath.Separator) {
		return ""
	}
	if found, err := exec.LookPath(path); err == nil {
		return fmt.Sprintf(" (PATH is not searched: say %s)", found)
	}
	return ""
}

// CheckImage is Check for the contents alone; name is for messages.
func CheckImage(name string, r io.ReaderAt, size int64, inGuest func(path string) bool) error {
	var head [64]byte
	n, err := r.ReadAt(head[:], 0)
	if err != nil && err != io.EOF {
		return notRunnable("%s: %v", name, err)
	}
	switch h := head[:n]; {
	case n == 0:
		return notRunnable("%s: the file is empty", name)
	case bytes.HasPrefix(h, []byte("#!")):
		return notRunnable("%s: a script; run its interpreter and put the script into the guest with -file", name)
	case !bytes.HasPrefix(h, []byte(elf.ELFMAG)):
		return notRunnable("%s: not an ELF executable", name)
	case n < len(head):
		return notRunnable("%s: truncated ELF header (%d bytes)", name, n)
	}
	if elf.Class(head[elf.EI_CLASS]) != elf.ELFCLASS64 {
		return notRunnable("%s: not a 64-bit executable (%v)", name, elf.Class(head[elf.EI_CLASS]))
	}
	f, err := elf.NewFile(r)
	if err != nil {
		return notRunnable("%s: malformed ELF: %v", name, err)
	}
	return checkHeaders(name, f, uint64(size), inGuest)
}

func checkHeaders(name string, f *elf.File, size uint64, inGuest func(path string) bool) error {
	if f.Machine != elf.EM_X86_64 {
		return notRunnable("%s: built for %v; Yolk runs x86-64 programs", name, f.Machine)
	}
	if f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN {
		return notRunnable("%s: an ELF file of type %v, not an executable", name, f.Type)
	}
	loads, entry := 0, false
	for _, p := range f.Progs {
		switch p.Type {
		case elf.PT_INTERP:
			if interp := interpreter(p); !inGuest(interp) {
				return notRunnable("%s: dynamically linked, and the guest has no %s: link it with -static, or name a -root that has its libraries", name, interp)
			}
		case elf.PT_LOAD:
			if err := checkSegment(name, loads, p, size); err != nil {
				return err
			}
			loads++
			entry = entry || p.Flags&elf.PF_X != 0 && f.Entry >= p.Vaddr && f.Entry-p.Vaddr < p.Memsz
		}
	}
	switch {
	case loads == 0:
		return notRunnable("%s: malformed ELF: nothing to load", name)
	case !entry:
		return notRunnable("%s: malformed ELF: entry point %#x is in no executable segment", name, f.Entry)
	}
	return nil
}

func interpreter(p *elf.Prog) string {
	b, err := io.ReadAll(io.LimitReader(p.Open(), 256))
	if err != nil {
		return "an interpreter"
	}
	return strings.TrimRight(string(b), "\x00")
}

// userEnd is where the user half of the address space ends.
const userEnd = 1 << 47

func checkSegment(name string, i int, p *elf.Prog, size uint64) error {
	switch {
	case p.Filesz > p.Memsz:
		return notRunnable("%s: malformed ELF: segment %d is larger in the file than in memory", name, i)
	case p.Off > size || p.Filesz > size-p.Off:
		return notRunnable("%s: truncated: segment %d ends at byte %d of %d", name, i, p.Off+p.Filesz, size)
	case p.Vaddr >= userEnd || p.Memsz > userEnd-p.Vaddr:
		return notRunnable("%s: malformed ELF: segment %d at %#x is outside the user address space", name, i, p.Vaddr)
	case p.Align > 1 && (p.Vaddr-p.Off)%4096 != 0:
		return notRunnable("%s: malformed ELF: segment %d is not page-aligned", name, i)
	}
	return nil
}
