package fs

import (
	"bytes"
	"syscall"
	"testing"

	"yolk/arch"
	"yolk/drivers/blk"
)

// fakeDisk is a disk in memory that answers from another goroutine.
type fakeDisk struct{ data []byte }

func (d *fakeDisk) Name() string    { return "vda" }
func (d *fakeDisk) Sectors() uint64 { return uint64(len(d.data) / blk.SectorSize) }
func (d *fakeDisk) ReadOnly() bool  { return false }

func (d *fakeDisk) Submit(r *blk.Request) {
	go func() {
		at := d.data[r.Sector*blk.SectorSize:]
		for _, s := range r.Segs[:r.NSegs] {
			mem := arch.FrameBytes(arch.PFN(s.Phys >> arch.PageShift))[:s.Len]
			if r.Op == blk.Read {
				copy(mem, at)
			} else {
				copy(at, mem)
			}
			at = at[s.Len:]
		}
		r.Done(r)
	}()
}

func TestDisk(t *testing.T) {
	c := newRoot(t)
	disk := &fakeDisk{data: make([]byte, 5*512+2*arch.PageSize)}
	AddDisk(0, disk)
	f, e := c.Open(nil, "/dev/vda", syscall.O_RDWR, 0)
	if e != 0 {
		t.Fatal(e)
	}
	defer f.Put()
	text := bytes.Repeat([]byte("0123456789"), 500)
	if n, _, e := f.WriteAt(text, 100); n != len(text) || e != 0 {
		t.Errorf("write: %d, %v", n, e)
	}
	if !bytes.Equal(disk.data[100:5100], text) || disk.data[99] != 0 || disk.data[5100] != 0 {
		t.Error("the disk has something else")
	}
	buf := make([]byte, len(disk.data)+10)
	if n, e := f.ReadAt(buf, 0); n != len(disk.data) || e != 0 || !bytes.Equal(buf[:n], disk.data) {
		t.Errorf("read: %d, %v", n, e)
	}
	if _, _, e := f.WriteAt(text, int64(len(disk.data))); e != syscall.ENOSPC {
		t.Errorf("write behind the end: %v", e)
	}
	if end, _ := f.Lseek(0, SeekEnd); end != int64(len(disk.data)) {
		t.Errorf("capacity %d", end)
	}
	want(t, "fsync", f.ops.Sync(f), 0)
}
