package mm

import (
	"sync/atomic"
	"syscall"
	"testing"

	"yolk/drivers/blk"
	"yolk/drivers/memdisk"
)

// rowFile is a file whose pages lie in a row at the beginning of a disk.
type rowFile struct {
	m    Mapping
	disk *memdisk.Disk
	size int64
}

func (f *rowFile) Device() blk.Device    { return f.disk }
func (f *rowFile) Size() int64           { return f.size }
func (f *rowFile) Grow(size int64)       { f.size = size }
func (f *rowFile) Commit() syscall.Errno { return 0 }
func (f *rowFile) GetBlocks(index uint64, _ int64, at *PageBlocks) syscall.Errno {
	*at = PageBlocks{N: 1, Sector: [maxPageBlocks]uint64{sectorsPerPage * (1 + index)}}
	return 0
}

// TestFsyncTellsOfOneBadPage: the request that fails for one page is tried again page by page
// before fsync returns, which then tells of the page; once to each who had the file open.
func TestFsyncTellsOfOneBadPage(t *testing.T) {
	const pages, bad = 16, 5
	swapMachine(t, 512, 100)
	f := &rowFile{disk: memdisk.New("file", sectorsPerPage*(pages+1))}
	f.m.Ops = f
	var whole atomic.Bool // the one request for all pages has failed
	f.disk.SetFault(func(op blk.Op, first uint64) syscall.Errno {
		if op == blk.Write && (whole.CompareAndSwap(false, true) || first == sectorsPerPage*(1+bad)) {
			return syscall.EIO
		}
		return 0
	})
	var ring IMmap
	ring.Init()
	var one, other ErrMark
	f.m.Opened(&one)
	f.m.Opened(&other)
	errors := VMStat(FileWriteError)
	page := make([]byte, pg)
	for i := range int64(pages) {
		if n, e := f.m.Write(page, i*pg); n != pg || e != 0 {
			t.Fatal(n, e)
		}
	}
	for i, want := range []syscall.Errno{syscall.EIO, 0} {
		if e := f.m.Fsync(&ring, &one); e != want {
			t.Errorf("fsync %d: %v, want %v", i+1, e, want)
		}
		if e := f.m.Fsync(&ring, &other); e != want {
			t.Errorf("fsync %d through another file: %v, want %v", i+1, e, want)
		}
	}
	if n := VMStat(FileWriteError) - errors; n != 1 {
		t.Errorf("%d pages could not be written, want 1", n)
	}
	f.size = 0
	f.m.Truncate(&ring)
}
