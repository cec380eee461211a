package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLayout reads an image back with the standard library's ELF reader, as a
// PVH loader would.
func TestLayout(t *testing.T) {
	const entry = imageBase + 0x200040
	text := bytes.Repeat([]byte{0x90}, 5000)
	img := layout([]segment{
		{vaddr: stubAddr, paddr: stubAddr, data: stub(entry)},
		{vaddr: imageBase + 0x200000, paddr: 0x200000, memsz: 9000, data: text},
	})
	f, err := elf.NewFile(bytes.NewReader(img))
	if err != nil {
		t.Fatal(err)
	}
	var loads []*elf.Prog
	for _, p := range f.Progs {
		switch p.Type {
		case elf.PT_NOTE:
			b := make([]byte, p.Filesz)
			if _, err := p.ReadAt(b, 0); err != nil {
				t.Fatal(err)
			}
			le := binary.LittleEndian
			if le.Uint32(b) != 4 || le.Uint32(b[4:]) != 4 || le.Uint32(b[8:]) != 18 || string(b[12:16]) != "Xen\x00" {
				t.Errorf("note header % x", b[:16])
			}
			if got := le.Uint32(b[16:]); got != stubAddr {
				t.Errorf("note names entry %#x, want %#x", got, stubAddr)
			}
		case elf.PT_LOAD:
			loads = append(loads, p)
		}
	}
	if len(loads) != 2 {
		t.Fatalf("%d PT_LOADs, want 2", len(loads))
	}
	if p := loads[1]; p.Paddr != 0x200000 || p.Filesz != 5000 || p.Memsz != 9000 || p.Off%4096 != 0 {
		t.Errorf("kernel segment %+v", p.ProgHeader)
	}
	got := make([]byte, 5000)
	if _, err := loads[1].ReadAt(got, 0); err != nil || !bytes.Equal(got, text) {
		t.Error("kernel segment's bytes differ")
	}
}

// TestStub checks what arch/amd64 and the loader rely on.
func TestStub(t *testing.T) {
	const entry = 0xffffffff80200040
	b := stub(entry)
	if len(b) != stubSize {
		t.Fatalf("%d bytes, want %d", len(b), stubSize)
	}
	if n := len(code32()); n > longMode {
		t.Errorf("the 32-bit part is %d bytes long and runs into the 64-bit part at %d", n, longMode)
	}
	le := binary.LittleEndian
	if i := bytes.Index(b[longMode:], le.AppendUint64(nil, entry)); i < 0 {
		t.Error("the entry address is not in the 64-bit part")
	}
	// Each of the three views leads to the same 2 MiB pages.
	for _, va := range []uint64{5 << 21, 0xffff880000000000 + 5<<21, imageBase + 5<<21} {
		e := le.Uint64(b[pml4Off+8*(va>>39&511):])
		for _, shift := range []uint{30, 21} {
			if e&1 == 0 {
				t.Fatalf("%#x is not mapped", va)
			}
			e = le.Uint64(b[e&^0xfff-stubAddr+8*(va>>shift&511):])
		}
		if e != 5<<21|0x83 {
			t.Errorf("%#x maps to %#x", va, e)
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	dir := t.TempDir()
	notELF := filepath.Join(dir, "text")
	if err := os.WriteFile(notELF, []byte(strings.Repeat("#!/bin/sh\n", 20)), 0o755); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "image")
	for _, tt := range []struct{ name, in, want string }{
		{"missing", filepath.Join(dir, "none"), "no such file"},
		{"not ELF", notELF, "magic"},
		{"not a kernel", os.Args[0], "no symbol"},
	} {
		err := build(out, tt.in)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: an image was written", tt.name)
		}
	}
}
