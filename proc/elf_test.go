package proc

import (
	"encoding/binary"
	"strings"
	errno "syscall"
	"testing"

	"yolk/arch"
)

// elfFile makes a small static executable; change edits it before it is used.
func elfFile(change func(b []byte)) []byte {
	const code = ehdrSize + 2*phdrSize
	b := make([]byte, code+16)
	le := binary.LittleEndian
	copy(b, "\x7fELF\x02\x01\x01")
	le.PutUint16(b[16:], etExec)
	le.PutUint16(b[18:], emX86_64)
	le.PutUint32(b[20:], 1)
	le.PutUint64(b[24:], 0x400000+code)
	le.PutUint64(b[32:], ehdrSize)
	le.PutUint16(b[52:], ehdrSize)
	le.PutUint16(b[54:], phdrSize)
	le.PutUint16(b[56:], 2)
	text, data := b[ehdrSize:], b[ehdrSize+phdrSize:]
	putPhdr(text, ptLoad, pfR|pfX, 0, 0x400000, uint64(len(b)), uint64(len(b)))
	putPhdr(data, ptLoad, pfR|pfW, code, 0x401000+code, 16, 0x3000)
	for i := range b[code:] {
		b[code+i] = byte(0xa0 + i)
	}
	if change != nil {
		change(b)
	}
	return b
}

func putPhdr(h []byte, typ, flags uint32, off, vaddr, filesz, memsz uint64) {
	le := binary.LittleEndian
	le.PutUint32(h, typ)
	le.PutUint32(h[4:], flags)
	for i, v := range []uint64{off, vaddr, vaddr, filesz, memsz, arch.PageSize} {
		le.PutUint64(h[8+8*i:], v)
	}
}

func parse(b []byte) (*image, *execError) {
	return parseELF(b[:min(len(b), 256)], uint64(len(b)), func(p []byte, off uint64) errno.Errno {
		if copy(p, b[off:]) < len(p) {
			return errno.EIO
		}
		return 0
	})
}

func TestParseELF(t *testing.T) {
	le := binary.LittleEndian
	const ph0, ph1 = ehdrSize, ehdrSize + phdrSize
	for _, c := range []struct {
		name   string
		change func(b []byte)
		errno  errno.Errno
		reason string
	}{
		{"as it should be", nil, 0, ""},
		{"bad magic", func(b []byte) { b[1] = 'e' }, errno.ENOEXEC, "not an ELF"},
		{"32 bits", func(b []byte) { b[4] = 1 }, errno.ENOEXEC, "64-bit"},
		{"big endian", func(b []byte) { b[5] = 2 }, errno.ENOEXEC, "x86-64"},
		{"ARM", func(b []byte) { b[18] = 183 }, errno.ENOEXEC, "x86-64"},
		{"relocatable", func(b []byte) { b[16] = 1 }, errno.ENOEXEC, "ET_EXEC"},
		{"core file", func(b []byte) { b[16] = 4 }, errno.ENOEXEC, "ET_EXEC"},
		{"phentsize", func(b []byte) { b[54] = 32 }, errno.ENOEXEC, "unknown size"},
		{"no program headers", func(b []byte) { b[56] = 0 }, errno.ENOEXEC, "no program headers"},
		{"too many headers", func(b []byte) { le.PutUint16(b[56:], 0xffff) }, errno.ENOEXEC, "too many"},
		{"headers beyond the end", func(b []byte) { le.PutUint16(b[56:], 9) }, errno.ENOEXEC, "truncated"},
		{"phoff beyond the end", func(b []byte) { le.PutUint64(b[32:], 1<<40) }, errno.ENOEXEC, "truncated"},
		{"phoff wraps", func(b []byte) { le.PutUint64(b[32:], ^uint64(0)-8) }, errno.ENOEXEC, "truncated"},
		{"interpreter beyond the end", func(b []byte) { putPhdr(b[ph1:], ptInterp, pfR, 1<<40, 0, 16, 16) }, errno.ENOEXEC, "truncated name"},
		{"interpreter wraps", func(b []byte) { putPhdr(b[ph1:], ptInterp, pfR, 64, 0, ^uint64(0), 16) }, errno.ENOEXEC, "truncated name"},
		{"interpreter empty", func(b []byte) { putPhdr(b[ph1:], ptInterp, pfR, 64, 0, 1, 1) }, errno.ENOEXEC, "empty or too long"},
		{"nothing to load", func(b []byte) {
			le.PutUint32(b[ph0:], 0)
			le.PutUint32(b[ph1:], 0)
		}, errno.ENOEXEC, "nothing to load"},
		{"only empty segments", func(b []byte) {
			putPhdr(b[ph0:], ptLoad, pfR, 0, 0x400000, 0, 0)
			putPhdr(b[ph1:], ptLoad, pfR, 0, 0x401000, 0, 0)
		}, errno.ENOEXEC, "nothing to load"},
		{"filesz above memsz", func(b []byte) { le.PutUint64(b[ph1+40:], 8) }, errno.EINVAL, "larger in the file"},
		{"memsz wraps", func(b []byte) { le.PutUint64(b[ph1+40:], ^uint64(0)) }, errno.EINVAL, "outside"},
		{"kernel address", func(b []byte) { le.PutUint64(b[ph1+16:], 0xffffffff80000000) }, errno.EINVAL, "outside"},
		{"end of user space", func(b []byte) { le.PutUint64(b[ph1+16:], arch.TaskSize-0x1000) }, errno.EINVAL, "outside"},
		{"offset wraps", func(b []byte) { le.PutUint64(b[ph1+8:], ^uint64(0)) }, errno.ENOEXEC, "truncated segment"},
		{"segment beyond the end", func(b []byte) { le.PutUint64(b[ph1+32:], 17) }, errno.ENOEXEC, "truncated segment"},
		{"misaligned", func(b []byte) { le.PutUint64(b[ph1+16:], 0x401001) }, errno.EINVAL, "not aligned"},
		{"overlap", func(b []byte) { le.PutUint64(b[ph1+16:], 0x400000+ehdrSize+2*phdrSize) }, errno.ENOEXEC, "overlap"},
		{"descending", func(b []byte) { le.PutUint64(b[ph1+16:], 0x300000+ehdrSize+2*phdrSize) }, errno.ENOEXEC, "overlap"},
		{"entry in the kernel", func(b []byte) { le.PutUint64(b[24:], 0xffffffff80200000) }, errno.EINVAL, "entry"},
	} {
		t.Run(c.name, func(t *testing.T) {
			im, e := parse(elfFile(c.change))
			switch {
			case c.errno == 0 && e != nil:
				t.Fatalf("refused: %v %s", e.errno, e.reason)
			case c.errno == 0:
				if len(im.segments) != 2 || im.phdr != 0x400000+ehdrSize || im.phnum != 2 {
					t.Errorf("image %+v", im)
				}
			case e == nil:
				t.Fatal("accepted")
			case e.errno != c.errno || !strings.Contains(e.reason, c.reason):
				t.Errorf("got %v %q, want %v %q", e.errno, e.reason, c.errno, c.reason)
			}
		})
	}
}

func TestParseELFShort(t *testing.T) {
	whole := elfFile(nil)
	for n := range len(whole) {
		if _, e := parse(whole[:n]); e == nil {
			t.Errorf("the first %d of %d bytes are accepted", n, len(whole))
		}
	}
}

func TestBias(t *testing.T) {
	for _, c := range []struct {
		vaddr, align, first uint64
	}{
		{0, 0x1000, dynBase},
		{0x10000, 0x1000, dynBase},
		{0, 0x200000, 0x555555600000},
	} {
		im := &image{dyn: true, align: c.align, segments: []segment{{vaddr: c.vaddr, memsz: 0x1000}}}
		b, e := im.bias(0)
		if e != nil || b+c.vaddr != c.first {
			t.Errorf("image at %#x aligned to %#x goes to %#x, %v; want %#x", c.vaddr, c.align, b+c.vaddr, e, c.first)
		}
	}
	im := &image{dyn: true, segments: []segment{{memsz: arch.TaskSize - 0x1000}}}
	if _, e := im.bias(0); e == nil || e.errno != errno.ENOMEM {
		t.Errorf("an image as large as user space: %v, want ENOMEM", e)
	}
}

// FuzzParseELF looks for headers that make the parser panic, or that it lets
// through though they break what image promises.
func FuzzParseELF(f *testing.F) {
	f.Add(elfFile(nil))
	f.Add(elfFile(func(b []byte) { b[16] = etDyn }))
	f.Add([]byte("\x7fELF"))
	f.Fuzz(func(t *testing.T, b []byte) {
		im, e := parse(b)
		if e != nil {
			if e.errno == 0 || e.reason == "" {
				t.Fatalf("refused without a reason: %+v", e)
			}
			return
		}
		bias, e := im.bias(0)
		if e != nil {
			return
		}
		last := uint64(0)
		for _, s := range im.segments {
			start, end := s.start()+bias, s.end()+bias
			if start >= end || start < last || end > arch.TaskSize || s.filesz > s.memsz || s.off+s.filesz > uint64(len(b)) {
				t.Fatalf("segment %+v (bias %#x) after %#x", s, bias, last)
			}
			last = end
		}
	})
}

func TestScriptLine(t *testing.T) {
	long := "#!/" + strings.Repeat("x", 300)
	for _, c := range []struct {
		head, name, arg string
		ok              bool
	}{
		{"#!/bin/sh\necho", "/bin/sh", "", true},
		{"#! /bin/sh -e \nx", "/bin/sh", "-e", true},
		{"#!\t/usr/bin/env\tpython3 -u\n", "/usr/bin/env", "python3 -u", true},
		{"#!\n", "", "", false},
		{"#!   \n", "", "", false},
		{long[:256], "", "", false},
		{"#!/bin/sh " + strings.Repeat("a", 246), "/bin/sh", strings.Repeat("a", 246), true},
		{"#!/bin/sh\x00\x00", "/bin/sh", "", true},
	} {
		name, arg, ok := scriptLine([]byte(c.head))
		if name != c.name || arg != c.arg || ok != c.ok {
			t.Errorf("%.20q: %q %q %v, want %q %q %v", c.head, name, arg, ok, c.name, c.arg, c.ok)
		}
	}
}
