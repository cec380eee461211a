package proc

import (
	"bytes"
	"encoding/binary"

	"yolk/arch"
	"yolk/mm"
)

// What comes before the memory in a core file: the ELF header, a program header
// for the notes and for each mapping, and the notes.

const (
	etCore     = 4
	ptNote     = 4
	ntPRStatus = 1
	ntPRPSInfo = 3
	phnumXNum  = 0xffff // in e_phnum: the number does not fit
)

// coreHeader is Elf64_Ehdr, coreProg Elf64_Phdr.
type (
	coreHeader struct {
		Ident                             [16]byte
		Type, Machine                     uint16
		Version                           uint32
		Entry, Phoff, Shoff               uint64
		Flags                             uint32
		Ehsize, Phentsize, Phnum, _, _, _ uint16
	}
	coreProg struct {
		Type, Flags                             uint32
		Off, Vaddr, Paddr, Filesz, Memsz, Align uint64
	}
)

// coreStatus is struct elf_prstatus, the note NT_PRSTATUS.
type coreStatus struct {
	Signo, Code, Errno       int32
	Current                  int16
	_                        [2]byte
	Pending, Blocked         uint64
	PID, PPID, PGrp, Session int32
	Times                    [8]int64 // user, system, and the children's: seconds and microseconds
	Regs                     UserRegs
	FPValid                  int32
	_                        int32
}

// corePSInfo is struct elf_prpsinfo, the note NT_PRPSINFO.
type corePSInfo struct {
	State, Letter, Zombie, Nice int8
	_                           [4]byte
	Flags                       uint64
	UID, GID                    uint32
	PID, PPID, PGrp, Session    int32
	Name                        [16]byte
	Args                        [80]byte
}

// coreHead returns all that comes before the memory, padded to a page; nil when there is
// no room for it.
func (t *Task) coreHead(sig int, segments []mm.CoreSegment) []byte {
	notes := t.coreNotes(sig)
	n := min(len(segments)+1, phnumXNum-1)
	start := ehdrSize + n*phdrSize
	size := (start + len(notes) + arch.PageSize - 1) &^ (arch.PageSize - 1)
	room := mm.MakeSlice[byte](size)
	if room == nil {
		return nil
	}
	b := bytes.NewBuffer(room[:0])
	le := func(v any) { binary.Write(b, binary.LittleEndian, v) }
	le(coreHeader{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', 2, 1, 1}, // 64 bits, little endian, version 1
		Type:  etCore, Machine: emX86_64, Version: 1,
		Phoff: ehdrSize, Ehsize: ehdrSize, Phentsize: phdrSize, Phnum: uint16(n),
	})
	le(coreProg{Type: ptNote, Off: uint64(start), Filesz: uint64(len(notes)), Align: 4})
	off := uint64(size)
	for _, s := range segments[:n-1] {
		le(coreProg{
			Type: ptLoad, Flags: segmentFlags(s.Flags), Off: off, Vaddr: uint64(s.Start),
			Filesz: uint64(s.Dump), Memsz: uint64(s.End - s.Start), Align: arch.PageSize,
		})
		off += uint64(s.Dump)
	}
	b.Write(notes)
	return room
}

// segmentFlags are the permissions as program headers give them.
func segmentFlags(f mm.VMFlags) (p uint32) {
	if f&mm.VMRead != 0 {
		p |= pfR
	}
	if f&mm.VMWrite != 0 {
		p |= pfW
	}
	if f&mm.VMExec != 0 {
		p |= pfX
	}
	return p
}

// coreNotes are the notes, of the thread that took the signal only: the others
// have ended or are about to.
func (t *Task) coreNotes(sig int) []byte {
	s := t.snapshot()
	ids := [4]int32{int32(t.TID), int32(s.ppid), int32(s.pgrp), int32(s.session)}
	status := coreStatus{
		Signo: int32(sig), Current: int16(sig), Pending: uint64(s.pending), Blocked: uint64(s.blocked),
		PID: ids[0], PPID: ids[1], PGrp: ids[2], Session: ids[3], Regs: t.TraceRegs(),
	}
	for i, ns := range [4]int64{s.times.User, s.times.System, s.children.User, s.children.System} {
		status.Times[2*i], status.Times[2*i+1] = ns/1e9, ns%1e9/1e3
	}
	info := corePSInfo{Letter: 'R', UID: s.creds.UID, GID: s.creds.GID, PID: int32(t.PID), PPID: ids[1], PGrp: ids[2], Session: ids[3]}
	copy(info.Name[:15], t.Comm())
	args := appendRange(nil, t.MM, t.MM.ArgStart, min(t.MM.ArgEnd, t.MM.ArgStart+uintptr(len(info.Args))))
	copy(info.Args[:len(info.Args)-1], bytes.ReplaceAll(args, []byte{0}, []byte{' '}))
	var b bytes.Buffer
	addNote(&b, ntPRStatus, &status)
	addNote(&b, ntPRPSInfo, &info)
	return b.Bytes()
}

// addNote appends a note of the owner CORE.
func addNote(b *bytes.Buffer, kind uint32, desc any) {
	name := [8]byte{'C', 'O', 'R', 'E'}
	binary.Write(b, binary.LittleEndian, [3]uint32{5, uint32(binary.Size(desc)), kind})
	b.Write(name[:])
	binary.Write(b, binary.LittleEndian, desc)
}
