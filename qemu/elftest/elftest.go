// Package elftest makes small ELF images for tests: a static x86-64 executable
// that exits with 0, to be spoilt in one way each.
package elftest

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// Base is where the image wants to be loaded.
const Base = 0x400000

// Static is a valid executable of one segment. The options change its headers.
func Static(change ...func(*elf.Header64, *elf.Prog64)) []byte {
	code := []byte{0x31, 0xff, 0xb8, 60, 0, 0, 0, 0x0f, 0x05} // exit(0)
	const headers = 64 + 56
	h := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: 1,
		Entry: Base + headers, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1, Shentsize: 64,
	}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS] = byte(elf.ELFCLASS64)
	h.Ident[elf.EI_DATA] = byte(elf.ELFDATA2LSB)
	h.Ident[elf.EI_VERSION] = 1
	size := uint64(headers + len(code))
	p := elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X),
		Vaddr: Base, Paddr: Base, Filesz: size, Memsz: size, Align: 4096}
	for _, f := range change {
		f(&h, &p)
	}
	var b bytes.Buffer
	_ = binary.Write(&b, binary.LittleEndian, &h) // to memory: can't fail
	_ = binary.Write(&b, binary.LittleEndian, &p)
	b.Write(code)
	return b.Bytes()
}
