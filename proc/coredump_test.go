package proc

import (
	"bytes"
	"debug/elf"
	"testing"

	"yolk/arch"
	"yolk/mm"
)

func TestExpandCore(t *testing.T) {
	value := func(c byte) string { return map[byte]string{'%': "%", 'p': "42"}[c] }
	for pattern, want := range map[string]string{
		"core": "core", "/tmp/c-%p": "/tmp/c-42", "%%%p%q%": "%42", "": "",
	} {
		if got := expandCore(pattern, value); got != want {
			t.Errorf("%q is %q, want %q", pattern, got, want)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct{ status, code, value int32 }{
		{3 << 8, CLDExited, 3}, {SIGKILL, CLDKilled, SIGKILL}, {SIGABRT | coreDumped, CLDDumped, SIGABRT},
	} {
		if code, value := exitCode(c.status); code != c.code || value != c.value {
			t.Errorf("status %x: %d, %d", c.status, code, value)
		}
	}
}

// TestCoreHead: what comes before the memory is an ELF core file, with the
// memory's places behind it.
func TestCoreHead(t *testing.T) {
	task := newProcess(t, initGroup)
	task.runAsTest(t)
	head := task.coreHead(SIGSEGV, []mm.CoreSegment{
		{Start: 0x400000, End: 0x403000, Flags: mm.VMRead | mm.VMExec, Dump: arch.PageSize},
		{Start: 0x600000, End: 0x602000, Flags: mm.VMRead | mm.VMWrite, Dump: 2 * arch.PageSize},
	})
	if len(head)%arch.PageSize != 0 {
		t.Errorf("%d bytes", len(head))
	}
	f, err := elf.NewFile(bytes.NewReader(head))
	if err != nil {
		t.Fatal(err)
	}
	if f.Type != elf.ET_CORE || len(f.Progs) != 3 || f.Progs[0].Type != elf.PT_NOTE {
		t.Fatalf("%+v", f.FileHeader)
	}
	text, data := f.Progs[1].ProgHeader, f.Progs[2].ProgHeader
	if text.Flags != elf.PF_R|elf.PF_X || text.Off != uint64(len(head)) || text.Filesz != arch.PageSize || text.Memsz != 0x3000 ||
		data.Off != text.Off+arch.PageSize || data.Vaddr != 0x600000 {
		t.Errorf("%+v, %+v", text, data)
	}
	notes := make([]byte, f.Progs[0].Filesz)
	f.Progs[0].ReadAt(notes, 0)
	// Sizes of elf_prstatus and elf_prpsinfo, each with a header and a name.
	if want := 2*(12+8) + 336 + 136; len(notes) != want || notes[4] != 336%256 || notes[20] != SIGSEGV {
		t.Errorf("%d bytes of notes, want %d: % x", len(notes), want, notes[:32])
	}
}
