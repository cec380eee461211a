package vdso

import (
	"bytes"
	"debug/elf"
	"testing"
	"unsafe"
)

func parse(t *testing.T) *elf.File {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(Image()))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestHeader: a shared library for x86-64 in one segment, the size of which is
// that of the image.
func TestHeader(t *testing.T) {
	f := parse(t)
	if f.Class != elf.ELFCLASS64 || f.Data != elf.ELFDATA2LSB || f.Type != elf.ET_DYN || f.Machine != elf.EM_X86_64 {
		t.Errorf("header %+v", f.FileHeader)
	}
	var kinds []elf.ProgType
	for _, p := range f.Progs {
		kinds = append(kinds, p.Type)
		if p.Vaddr != p.Off || p.Filesz != p.Memsz || p.Off+p.Filesz > ImageSize || p.Flags&elf.PF_W != 0 {
			t.Errorf("segment %+v", p.ProgHeader)
		}
	}
	if len(kinds) != 3 || kinds[0] != elf.PT_LOAD || kinds[1] != elf.PT_DYNAMIC || kinds[2] != elf.PT_GNU_EH_FRAME {
		t.Fatalf("segments %v", kinds)
	}
	if p := f.Progs[0]; p.Off != 0 || p.Flags != elf.PF_R|elf.PF_X {
		t.Errorf("PT_LOAD %+v", p.ProgHeader)
	}
	if s := f.Section(".dynamic"); s.Offset != f.Progs[1].Off || s.Size != f.Progs[1].Filesz {
		t.Errorf("PT_DYNAMIC %+v, .dynamic %+v", f.Progs[1].ProgHeader, s.SectionHeader)
	}
	if len(Image()) != ImageSize {
		t.Errorf("%d bytes", len(Image()))
	}
}

// TestSymbols: what vdso(7) lists for x86-64, all of version LINUX_2.6, and each
// name means the code of its function.
func TestSymbols(t *testing.T) {
	f := parse(t)
	symbols, err := f.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]elf.Symbol{}
	for _, s := range symbols {
		found[s.Name] = s
		if s.Version != version || s.VersionIndex.Index() != versionIndex {
			t.Errorf("%s is of version %q, %d", s.Name, s.Version, s.VersionIndex.Index())
		}
	}
	text := f.Section(".text")
	for i, fn := range functions {
		strong, weak := found[fn.name], found[fn.weak]
		if strong.Info != elf.ST_INFO(elf.STB_GLOBAL, elf.STT_FUNC) || weak.Info != elf.ST_INFO(elf.STB_WEAK, elf.STT_FUNC) ||
			strong.Value != weak.Value || strong.Size != weak.Size || f.Sections[strong.Section] != text {
			t.Errorf("%s %+v, %s %+v", fn.name, strong, fn.weak, weak)
		}
		if strong.Value < text.Addr || strong.Value+strong.Size > text.Addr+text.Size {
			t.Fatalf("%s is outside .text", fn.name)
		}
		got := Image()[strong.Value : strong.Value+strong.Size]
		if !bytes.Equal(got, code(i)) || len(got) < 16 || got[len(got)-1] != 0xc3 {
			t.Errorf("%s: % x does not end in RET", fn.name, got)
		}
	}
	if len(symbols) != 2*len(functions)+1 || found[version].Section != elf.SHN_ABS {
		t.Errorf("symbols %+v", symbols)
	}
}

// TestDynamic: the table names the others, and the library.
func TestDynamic(t *testing.T) {
	f := parse(t)
	if names, err := f.DynString(elf.DT_SONAME); err != nil || len(names) != 1 || names[0] != soname {
		t.Errorf("soname %q, %v", names, err)
	}
	for tag, name := range map[elf.DynTag]string{
		elf.DT_HASH: ".hash", elf.DT_STRTAB: ".dynstr", elf.DT_SYMTAB: ".dynsym", elf.DT_VERSYM: ".gnu.version", elf.DT_VERDEF: ".gnu.version_d",
	} {
		v, err := f.DynValue(tag)
		if err != nil || len(v) != 1 || v[0] != f.Section(name).Addr {
			t.Errorf("%v is %#x (%v), %s at %#x", tag, v, err, name, f.Section(name).Addr)
		}
	}
	versions, err := f.DynamicVersions()
	if err != nil || len(versions) != 2 || versions[1].Name != version || versions[0].Flags&elf.VER_FLG_BASE == 0 {
		t.Errorf("versions %+v, %v", versions, err)
	}
}

// TestHash finds every symbol by the hash table, as a dynamic linker does.
func TestHash(t *testing.T) {
	f := parse(t)
	symbols, _ := f.DynamicSymbols()
	data, err := f.Section(".hash").Data()
	if err != nil {
		t.Fatal(err)
	}
	words := make([]uint32, len(data)/4)
	for i := range words {
		words[i] = f.ByteOrder.Uint32(data[4*i:])
	}
	buckets, chains := words[0], words[1]
	if int(chains) != len(symbols)+1 || len(words) != int(2+buckets+chains) {
		t.Fatalf("%d buckets, %d chains, %d words", buckets, chains, len(words))
	}
	for want, s := range symbols {
		i := words[2+hash(s.Name)%buckets]
		for i != 0 && int(i) != want+1 {
			i = words[2+buckets+i]
		}
		if i == 0 {
			t.Errorf("%s is not in its chain", s.Name)
		}
	}
	if hash(version) != 0x3ae75f6 {
		t.Errorf("hash of %s is %#x", version, hash(version)) // as compiled into C libraries
	}
}

// TestPositionIndependent: the image is the same whatever is around it, so the code
// may refer to the kernel nowhere. The only address it makes is its own.
func TestPositionIndependent(t *testing.T) {
	for i, f := range functions {
		c := code(i)
		for at := 0; at+7 <= len(c); at++ {
			// Operands relative to RIP: REX.W, opcode 8D (LEA), ModRM xx...101.
			if c[at]&0xf8 == 0x48 && c[at+1] == 0x8d && c[at+2]&0xc7 == 0x05 {
				disp := int32(uint32(c[at+3]) | uint32(c[at+4])<<8 | uint32(c[at+5])<<16 | uint32(c[at+6])<<24)
				if at+7+int(disp) != 0 {
					t.Errorf("%s+%#x refers to %+d", f.name, at, at+7+int(disp))
				}
			}
		}
	}
}

// TestClock: the layout is that of the functions, and a change is marked as one.
func TestClock(t *testing.T) {
	var c Clock
	c.Set(1, 2, 3)
	c.Set(4, 5, 6)
	if c.seq != 4 || c.tscBase != 4 || c.nsPerTSC != 5 || c.wall != 6 {
		t.Errorf("%+v", c)
	}
	if unsafe.Sizeof(c) > ImageSize {
		t.Error("larger than its page")
	}
}
