package machine

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// echoKernel says "ready" on COM4, sends back what comes over COM2 until an
// escape byte, says "exit 42" and powers off. 32-bit code, loaded at 1 MiB.
var echoKernel = []byte("" +
	"\xbe\x44\x00\x10\x00" + //	mov	$ready, %esi
	"\xba\xe8\x02\x00\x00" + //	mov	$0x2e8, %edx
	"\xb9\x06\x00\x00\x00" + //	mov	$6, %ecx
	"\xf3\x6e" + //			rep outsb
	"\xba\xfd\x02\x00\x00" + // 1:	mov	$0x2fd, %edx
	"\xec" + //			in	(%dx), %al
	"\x24\x21" + //			and	$0x21, %al: a byte is here, and one can go
	"\x3c\x21" + //			cmp	$0x21, %al
	"\x75\xf4" + //			jne	1b
	"\xba\xf8\x02\x00\x00" + //	mov	$0x2f8, %edx
	"\xec" + //			in	(%dx), %al
	"\x3c\xff" + //			cmp	$0xff, %al
	"\x74\x03" + //			je	2f
	"\xee" + //			out	%al, (%dx)
	"\xeb\xe7" + //			jmp	1b
	"\xbe\x4a\x00\x10\x00" + // 2:	mov	$bye, %esi
	"\xba\xe8\x02\x00\x00" + //	mov	$0x2e8, %edx
	"\xb9\x08\x00\x00\x00" + //	mov	$8, %ecx
	"\xf3\x6e" + //			rep outsb
	"\xba\xf4\x00\x00\x00" + //	mov	$0xf4, %edx
	"\xee" + //			out	%al, (%dx)
	"\xf4" + // 3:			hlt
	"\xeb\xfd" + //			jmp	3b
	"ready\nexit 42\n")

// writeKernel makes a PVH image of code: an ELF file whose note gives the entry.
func writeKernel(t *testing.T, code []byte) string {
	t.Helper()
	const load, headers = 0x100000, 64 + 2*56
	note := []byte("\x04\x00\x00\x00\x04\x00\x00\x00\x12\x00\x00\x00Xen\x00\x00\x00\x10\x00")
	h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: 1, Entry: load,
		Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 2}
	copy(h.Ident[:], elf.ELFMAG+"\x02\x01\x01")
	codeAt := uint64(headers + len(note))
	var b bytes.Buffer
	for _, part := range []any{
		&h,
		&elf.Prog64{Type: uint32(elf.PT_NOTE), Off: headers, Filesz: uint64(len(note)), Memsz: uint64(len(note)), Align: 4},
		&elf.Prog64{Type: uint32(elf.PT_LOAD), Off: codeAt, Vaddr: load, Paddr: load,
			Filesz: uint64(len(code)), Memsz: uint64(len(code)), Align: 1},
		note, code,
	} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(t.TempDir(), "kernel.elf")
	if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func findQEMU(t *testing.T) string {
	t.Helper()
	qemu, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		t.Fatal("qemu-system-x86_64 is not installed (make test installs it)")
	}
	return qemu
}

// The channels and descriptors as the real QEMU takes them, with 32 KiB each way.
func TestEcho(t *testing.T) {
	t.Parallel()
	disk, err := os.CreateTemp(t.TempDir(), "disk")
	if err != nil {
		t.Fatal(err)
	}
	if err := disk.Truncate(1 << 20); err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("All of this comes back through the guest.\n", 32<<10/42)
	var out bytes.Buffer
	ready := false
	res, err := Run(context.Background(), &Config{
		QEMU: findQEMU(t), Kernel: writeKernel(t, echoKernel), Memory: 24 << 20,
		Initrd: disk, Disks: []Disk{{File: disk, Serial: "swap"}},
		Stdin: strings.NewReader(text), Stdout: &out, Timeout: 3 * time.Minute,
		Ready: func() { ready = true },
	})
	if err != nil {
		t.Fatal(err)
	}
	if res.Ending != Exited || res.Status != 42 || !ready || res.ToReady <= 0 || res.ToReady > res.Elapsed {
		t.Errorf("got %+v, ready %v\n%s", res, ready, res.QEMUOutput)
	}
	if out.String() != text {
		t.Errorf("%d bytes came back, want %d", out.Len(), len(text))
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	began := time.Now()
	res, err := Run(context.Background(), &Config{
		QEMU: findQEMU(t), Kernel: writeKernel(t, []byte("\xeb\xfe")), Memory: 24 << 20, Timeout: time.Second,
	})
	if err != nil || res.Ending != TimedOut || time.Since(began) > 30*time.Second {
		t.Errorf("got %+v, %v after %v", res, err, time.Since(began))
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	res, err := Run(ctx, &Config{QEMU: findQEMU(t), Kernel: writeKernel(t, []byte("\xeb\xfe")), Memory: 24 << 20})
	if err != nil || res.Ending != Stopped {
		t.Errorf("got %+v, %v", res, err)
	}
}

// QEMU that refuses its arguments is a Died with its words, not a hang.
func TestRefused(t *testing.T) {
	t.Parallel()
	res, err := Run(context.Background(), &Config{
		QEMU: findQEMU(t), Kernel: writeKernel(t, []byte("\xeb\xfe")), Memory: 24 << 20, Extra: []string{"-no-such-flag"},
	})
	if err != nil || res.Ending != Died || !bytes.Contains(res.QEMUOutput, []byte("no-such-flag")) {
		t.Errorf("got %+v, %v: %s", res, err, res.QEMUOutput)
	}
	if _, err := Run(context.Background(), &Config{QEMU: "/nonexistent/qemu", Kernel: "x", Memory: 24 << 20}); err == nil {
		t.Error("a missing QEMU was started")
	}
}
