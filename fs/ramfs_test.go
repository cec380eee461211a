package fs

import (
	"bytes"
	"math/rand"
	"strings"
	"sync"
	"syscall"
	"testing"

	"yolk/arch"
	"yolk/mm"
)

// used is the number of pages that files hold.
func used() int64 { return rootFS.root.inode.ops.(ramDir).store.used.Load() }

func TestArchiveIsNotCopied(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", 1000)
	c := newRoot(t, member{name: "f", mode: fileMode, data: text})
	if contents(t, c, "/f") != text {
		t.Fatal("wrong contents")
	}
	if used() != 0 {
		t.Errorf("reading took %d pages", used())
	}
	f, _ := c.Open(nil, "/f", syscall.O_RDWR, 0)
	f.WriteAt([]byte("XY"), 5000)
	if used() != 1 {
		t.Errorf("writing two bytes took %d pages, want 1", used())
	}
	if got := contents(t, c, "/f"); got != text[:5000]+"XY"+text[5002:] {
		t.Error("wrong contents after a write")
	}
	f.Truncate(4097)
	f.Truncate(9000)
	if got := contents(t, c, "/f"); got != text[:4097]+strings.Repeat("\x00", 9000-4097) {
		t.Error("wrong contents after truncation and growth")
	}
	c.Unlink(nil, "/f")
	if used() == 0 {
		t.Error("pages of an open file are gone")
	}
	f.Put()
	if used() != 0 {
		t.Errorf("%d pages left after unlink and close", used())
	}
}

// TestRamAgainstModel compares random reads, writes and truncations with a slice.
func TestRamAgainstModel(t *testing.T) {
	free := mm.NrFreePages()
	text := strings.Repeat("archive ", 3000)
	c := newRoot(t, member{name: "f", mode: fileMode, data: text})
	f, _ := c.Open(nil, "/f", syscall.O_RDWR, 0)
	model := []byte(text)
	r := rand.New(rand.NewSource(1))
	grow := func(n int) {
		for len(model) < n {
			model = append(model, 0)
		}
	}
	for step := range 3000 {
		off, n := r.Intn(60000), r.Intn(9000)
		switch r.Intn(4) {
		case 0:
			p := bytes.Repeat([]byte{byte(step)}, n)
			if got, _, e := f.WriteAt(p, int64(off)); got != n || e != 0 {
				t.Fatalf("write: %d, %v", got, e)
			}
			if n > 0 {
				grow(off + n)
				copy(model[off:], p)
			}
		case 1:
			f.Truncate(int64(off))
			grow(off)
			model = model[:off]
		case 2:
			if n > 0 {
				f.Allocate(fallocPunchHole|fallocKeepSize, int64(off), int64(n))
				for k := off; k < min(off+n, len(model)); k++ {
					model[k] = 0
				}
			}
		default:
			p := make([]byte, n)
			got, e := f.ReadAt(p, int64(off))
			expect := model[min(off, len(model)):min(off+n, len(model))]
			if e != 0 || !bytes.Equal(p[:got], expect) {
				t.Fatalf("step %d: read of %d at %d differs (%d bytes, want %d)", step, n, off, got, len(expect))
			}
		}
		if f.inode.Size() != int64(len(model)) {
			t.Fatalf("step %d: size %d, want %d", step, f.inode.Size(), len(model))
		}
	}
	c.Unlink(nil, "/f")
	f.Put()
	if n := mm.NrFreePages(); n != free {
		t.Errorf("%d frames free, %d before", n, free)
	}
}

func TestSparse(t *testing.T) {
	c := newRoot(t)
	put(t, c, "/f", "")
	f, _ := c.Open(nil, "/f", syscall.O_RDWR, 0)
	defer f.Put()
	const far = 1 << 50
	if n, _, e := f.WriteAt([]byte("end"), far); n != 3 || e != 0 {
		t.Fatalf("write far out: %d, %v", n, e)
	}
	if used() != 1 {
		t.Errorf("a sparse file takes %d pages", used())
	}
	buf := make([]byte, 10)
	if n, _ := f.ReadAt(buf, far-5); n != 8 || string(buf[:8]) != "\x00\x00\x00\x00\x00end" {
		t.Errorf("read %d %q", n, buf[:n])
	}
	want(t, "punch a huge hole", f.Allocate(fallocPunchHole|fallocKeepSize, 1, 1<<60), 0)
	if _, _, e := f.WriteAt([]byte("x"), 1<<63-1); e != syscall.EFBIG {
		t.Errorf("write at the last offset: %v", e)
	}
	f.Truncate(0)
	if used() != 0 {
		t.Errorf("%d pages after truncation", used())
	}
}

func TestFullFileSystem(t *testing.T) {
	c := newRoot(t)
	rootFS.root.inode.ops.(ramDir).store.limit = 3
	f, _ := c.Open(nil, "/f", syscall.O_CREAT|syscall.O_RDWR, 0o644)
	defer f.Put()
	n, _, e := f.WriteAt(make([]byte, 5*arch.PageSize), 0)
	if n != 3*arch.PageSize || e != 0 {
		t.Errorf("wrote %d, %v; want 3 pages", n, e)
	}
	if _, _, e := f.WriteAt([]byte("x"), 4*arch.PageSize); e != syscall.ENOSPC {
		t.Errorf("write to a full file system: %v", e)
	}
}

func TestAppend(t *testing.T) {
	c := newRoot(t)
	put(t, c, "/log", "")
	var wg sync.WaitGroup
	for k := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			f, _ := c.Open(nil, "/log", syscall.O_WRONLY|syscall.O_APPEND, 0)
			defer f.Put()
			for range 100 {
				f.Write(bytes.Repeat([]byte{byte('a' + k)}, 7))
			}
		}()
	}
	wg.Wait()
	got := contents(t, c, "/log")
	if len(got) != 2800 {
		t.Fatalf("%d bytes, want 2800", len(got))
	}
	for k := 0; k < len(got); k += 7 {
		if strings.Count(got[k:k+7], got[k:k+1]) != 7 {
			t.Fatalf("torn record %q", got[k:k+7])
		}
	}
}

func TestSeek(t *testing.T) {
	c := newRoot(t, member{name: "f", mode: fileMode, data: "0123456789"})
	f, _ := c.Open(nil, "/f", syscall.O_RDONLY, 0)
	defer f.Put()
	for _, tc := range []struct {
		off    int64
		whence int
		pos    int64
		e      syscall.Errno
	}{
		{3, SeekSet, 3, 0}, {2, SeekCur, 5, 0}, {-6, SeekCur, 0, syscall.EINVAL}, {-1, SeekEnd, 9, 0},
		{5, SeekEnd, 15, 0}, {1<<63 - 1, SeekEnd, 0, syscall.EOVERFLOW}, {0, 9, 0, syscall.EINVAL},
		{4, SeekData, 4, 0}, {4, SeekHole, 10, 0}, {10, SeekData, 0, syscall.ENXIO}, {-1, SeekSet, 0, syscall.EINVAL},
	} {
		pos, e := f.Lseek(tc.off, tc.whence)
		want(t, "lseek", e, tc.e)
		if e == 0 && pos != tc.pos {
			t.Errorf("lseek(%d, %d) is %d, want %d", tc.off, tc.whence, pos, tc.pos)
		}
	}
}

func TestSeals(t *testing.T) {
	f, e := NewMemFD(RootCred, "m", true, false)
	if e != 0 {
		t.Fatal(e)
	}
	f.Write([]byte("text"))
	want(t, "seal", f.AddSeals(SealGrow|SealShrink), 0)
	want(t, "shrink", f.Truncate(1), syscall.EPERM)
	want(t, "grow", f.Truncate(100), syscall.EPERM)
	if _, _, e := f.WriteAt([]byte("12345"), 0); e != syscall.EPERM {
		t.Errorf("growing write: %v", e)
	}
	want(t, "growing write, before its memory is read", f.FaultedWrite(0, 5), syscall.EPERM)
	want(t, "write that fits, before its memory is read", f.FaultedWrite(0, 4), 0)
	want(t, "seal", f.AddSeals(SealWrite|SealSeal), 0)
	if _, _, e := f.WriteAt([]byte("1"), 0); e != syscall.EPERM {
		t.Errorf("sealed write: %v", e)
	}
	if _, _, e := f.WriteAt(nil, 0); e != 0 {
		t.Errorf("sealed write of nothing: %v", e)
	}
	want(t, "seal again", f.AddSeals(SealGrow), syscall.EPERM)
	f.Put()
	faulted, _ := NewMemFD(RootCred, "f", true, false)
	want(t, "write of memory that is not there", faulted.FaultedWrite(5000, 10), 0)
	if n := faulted.inode.Size(); n != 5000 {
		t.Errorf("it is %d bytes long, not up to where the write began", n)
	}
	want(t, "write of memory that is not there", faulted.FaultedWrite(100, 10), 0)
	if n := faulted.inode.Size(); n != 5000 {
		t.Errorf("it has become %d bytes long", n)
	}
	faulted.Put()
	long, _ := NewMemFD(RootCred, "l", true, false)
	want(t, "two pages and a half", long.Truncate(10<<10), 0)
	want(t, "seal", long.AddSeals(SealGrow), 0)
	if n, _, e := long.WriteAt(make([]byte, 12<<10), 100); n != 8<<10-100 || e != 0 {
		t.Errorf("write beyond the sealed end: %d, %v", n, e)
	}
	long.Put()
	plain, _ := NewMemFD(RootCred, "p", false, false)
	want(t, "seal an unsealable one", plain.AddSeals(SealGrow), syscall.EPERM)
	plain.Put()
	written, _ := NewMemFD(RootCred, "w", true, false)
	written.Write([]byte("text"))
	want(t, "seal against writing", written.AddSeals(SealWrite), 0)
	want(t, "shrink what is sealed against writing", written.Truncate(1), 0)
	want(t, "grow what is sealed against writing", written.Truncate(100), 0)
	written.Put()
	future, _ := NewMemFD(RootCred, "f", true, false)
	want(t, "seal against writers to come", future.AddSeals(SealFutureWrite), 0)
	if _, e := future.Write([]byte("1")); e != syscall.EPERM {
		t.Errorf("write after SealFutureWrite: %v", e)
	}
	future.Put()
}

func TestTransfersAllocateNothing(t *testing.T) {
	c := newRoot(t, member{name: "f", mode: fileMode, data: strings.Repeat("x", 20000)})
	f, _ := c.Open(nil, "/f", syscall.O_RDWR, 0)
	defer f.Put()
	buf := make([]byte, 10000)
	f.WriteAt(buf, 0)
	if n := testing.AllocsPerRun(100, func() {
		f.ReadAt(buf, 5000)
		f.WriteAt(buf, 0)
		f.Lseek(0, SeekSet)
		f.Read(buf[:10])
	}); n != 0 {
		t.Errorf("%v allocations for reads and writes", n)
	}
}
