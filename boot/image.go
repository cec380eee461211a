package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// imageBase is virtual minus physical of the kernel image; arch/amd64 has the
// same number.
const imageBase = 0xffffffff80000000

// entrySymbol is where the stub jumps to.
const entrySymbol = "yolk/arch/amd64.entry64"

// segment is one PT_LOAD of the image.
type segment struct {
	vaddr, paddr, memsz uint64
	flags               elf.ProgFlag
	data                []byte
}

// build reads the linked kernel and writes the image.
func build(out, linked string) error {
	f, err := elf.Open(linked)
	if err != nil {
		return err
	}
	defer f.Close()
	if f.Class != elf.ELFCLASS64 || f.Machine != elf.EM_X86_64 {
		return fmt.Errorf("%s is not an x86-64 ELF file", linked)
	}
	entry, err := symbol(f, entrySymbol)
	if err != nil {
		return err
	}
	segs := []segment{{vaddr: stubAddr, paddr: stubAddr, flags: elf.PF_R | elf.PF_W | elf.PF_X, data: stub(entry)}}
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD {
			continue
		}
		if p.Vaddr < imageBase+stubAddr+stubSize {
			return fmt.Errorf("segment at %#x: the kernel must be linked above %#x (-T)", p.Vaddr, uint64(imageBase+stubAddr+stubSize))
		}
		data := make([]byte, p.Filesz)
		if _, err := p.ReadAt(data, 0); err != nil {
			return err
		}
		segs = append(segs, segment{p.Vaddr, p.Vaddr - imageBase, p.Memsz, p.Flags, data})
	}
	return os.WriteFile(out, layout(segs), 0o644)
}

func symbol(f *elf.File, name string) (uint64, error) {
	syms, err := f.Symbols()
	if errors.Is(err, elf.ErrNoSymbols) {
		return 0, errors.New("the linked kernel has no symbol table: link it without -s")
	}
	if err != nil {
		return 0, err
	}
	for _, s := range syms {
		if s.Name == name {
			return s.Value, nil
		}
	}
	return 0, fmt.Errorf("the linked kernel has no symbol %s", name)
}

// note is the PVH note: name Xen, type 18 (XEN_ELFNOTE_PHYS32_ENTRY), the
// 32-bit physical entry (Xen public headers, elfnote.h).
func note() []byte {
	var b bytes.Buffer
	for _, v := range []uint32{4, 4, 18} {
		binary.Write(&b, binary.LittleEndian, v)
	}
	b.WriteString("Xen\x00")
	binary.Write(&b, binary.LittleEndian, uint32(stubAddr))
	return b.Bytes()
}

// layout writes ELF header, program headers, note and segments.
func layout(segs []segment) []byte {
	const page = 4096
	n := note()
	phnum := len(segs) + 1
	noteOff := uint64(64 + 56*phnum)
	var b bytes.Buffer
	hdr := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: 1,
		Entry: stubAddr, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: uint16(phnum),
	}
	copy(hdr.Ident[:], elf.ELFMAG)
	hdr.Ident[elf.EI_CLASS] = byte(elf.ELFCLASS64)
	hdr.Ident[elf.EI_DATA] = byte(elf.ELFDATA2LSB)
	hdr.Ident[elf.EI_VERSION] = byte(elf.EV_CURRENT)
	binary.Write(&b, binary.LittleEndian, hdr)
	binary.Write(&b, binary.LittleEndian, elf.Prog64{
		Type: uint32(elf.PT_NOTE), Flags: uint32(elf.PF_R), Off: noteOff,
		Filesz: uint64(len(n)), Memsz: uint64(len(n)), Align: 4,
	})
	off := (noteOff + uint64(len(n)) + page - 1) &^ (page - 1)
	for _, s := range segs {
		memsz := max(s.memsz, uint64(len(s.data)))
		binary.Write(&b, binary.LittleEndian, elf.Prog64{
			Type: uint32(elf.PT_LOAD), Flags: uint32(s.flags), Off: off, Vaddr: s.vaddr, Paddr: s.paddr,
			Filesz: uint64(len(s.data)), Memsz: memsz, Align: page,
		})
		off += (uint64(len(s.data)) + page - 1) &^ (page - 1)
	}
	b.Write(n)
	for _, s := range segs {
		b.Write(make([]byte, -b.Len()&(page-1)))
		b.Write(s.data)
	}
	return b.Bytes()
}
