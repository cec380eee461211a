package main

import "encoding/binary"

// The stub lies at 1 MiB: code, GDT, and page tables that map the first GiB
// three times: one to one, at the kernel image, and as the start of the direct
// map. arch/amd64 builds its own tables and leaves these to the start of the
// other CPUs, which come through here too.
const (
	stubAddr = 0x100000
	stubSize = 0x5000

	longMode = 0x80  // offset of the 64-bit part
	gdtOff   = 0xfc0 // null, 64-bit code, data, 32-bit code
	gdtrOff  = 0xff0 // arch/amd64 copies these six bytes for real mode

	pml4Off = 0x1000
	lowOff  = 0x2000 // page-directory pointers of the low and direct map
	highOff = 0x3000 // those of the image
	dirOff  = 0x4000 // 512 pages of 2 MiB
)

// code32 runs in protected mode with flat segments, paging off. EBX: physical
// address of the start info, 0 on an application processor.
func code32() []byte {
	le := func(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }
	var c []byte
	for _, part := range [][]byte{
		{0xfa, 0xfc},                   // cli; cld
		{0x89, 0xde},                   // mov esi, ebx
		{0x0f, 0x20, 0xe0},             // mov eax, cr4
		{0x83, 0xc8, 0x20},             // or eax, PAE
		{0x0f, 0x22, 0xe0},             // mov cr4, eax
		{0xb8}, le(stubAddr + pml4Off), // mov eax, pml4
		{0x0f, 0x22, 0xd8},     // mov cr3, eax
		{0xb9}, le(0xc0000080), // mov ecx, EFER
		{0x0f, 0x32},      // rdmsr
		{0x0d}, le(0x901), // or eax, NXE | LME | SCE
		{0x0f, 0x30},           // wrmsr
		{0x0f, 0x20, 0xc0},     // mov eax, cr0
		{0x0d}, le(0x80010001), // or eax, PG | WP | PE
		{0x0f, 0x22, 0xc0},                         // mov cr0, eax
		{0x0f, 0x01, 0x15}, le(stubAddr + gdtrOff), // lgdt [gdtr]
		{0xea}, le(stubAddr + longMode), {0x08, 0x00}, // ljmp 0x08:long mode
	} {
		c = append(c, part...)
	}
	return c
}

// code64 is the first code in long mode.
func code64(entry uint64) []byte {
	c := []byte{
		0x31, 0xc0, // xor eax, eax
		0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, 0x8e, 0xe0, 0x8e, 0xe8, // mov ds, es, ss, fs, gs, ax
		0x89, 0xf7, // mov edi, esi
		0x48, 0xb8, // mov rax, entry
	}
	c = binary.LittleEndian.AppendUint64(c, entry)
	return append(c, 0xff, 0xe0) // jmp rax
}

// stub returns the stub's bytes.
func stub(entry uint64) []byte {
	b := make([]byte, stubSize)
	put := func(off int, v uint64) { binary.LittleEndian.PutUint64(b[off:], v) }
	copy(b, code32())
	copy(b[longMode:], code64(entry))
	for i, d := range []uint64{0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cf9b000000ffff} {
		put(gdtOff+8*i, d)
	}
	binary.LittleEndian.PutUint16(b[gdtrOff:], 31)
	binary.LittleEndian.PutUint32(b[gdtrOff+2:], stubAddr+gdtOff)

	const rw, large = 3, 0x83
	put(pml4Off, stubAddr+lowOff|rw)
	put(pml4Off+8*272, stubAddr+lowOff|rw)
	put(pml4Off+8*511, stubAddr+highOff|rw)
	put(lowOff, stubAddr+dirOff|rw)
	put(highOff+8*510, stubAddr+dirOff|rw)
	for i := range 512 {
		put(dirOff+8*i, uint64(i)<<21|large)
	}
	return b
}
