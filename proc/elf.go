package proc

import (
	"encoding/binary"
	errno "syscall"

	"yolk/arch"
)

// Reading ELF headers. Everything in a file is untrusted: each number is checked
// here, before anything is mapped, so that the loader can add and align without
// overflow.

const (
	ehdrSize = 64
	phdrSize = 56
	// maxPhdrs bounds the program header table to 64 KiB, as Linux does.
	maxPhdrs = 65536 / phdrSize
	// maxInterp is PATH_MAX, which bounds the name of an interpreter.
	maxInterp = 4096

	etExec    = 2
	etDyn     = 3
	emX86_64  = 62
	ptLoad    = 1
	ptInterp  = 3
	ptPhdr    = 6
	pfX       = 1
	pfW       = 2
	pfR       = 4
	maxAlign  = 1 << 30
	pageBelow = arch.PageSize - 1
)

// segment is a PT_LOAD program header.
type segment struct {
	flags         uint32
	off, vaddr    uint64
	filesz, memsz uint64
}

func (s *segment) start() uint64   { return s.vaddr &^ pageBelow }
func (s *segment) end() uint64     { return (s.vaddr + s.memsz + pageBelow) &^ pageBelow }
func (s *segment) fileEnd() uint64 { return s.vaddr + s.filesz }

// image is what exec needs to know of an ELF file. Invariants: segments is not
// empty and ascends without two sharing a page; every segment lies below
// TaskSize and, with its file part, within the file.
type image struct {
	dyn      bool   // position independent
	entry    uint64 // addresses are relative to the load bias
	phdr     uint64 // where the program headers will be in memory, 0 if nowhere
	phnum    int
	align    uint64 // greatest alignment of a segment
	segments []segment

	interpOff, interpLen uint64 // in the file: the interpreter's name, if it has one
}

// execError is why a file cannot be executed: the errno for the program, and
// words for the one who started it.
type execError struct {
	errno  errno.Errno
	reason string
}

func notExec(reason string) *execError { return &execError{errno.ENOEXEC, reason} }

// parseELF checks the ELF file of the given size. head is its beginning; read
// fills a buffer from an offset, or fails. The result is nil on error.
func parseELF(head []byte, size uint64, read func(p []byte, off uint64) errno.Errno) (*image, *execError) {
	if e := checkHeader(head); e != nil {
		return nil, e
	}
	le := binary.LittleEndian
	im := &image{dyn: le.Uint16(head[16:]) == etDyn, entry: le.Uint64(head[24:]), phnum: int(le.Uint16(head[56:]))}
	phoff := le.Uint64(head[32:])
	table := make([]byte, im.phnum*phdrSize)
	if phoff > size || uint64(len(table)) > size-phoff {
		return nil, notExec("truncated program headers")
	}
	if e := read(table, phoff); e != 0 {
		return nil, &execError{e, "cannot read the program headers"}
	}
	for ; len(table) > 0; table = table[phdrSize:] {
		if e := im.addHeader(table[:phdrSize], size); e != nil {
			return nil, e
		}
	}
	return im, im.finish(phoff)
}

// checkHeader checks the ELF header proper.
func checkHeader(head []byte) *execError {
	le := binary.LittleEndian
	switch {
	case len(head) < ehdrSize || string(head[:4]) != "\x7fELF":
		return notExec("not an ELF file")
	case head[4] != 2:
		return notExec("not a 64-bit ELF file")
	case head[5] != 1 || le.Uint16(head[18:]) != emX86_64:
		return notExec("not an x86-64 executable")
	case le.Uint16(head[16:]) != etExec && le.Uint16(head[16:]) != etDyn:
		return notExec("not an executable (neither ET_EXEC nor ET_DYN)")
	case le.Uint16(head[54:]) != phdrSize:
		return notExec("program headers of an unknown size")
	}
	if n := le.Uint16(head[56:]); n == 0 || int(n) > maxPhdrs {
		return notExec("no program headers, or too many")
	}
	return nil
}

// addHeader takes in one program header.
func (im *image) addHeader(h []byte, size uint64) *execError {
	le := binary.LittleEndian
	typ := le.Uint32(h)
	switch typ {
	case ptInterp:
		im.interpOff, im.interpLen = le.Uint64(h[8:]), le.Uint64(h[32:])
		if im.interpOff > size || im.interpLen > size-im.interpOff {
			return notExec("truncated name of an interpreter")
		}
		if im.interpLen < 2 || im.interpLen > maxInterp {
			return notExec("name of the interpreter empty or too long")
		}
		return nil
	case ptPhdr:
		im.phdr = le.Uint64(h[16:])
		return nil
	case ptLoad:
	default:
		return nil
	}
	s := segment{
		flags: le.Uint32(h[4:]), off: le.Uint64(h[8:]), vaddr: le.Uint64(h[16:]),
		filesz: le.Uint64(h[32:]), memsz: le.Uint64(h[40:]),
	}
	if e := s.check(size); e != nil {
		return e
	}
	if s.memsz == 0 {
		return nil
	}
	if n := len(im.segments); n > 0 && im.segments[n-1].end() > s.start() {
		return notExec("segments overlap or do not ascend")
	}
	if align := le.Uint64(h[48:]); align > im.align && align <= maxAlign && align&(align-1) == 0 {
		im.align = align
	}
	im.segments = append(im.segments, s)
	return nil
}

func (s *segment) check(size uint64) *execError {
	switch {
	case s.filesz > s.memsz:
		return &execError{errno.EINVAL, "segment larger in the file than in memory"}
	case s.memsz > arch.TaskSize || s.vaddr > arch.TaskSize-s.memsz:
		return &execError{errno.EINVAL, "segment outside the address space"}
	case s.off > size || s.filesz > size-s.off:
		return notExec("truncated segment")
	case (s.vaddr-s.off)&pageBelow != 0 && s.filesz != 0:
		return &execError{errno.EINVAL, "segment not aligned with the file"}
	}
	return nil
}

// finish checks what concerns the image as a whole, and finds where in memory
// the program headers come to lie.
func (im *image) finish(phoff uint64) *execError {
	if len(im.segments) == 0 {
		return notExec("nothing to load")
	}
	if im.entry >= arch.TaskSize {
		return &execError{errno.EINVAL, "entry point outside the address space"}
	}
	if im.phdr >= arch.TaskSize {
		im.phdr = 0
	}
	for _, s := range im.segments {
		if im.phdr == 0 && phoff >= s.off && phoff-s.off < s.filesz {
			im.phdr = phoff - s.off + s.vaddr
		}
	}
	return nil
}

// span is the range of pages that the segments cover.
func (im *image) span() (start, end uint64) {
	return im.segments[0].start(), im.segments[len(im.segments)-1].end()
}

// dynBase is the lowest place where position-independent programs are put: two
// thirds up, as on Linux.
const dynBase = 0x555555554000

// bias returns what to add to all addresses of the image: a position-independent one
// goes to dynBase+up. ENOMEM when it is too large to be placed.
func (im *image) bias(up uint64) (uint64, *execError) {
	if !im.dyn {
		return 0, nil
	}
	start, end := im.span()
	base := dynBase + up
	if im.align > arch.PageSize {
		base = (base + im.align - 1) &^ (im.align - 1)
	}
	if end-start > arch.TaskSize-base {
		return 0, &execError{errno.ENOMEM, "image too large"}
	}
	// Addresses wrap around below zero when start is above base; sums come out right.
	return base - start, nil
}
