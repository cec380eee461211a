package fs

import (
	"bytes"
	"math/rand/v2"
	"syscall"
	"testing"

	"yolk/arch"
	"yolk/drivers/blk"
	"yolk/mm"
)

// userBytes is a UserMem of a few bytes.
type userBytes []byte

func (u userBytes) CopyIn(dst []byte, addr uintptr) syscall.Errno { copy(dst, u[addr:]); return 0 }
func (u userBytes) CopyOut(addr uintptr, src []byte) syscall.Errno {
	copy(u[addr:], src)
	return 0
}

// TestSwapFile: pages that go through the swap file's device are the file's, be
// they adjacent on the disk or not.
func TestSwapFile(t *testing.T) {
	for name, args := range formats {
		t.Run(name, func(t *testing.T) { testSwapFile(t, args) })
	}
}

func testSwapFile(t *testing.T, args []string) {
	d := formatted(t, 8<<20, args...)
	c := mounted(t, d)
	const pages = 100
	fragmented(t, c, "/mnt/swap", pages*arch.PageSize+100)
	f, e := c.Open(nil, "/mnt/swap", syscall.O_RDWR, 0)
	if e != 0 {
		t.Fatal(e)
	}
	_, e = OpenSwapFile(f.dentry)
	want(t, "open for writing", e, syscall.ETXTBSY)
	f.Put()
	at, _ := c.Resolve(nil, "/mnt/swap", true)
	s, e := OpenSwapFile(at)
	if e != 0 {
		t.Fatal(e)
	}
	if s.Name() != "/mnt/swap" || s.Sectors() != pages*arch.PageSize/blk.SectorSize || SwapFileOf(at) != s {
		t.Errorf("%q with %d sectors", s.Name(), s.Sectors())
	}
	_, e = c.Open(nil, "/mnt/swap", syscall.O_RDWR, 0)
	want(t, "write to what is swapped to", e, syscall.ETXTBSY)
	_, e = OpenSwapFile(at)
	if e == 0 {
		t.Error("swapped to twice")
	}
	swapThrough(t, s, pages)
	behind := &blk.Request{Sector: s.Sectors(), NSegs: 1, Done: func(*blk.Request) {}}
	behind.Segs[0].Len = arch.PageSize
	s.Submit(behind)
	want(t, "a page behind the end", behind.Err, syscall.EIO)
	s.Close()
	if SwapFileOf(at) != nil {
		t.Error("still swapped to")
	}
}

// fragmented makes a file of n bytes whose blocks lie between those of another.
func fragmented(t *testing.T, c Caller, path string, n int) {
	t.Helper()
	var f [2]*File
	for i, path := range []string{path, "/mnt/other"} {
		var e syscall.Errno
		if f[i], e = c.Open(nil, path, syscall.O_CREAT|syscall.O_RDWR, 0o600); e != 0 {
			t.Fatal(e)
		}
		defer f[i].Put()
	}
	// Half a page of the one, and one byte of the other, at a time: with blocks
	// of 1 KiB some pages are in pieces.
	for done := 0; done < n; done += 2048 {
		f[0].Write(make([]byte, min(2048, n-done)))
		if done%10240 == 0 {
			want(t, "fsync", f[0].ops.Sync(f[0]), 0)
			f[1].Write(make([]byte, 1))
			want(t, "fsync", f[1].ops.Sync(f[1]), 0)
		}
	}
}

// swapThrough writes runs of pages to s, and reads them back in others.
func swapThrough(t *testing.T, s *SwapFile, pages int) {
	t.Helper()
	data := make([]byte, pages*arch.PageSize)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	// Frames in a row share a segment, as in mm's requests.
	const block = 2 // its order
	frames := make([]*mm.Page, blk.MaxSegs)
	for i := 0; i < len(frames); i += 1 << block {
		p := mm.AllocPages(mm.GFPKernel, block)
		defer mm.FreePages(p, block)
		for k := range 1 << block {
			frames[i+k] = mm.PageOf(p.PFN() + arch.PFN(k))
		}
	}
	move := func(op blk.Op, first, n int) {
		done := make(chan syscall.Errno)
		r := &blk.Request{Op: op, Sector: uint64(first) * sectorsPerPage, Done: func(r *blk.Request) { done <- r.Err }}
		for i := 0; i < n; i += 1 << block {
			r.Segs[r.NSegs] = blk.Seg{Phys: uint64(frames[i].PFN()) << arch.PageShift, Len: uint32(min(n-i, 1<<block)) * arch.PageSize}
			r.NSegs++
		}
		go s.Submit(r)
		if e := <-done; e != 0 {
			t.Errorf("pages %d to %d: %v", first, first+n, e)
		}
	}
	page := func(k int) []byte { return data[k*arch.PageSize:][:arch.PageSize] }
	for first := 0; first < pages; first += 25 {
		for i := range 25 {
			copy(frames[i].Bytes(), page(first+i))
		}
		move(blk.Write, first, 25)
	}
	for first := 0; first < pages; first += 20 {
		move(blk.Read, first, 20)
		for i := range 20 {
			if !bytes.Equal(frames[i].Bytes(), page(first+i)) {
				t.Fatalf("page %d has something else", first+i)
			}
		}
	}
}

// TestSwapFileErrors: what cannot be swapped to.
func TestSwapFileErrors(t *testing.T) {
	d := formatted(t, 4<<20)
	c := mounted(t, d)
	f, e := c.Open(nil, "/mnt/hole", syscall.O_CREAT|syscall.O_RDWR, 0o600)
	if e != 0 {
		t.Fatal(e)
	}
	f.Truncate(10 * arch.PageSize)
	f.Put()
	put(t, c, "/tmp/file", "in RAM")
	put(t, c, "/mnt/short", "less than a page")
	for path, expect := range map[string]syscall.Errno{"/mnt/hole": syscall.EINVAL, "/mnt/short": syscall.EINVAL, "/tmp/file": syscall.EINVAL, "/mnt": syscall.EINVAL} {
		at, _ := c.Resolve(nil, path, true)
		_, e := OpenSwapFile(at)
		want(t, path, e, expect)
		if SwapFileOf(at) != nil {
			t.Errorf("%s is swapped to", path)
		}
	}
}

// TestDiskIoctls: the size of the disk, and where a file's blocks are on it.
func TestDiskIoctls(t *testing.T) {
	d := formatted(t, 4<<20, "-b", "1024")
	c := mounted(t, d)
	AddDisk(1, d)
	disk, _ := c.Open(nil, "/dev/vdb", syscall.O_RDONLY, 0)
	defer disk.Put()
	u := make(userBytes, 8)
	_, e := disk.ops.Ioctl(disk, BLKGETSIZE64, u, 0)
	want(t, "BLKGETSIZE64", e, 0)
	if !bytes.Equal(u, []byte{0, 0, 64, 0, 0, 0, 0, 0}) {
		t.Errorf("size % x", []byte(u))
	}
	put(t, c, "/mnt/f", string(bytes.Repeat([]byte("text"), 1024)))
	f, _ := c.Open(nil, "/mnt/f", syscall.O_RDONLY, 0)
	defer f.Put()
	want(t, "fsync", f.ops.Sync(f), 0)
	copy(u, []byte{2, 0, 0, 0})
	_, e = f.ops.Ioctl(f, FIBMAP, u, 0)
	want(t, "FIBMAP", e, 0)
	block := int64(u[0]) | int64(u[1])<<8 | int64(u[2])<<16
	buf := make([]byte, 8)
	d.ReadAt(buf, block*1024)
	if string(buf) != "texttext" {
		t.Errorf("block 2 is at %d of the disk, where there is %q", block, buf)
	}
	_, e = f.ops.Ioctl(f, 12345, u, 0)
	want(t, "an unknown request", e, syscall.ENOTTY)
}
