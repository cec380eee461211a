package fs

import (
	"strings"
	"syscall"
	"testing"

	"yolk/arch"
	"yolk/mm"
)

// space is an address space without limits.
func space(t *testing.T) *mm.MM {
	t.Helper()
	l := new(mm.Limits)
	l.AS.Store(mm.Infinity)
	l.Data.Store(mm.Infinity)
	l.Memlock.Store(mm.Infinity)
	m := mm.MMAlloc(l)
	if m == nil {
		t.Fatal("no memory for an mm")
	}
	return m
}

func mapFile(t *testing.T, m *mm.MM, f *File, pages int, prot, flags int) uintptr {
	t.Helper()
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	addr, e := mm.DoMmap(m, f, 0, uintptr(pages)*arch.PageSize, prot, flags, 0)
	if e != 0 {
		t.Fatalf("mmap: %v", e)
	}
	return addr
}

const (
	rw      = syscall.PROT_READ | syscall.PROT_WRITE
	private = syscall.MAP_PRIVATE
	shared  = syscall.MAP_SHARED
)

func TestMappings(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", 600) // two pages and a part
	c := newRoot(t, member{name: "f", mode: fileMode, data: text})
	f, e := c.Open(nil, "/f", syscall.O_RDWR, 0)
	if e != 0 {
		t.Fatal(e)
	}
	m := space(t)
	priv := mapFile(t, m, f, 4, rw, private)
	sh := mapFile(t, m, f, 4, rw, shared)
	buf := make([]byte, 3*arch.PageSize)
	check := func(what string, addr uintptr, n int, expect string) {
		t.Helper()
		if e := mm.CopyFromUser(m, buf[:n], addr); e != 0 || string(buf[:n]) != expect {
			t.Errorf("%s: %v, %.20q, want %.20q", what, e, buf[:n], expect)
		}
	}
	check("private mapping", priv, len(text), text)
	check("shared mapping", sh, len(text), text)
	check("rest of the last page", sh+uintptr(len(text)), 4, "\x00\x00\x00\x00")
	want(t, "beyond the end", mm.CopyFromUser(m, buf[:1], sh+3*arch.PageSize), syscall.EFAULT)

	want(t, "private write", mm.CopyToUser(m, priv+5000, []byte("mine")), 0)
	check("shared mapping after a private write", sh+5000, 4, text[5000:5004])
	want(t, "shared write", mm.CopyToUser(m, sh+100, []byte("ours")), 0)
	if n, _ := f.ReadAt(buf[:4], 100); string(buf[:n]) != "ours" {
		t.Errorf("read after a shared write: %q", buf[:n])
	}
	f.WriteAt([]byte("file"), 200)
	check("shared mapping after write(2)", sh+200, 4, "file")

	f.Truncate(4096)
	want(t, "truncated", mm.CopyFromUser(m, buf[:1], sh+4096), syscall.EFAULT)
	want(t, "truncated, private copy", mm.CopyFromUser(m, buf[:1], priv+5000), syscall.EFAULT)
	f.Truncate(8192)
	check("grown again", sh+4096, 4, "\x00\x00\x00\x00")

	c.Unlink(nil, "/f")
	f.Put()
	check("unlinked and closed", sh+100, 4, "ours")
	mm.MMPut(m)
	if used() != 0 {
		t.Errorf("%d pages left after the last mapping is gone", used())
	}
}

// TestFaultAround: a read of one page maps those around it that the file has in RAM,
// in the same 64 KiB and vma; a private write maps its own page only, and so does
// whatever faults in a shared mapping that may write.
func TestFaultAround(t *testing.T) {
	const pages = 40
	c := newRoot(t)
	f, e := c.Open(nil, "/f", syscall.O_RDWR|syscall.O_CREAT, 0o600)
	want(t, "open", e, 0)
	f.WriteAt([]byte(strings.Repeat("0123456789abcdef", pages*arch.PageSize/16)), 0)
	for _, r := range []struct {
		name        string
		prot, flags int
		write       bool
		at, rss     int
	}{
		{"read", syscall.PROT_READ, private, false, 20, 16},
		{"read at the end", syscall.PROT_READ, private, false, 39, 8},
		{"read, shared", syscall.PROT_READ, shared, false, 0, 1}, // the file is open for writing: mprotect may come
		{"private write", rw, private, true, 20, 1},
		{"read of what may be written to", rw, private, false, 20, 16},
		{"shared, writable", rw, shared, false, 20, 1},
	} {
		m := space(t)
		m.MmapSem.Lock()
		addr, e := mm.DoMmap(m, f, 1<<40, pages*arch.PageSize, r.prot, r.flags|syscall.MAP_FIXED, 0)
		m.MmapSem.Unlock()
		want(t, r.name, e, 0)
		b, at := []byte("x"), addr+uintptr(r.at)*arch.PageSize
		if r.write {
			e = mm.CopyToUser(m, at, b)
		} else {
			e = mm.CopyFromUser(m, b, at)
		}
		want(t, r.name, e, 0)
		if rss := m.RSS.Load(); rss != int64(r.rss) {
			t.Errorf("%s: %d pages mapped, want %d", r.name, rss, r.rss)
		}
		if r.flags == private && !r.write {
			// What came along must not be writable in the file's place.
			want(t, r.name, mm.CopyFromUser(m, b, at-arch.PageSize), 0)
			if r.prot == rw {
				want(t, r.name, mm.CopyToUser(m, at-arch.PageSize, []byte("mine")), 0)
			}
			if f.ReadAt(b, int64(r.at-1)*arch.PageSize); b[0] != '0' {
				t.Errorf("%s: a private write reached the file", r.name)
			}
		}
		mm.MMPut(m)
	}
	f.Put()
}

func TestMapErrors(t *testing.T) {
	c := newRoot(t)
	m := space(t)
	defer mm.MMPut(m)
	for path, expect := range map[string]syscall.Errno{
		"/dev/null": syscall.ENODEV, "/tmp": syscall.ENODEV, "/dev/zero": 0,
	} {
		f, e := c.Open(nil, path, syscall.O_RDONLY, 0)
		if e != 0 {
			t.Fatal(e)
		}
		m.MmapSem.Lock()
		_, e = mm.DoMmap(m, f, 0, arch.PageSize, syscall.PROT_READ, private, 0)
		m.MmapSem.Unlock()
		want(t, path, e, expect)
		f.Put()
	}
	f, _ := NewMemFD(RootCred, "sealed", true, false)
	f.Truncate(4096)
	f.AddSeals(SealWrite)
	m.MmapSem.Lock()
	_, e := mm.DoMmap(m, f, 0, arch.PageSize, rw, shared, 0)
	m.MmapSem.Unlock()
	want(t, "writable mapping of a sealed file", e, syscall.EPERM)
	f.Put()
}

// TestSealsAndWriters: as long as a shared mapping may write, be it a part or a
// copy of the first, the file cannot be sealed against it.
func TestSealsAndWriters(t *testing.T) {
	f, _ := NewMemFD(RootCred, "mapped", true, false)
	defer f.Put()
	f.Truncate(4 * arch.PageSize)
	m := space(t)
	mapFile(t, m, f, 4, rw, private)
	addr := mapFile(t, m, f, 4, rw, shared)
	want(t, "mapped for writing", f.AddSeals(SealWrite), syscall.EBUSY)
	want(t, "another seal", f.AddSeals(SealGrow), 0)
	unmap := func(page int) {
		m.MmapSem.Lock()
		defer m.MmapSem.Unlock()
		want(t, "munmap", mm.DoMunmap(m, addr+uintptr(page)*arch.PageSize, arch.PageSize), 0)
	}
	unmap(1)
	c, e := mm.DupMM(m, m.Limits)
	want(t, "fork", e, 0)
	for _, page := range []int{0, 2, 3} {
		unmap(page)
		want(t, "still mapped", f.AddSeals(SealWrite), syscall.EBUSY)
	}
	mm.MMPut(c)
	want(t, "mapped by nobody for writing", f.AddSeals(SealWrite), 0)
	mapFile(t, m, f, 1, syscall.PROT_READ, shared)
	mm.MMPut(m)
}

// TestMappingsOfAFullFileSystem: a program's text can be mapped when there is no
// room for one more page, a hole cannot.
func TestMappingsOfAFullFileSystem(t *testing.T) {
	c := newRoot(t, member{name: "prog", mode: fileMode, data: "text"}, member{name: "hole", mode: fileMode})
	prog, _ := c.Open(nil, "/prog", syscall.O_RDWR, 0)
	hole, _ := c.Open(nil, "/hole", syscall.O_RDWR, 0)
	hole.Truncate(arch.PageSize)
	rootFS.root.inode.ops.(ramDir).store.limit = 1
	put(t, c, "/tmp/f", "takes the only page")
	m := space(t)
	defer mm.MMPut(m)
	buf := make([]byte, 4)
	want(t, "text", mm.CopyFromUser(m, buf, mapFile(t, m, prog, 1, rw, shared)), 0)
	want(t, "hole", mm.CopyFromUser(m, buf, mapFile(t, m, hole, 1, rw, shared)), syscall.EFAULT)
	prog.Put()
	hole.Put()
}
