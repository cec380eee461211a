package vdso

import "encoding/binary"

// The tables of the image: those that a dynamic linker goes through (the ELF and
// gABI specifications, and the LSB for versions), and section headers for
// debuggers. In the file and in memory everything is at the same offset, in one
// segment that can be read and executed.

const (
	soname  = "linux-vdso.so.1"
	version = "LINUX_2.6"

	ehdrSize, phdrSize, shdrSize = 64, 56, 64
	symSize, dynSize             = 24, 16

	symGlobal, symWeak, symObject, symFunc = 1 << 4, 2 << 4, 1, 2

	shnAbs       = 0xfff1
	versionIndex = 2 // of version; 1 is the image itself
)

// section is a piece of the image, as the section headers describe it.
type section struct {
	name       string
	typ        uint32
	flags      uint64
	start, end uint64
	link, info uint32
	entry      uint64
}

// Types and flags of sections.
const (
	shtProgbits, shtStrtab, shtHash, shtDynamic = 1, 3, 5, 6
	shtDynsym, shtVerdef, shtVersym             = 11, 0x6ffffffd, 0x6fffffff
	shfAlloc, shfExec                           = 2, 4
)

// symbol is one of the dynamic symbol table.
type symbol struct {
	name        string
	info        byte
	value, size uint64
}

// programHeaders is how many there are: LOAD, DYNAMIC and GNU_EH_FRAME.
const programHeaders = 3

// writer makes an image from its beginning to its end. The headers come last.
type writer struct {
	image    []byte
	symbols  []symbol
	sections []section
}

// newWriter leaves room for the headers; the code comes next.
func newWriter() *writer {
	w := &writer{image: make([]byte, ehdrSize+programHeaders*phdrSize, ImageSize)}
	w.align(codeAlign)
	w.begin(section{name: ".text", typ: shtProgbits, flags: shfAlloc | shfExec})
	return w
}

func (w *writer) align(n int) {
	for len(w.image)%n != 0 {
		w.image = append(w.image, 0)
	}
}

func (w *writer) put16(v ...uint16) {
	for _, v := range v {
		w.image = binary.LittleEndian.AppendUint16(w.image, v)
	}
}

func (w *writer) put32(v ...uint32) {
	for _, v := range v {
		w.image = binary.LittleEndian.AppendUint32(w.image, v)
	}
}

func (w *writer) put64(v ...uint64) {
	for _, v := range v {
		w.image = binary.LittleEndian.AppendUint64(w.image, v)
	}
}

// begin starts a section here, and ends the one before.
func (w *writer) begin(s section) {
	w.endSection()
	w.align(8)
	s.start = uint64(len(w.image))
	w.sections = append(w.sections, s)
}

func (w *writer) endSection() {
	if n := len(w.sections); n > 0 {
		w.sections[n-1].end = uint64(len(w.image))
	}
}

// find returns a section that is there already, and its number in the table of
// section headers, whose first is empty.
func (w *writer) find(name string) (section, uint32) {
	for i, s := range w.sections {
		if s.name == name {
			return s, uint32(i + 1)
		}
	}
	panic("vdso: no section " + name)
}

// finish writes what stands behind the code, and the headers.
func (w *writer) finish() []byte {
	w.writeUnwind()
	names := w.writeSymbols()
	w.writeVersions(names)
	w.writeHash()
	w.writeDynamic(names)
	shoff := w.writeSections()
	if len(w.image) > ImageSize {
		panic("vdso: the image is larger than a page")
	}
	end := uint64(len(w.image))
	image := w.image[:ImageSize]
	w.image = w.image[:0]
	w.writeHeader(shoff)
	dynamic, _ := w.find(".dynamic")
	unwind, _ := w.find(".eh_frame_hdr")
	const ptLoad, ptDynamic, ptUnwind = 1, 2, 0x6474e550
	w.writeSegment(ptLoad, 1|4, 0, end, ImageSize)
	w.writeSegment(ptDynamic, 4, dynamic.start, dynamic.end, 8)
	w.writeSegment(ptUnwind, 4, unwind.start, unwind.end, 4)
	return image
}

// writeHeader writes the ELF header.
func (w *writer) writeHeader(shoff uint64) {
	w.image = append(w.image, "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
	const dyn, amd64 = 3, 62
	w.put16(dyn, amd64)
	w.put32(1)
	w.put64(0, ehdrSize, shoff) // entry, program headers, section headers
	w.put32(0)
	n := uint16(len(w.sections) + 1)
	w.put16(ehdrSize, phdrSize, programHeaders, shdrSize, n, n-1) // the names are the last section
}

// writeSegment writes a program header.
func (w *writer) writeSegment(typ, flags uint32, start, end, align uint64) {
	w.put32(typ, flags)
	w.put64(start, start, start, end-start, end-start, align)
}

// stringTable collects strings, each at an offset of its own.
type stringTable struct {
	text []byte
	at   map[string]uint32
}

func newStrings() *stringTable { return &stringTable{text: []byte{0}, at: map[string]uint32{}} }

// offset returns where s is in the table, and adds it if it is not.
func (t *stringTable) offset(s string) uint32 {
	at, ok := t.at[s]
	if !ok {
		at = uint32(len(t.text))
		t.at[s] = at
		t.text = append(append(t.text, s...), 0)
	}
	return at
}

// writeSymbols writes the symbols and their names, and adds that of the version.
func (w *writer) writeSymbols() *stringTable {
	names := newStrings()
	for _, s := range w.symbols {
		names.offset(s.name)
	}
	names.offset(soname)
	names.offset(version)
	w.begin(section{name: ".dynstr", typ: shtStrtab, flags: shfAlloc})
	w.image = append(w.image, names.text...)

	_, link := w.find(".dynstr")
	_, text := w.find(".text")
	w.begin(section{name: ".dynsym", typ: shtDynsym, flags: shfAlloc, link: link, info: 1, entry: symSize})
	w.writeSymbol(0, symbol{}, 0)
	for _, s := range w.symbols {
		w.writeSymbol(names.offset(s.name), s, uint16(text))
	}
	v := symbol{name: version, info: symGlobal | symObject}
	w.symbols = append(w.symbols, v)
	w.writeSymbol(names.offset(version), v, shnAbs)
	return names
}

func (w *writer) writeSymbol(name uint32, s symbol, section uint16) {
	w.put32(name)
	w.image = append(w.image, s.info, 0)
	w.put16(section)
	w.put64(s.value, s.size)
}

// writeVersions says that all symbols are of the one version, and defines it.
func (w *writer) writeVersions(names *stringTable) {
	_, symbols := w.find(".dynsym")
	w.begin(section{name: ".gnu.version", typ: shtVersym, flags: shfAlloc, link: symbols, entry: 2})
	w.put16(0)
	for range w.symbols {
		w.put16(versionIndex)
	}
	_, strings := w.find(".dynstr")
	w.begin(section{name: ".gnu.version_d", typ: shtVerdef, flags: shfAlloc, link: strings, info: versionIndex})
	const base, defSize, auxSize = 1, 20, 8
	for i, name := range []string{soname, version} {
		flags, next := uint16(base), uint32(defSize+auxSize)
		if i > 0 {
			flags, next = 0, 0
		}
		w.put16(1, flags, uint16(i+1), 1)
		w.put32(hash(name), defSize, next)
		w.put32(names.offset(name), 0)
	}
}

// hash is the hash function of the System V ABI.
func hash(name string) (h uint32) {
	for _, c := range []byte(name) {
		h = h<<4 + uint32(c)
		h = (h ^ h>>28<<4) & 0x0fffffff
	}
	return h
}

// writeHash writes the hash table of the symbols.
func (w *writer) writeHash() {
	const buckets = 8
	var bucket [buckets]uint32
	chain := make([]uint32, len(w.symbols)+1)
	for i, s := range w.symbols {
		b := &bucket[hash(s.name)%buckets]
		*b, chain[i+1] = uint32(i+1), *b
	}
	_, symbols := w.find(".dynsym")
	w.begin(section{name: ".hash", typ: shtHash, flags: shfAlloc, link: symbols, entry: 4})
	w.put32(buckets, uint32(len(chain)))
	w.put32(bucket[:]...)
	w.put32(chain...)
}

// writeDynamic writes the table that leads a dynamic linker to the others.
func (w *writer) writeDynamic(names *stringTable) {
	_, link := w.find(".dynstr")
	w.begin(section{name: ".dynamic", typ: shtDynamic, flags: shfAlloc, link: link, entry: dynSize})
	const (
		dtNull, dtHash, dtStrtab, dtSymtab, dtStrsz, dtSyment, dtSoname = 0, 4, 5, 6, 10, 11, 14
		dtVersym, dtVerdef, dtVerdefnum                                 = 0x6ffffff0, 0x6ffffffc, 0x6ffffffd
	)
	w.put64(dtSoname, uint64(names.offset(soname)))
	for _, t := range []struct {
		tag  uint64
		name string
	}{
		{dtHash, ".hash"}, {dtStrtab, ".dynstr"}, {dtSymtab, ".dynsym"}, {dtVersym, ".gnu.version"}, {dtVerdef, ".gnu.version_d"},
	} {
		s, _ := w.find(t.name)
		w.put64(t.tag, s.start)
	}
	w.put64(dtStrsz, uint64(len(names.text)), dtSyment, symSize, dtVerdefnum, versionIndex, dtNull, 0)
}

// writeUnwind says how to go on from any instruction of the code to its caller, for
// backtraces: the return address is on top of the stack (DWARF, call frame
// information; the LSB, .eh_frame_hdr).
func (w *writer) writeUnwind() {
	w.endSection()
	text, _ := w.find(".text")
	w.begin(section{name: ".eh_frame", typ: shtProgbits, flags: shfAlloc})
	cie := uint32(len(w.image))
	w.put32(20, 0)
	w.image = append(w.image, 1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x1b) // version; addresses are relative, of 32 bits
	w.image = append(w.image, 0x0c, 7, 8, 0x80|16, 1, 0, 0)         // the frame is at RSP+8, RIP 8 below that
	fde := uint32(len(w.image))
	w.put32(20, fde+4-cie)
	w.put32(uint32(text.start)-uint32(len(w.image)), uint32(text.end-text.start))
	w.put64(0)
	w.put32(0) // the end
	w.begin(section{name: ".eh_frame_hdr", typ: shtProgbits, flags: shfAlloc})
	hdr := uint32(len(w.image))
	w.image = append(w.image, 1, 0x1b, 0x03, 0x3b)
	w.put32(cie-uint32(len(w.image)), 1, uint32(text.start)-hdr, fde-hdr)
}

// writeSections writes the names of the sections and the section headers, and
// returns where these begin.
func (w *writer) writeSections() uint64 {
	names := newStrings()
	w.begin(section{name: ".shstrtab", typ: shtStrtab})
	for _, s := range w.sections {
		names.offset(s.name)
	}
	w.image = append(w.image, names.text...)
	w.endSection()
	w.align(8)
	shoff := uint64(len(w.image))
	w.image = append(w.image, make([]byte, shdrSize)...)
	for _, s := range w.sections {
		w.put32(names.offset(s.name), s.typ)
		w.put64(s.flags, s.start, s.start, s.end-s.start)
		w.put32(s.link, s.info)
		w.put64(8, s.entry)
	}
	return shoff
}
