package fs

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"yolk/arch"
	"yolk/drivers/memdisk"
	"yolk/mm"
)

func TestExtMappings(t *testing.T) {
	onFormats(t, 8<<20, func(t *testing.T, _ *memdisk.Disk, c Caller) {
		text := strings.Repeat("0123456789abcdef", 600) // two pages and a part
		put(t, c, "/mnt/f", text)
		f, e := c.Open(nil, "/mnt/f", syscall.O_RDWR, 0)
		want(t, "open", e, 0)
		m := space(t)
		priv := mapFile(t, m, f, 4, rw, private)
		sh := mapFile(t, m, f, 4, rw, shared)
		buf := make([]byte, 3*arch.PageSize)
		check := func(what string, addr uintptr, expect string) {
			t.Helper()
			n := len(expect)
			if e := mm.CopyFromUser(m, buf[:n], addr); e != 0 || string(buf[:n]) != expect {
				t.Errorf("%s: %v, %.20q, want %.20q", what, e, buf[:n], expect)
			}
		}
		check("private mapping", priv, text)
		check("shared mapping", sh, text)
		check("rest of the last page", sh+uintptr(len(text)), "\x00\x00\x00\x00")
		want(t, "beyond the end", mm.CopyFromUser(m, buf[:1], sh+3*arch.PageSize), syscall.EFAULT)
		want(t, "private write", mm.CopyToUser(m, priv+5000, []byte("mine")), 0)
		check("shared mapping after a private write", sh+5000, text[5000:5004])
		want(t, "shared write", mm.CopyToUser(m, sh+100, []byte("ours")), 0)
		if n, _ := f.ReadAt(buf[:4], 100); string(buf[:n]) != "ours" {
			t.Errorf("read after a shared write: %q", buf[:n])
		}
		f.WriteAt([]byte("file"), 200)
		check("shared mapping after write(2)", sh+200, "file")
		m.MmapSem.Lock()
		want(t, "msync", mm.DoMsync(m, sh, 4*arch.PageSize, syscall.MS_SYNC), 0)
		m.MmapSem.Unlock()
		want(t, "truncate", f.Truncate(4096), 0)
		want(t, "truncated", mm.CopyFromUser(m, buf[:1], sh+4096), syscall.EFAULT)
		want(t, "truncated, private copy", mm.CopyFromUser(m, buf[:1], priv+5000), syscall.EFAULT)
		want(t, "grow", f.Truncate(8192), 0)
		check("grown again", sh+4096, "\x00\x00\x00\x00")
		c.Unlink(nil, "/mnt/f")
		f.Put()
		check("unlinked and closed", sh+100, "ours")
		mm.MMPut(m)
	})
}

// TestExtLargerThanMemory writes, maps and reads a file that does not fit.
func TestExtLargerThanMemory(t *testing.T) {
	const pages = 6000 // of a machine with 4096
	d := formatted(t, 32<<20, "-b", "4096")
	c := mounted(t, d)
	f, e := c.Open(nil, "/mnt/f", syscall.O_CREAT|syscall.O_RDWR, 0o644)
	want(t, "open", e, 0)
	page := make([]byte, arch.PageSize)
	for k := range uint64(pages) {
		binary.LittleEndian.PutUint64(page, k)
		if n, _, e := f.WriteAt(page, int64(k*arch.PageSize)); n != len(page) || e != 0 {
			t.Fatalf("write of page %d: %d, %v", k, n, e)
		}
	}
	m := space(t)
	at := mapFile(t, m, f, pages, rw, shared)
	word := make([]byte, 8)
	for k := range uint64(pages) {
		addr := at + uintptr(k)*arch.PageSize
		if e := mm.CopyFromUser(m, word, addr); e != 0 || binary.LittleEndian.Uint64(word) != k {
			t.Fatalf("page %d: %v, %d", k, e, binary.LittleEndian.Uint64(word))
		}
		binary.LittleEndian.PutUint64(word, k+1)
		want(t, "store", mm.CopyToUser(m, addr, word), 0)
	}
	mm.MMPut(m)
	f.Put()
	c = remount(t, d)
	f, _ = c.Open(nil, "/mnt/f", syscall.O_RDONLY, 0)
	for k := range uint64(pages) {
		if n, e := f.ReadAt(page, int64(k*arch.PageSize)); n != len(page) || e != 0 || binary.LittleEndian.Uint64(page) != k+1 {
			t.Fatalf("page %d on disk: %d, %v, %d", k, n, e, binary.LittleEndian.Uint64(page))
		}
	}
	f.Put()
	want(t, "unmount", CloseDisks(), 0)
}

// TestExtTruncateRace truncates a file while others read, write and map it and
// pages are stolen: a word is 0 or its own offset, and in the end nothing is
// mapped or cached behind the end.
func TestExtTruncateRace(t *testing.T) {
	if raceDetector {
		t.Skip("programs change pages while the disk reads them, as they may")
	}
	const pages = 48
	d := formatted(t, 8<<20, "-b", "1024")
	d.SetDelay(func() time.Duration { return time.Duration(rand.IntN(100)) * time.Microsecond })
	c := mounted(t, d)
	mm.StartKupdate(func() { SyncSupers() })
	f, _ := c.Open(nil, "/mnt/f", syscall.O_CREAT|syscall.O_RDWR, 0o644)
	var stop atomic.Bool
	var wg sync.WaitGroup
	check := func(what string, off int64, word []byte) {
		if v := binary.LittleEndian.Uint64(word); v != 0 && v != uint64(off) {
			t.Errorf("%s: %d at %d", what, v, off)
			stop.Store(true)
		}
	}
	for task := range uint64(3) {
		m := space(t)
		at := mapFile(t, m, f, pages, rw, shared)
		wg.Go(func() {
			defer mm.MMPut(m)
			rng := rand.New(rand.NewPCG(task, 5))
			word := make([]byte, 8)
			for !stop.Load() {
				off := int64(rng.IntN(pages*arch.PageSize/8)) * 8
				addr := at + uintptr(off)
				binary.LittleEndian.PutUint64(word, uint64(off))
				switch rng.IntN(8) {
				case 0:
					f.WriteAt(word, off)
				case 1:
					if n, e := f.ReadAt(word, off); n == 8 && e == 0 {
						check("read", off, word)
					}
				case 2:
					if rng.IntN(10) == 0 {
						m.MmapSem.Lock()
						mm.DoMsync(m, at, pages*arch.PageSize, syscall.MS_SYNC)
						mm.DoMadvise(m, at, pages*arch.PageSize, syscall.MADV_DONTNEED)
						m.MmapSem.Unlock()
					}
				case 3, 4, 5:
					mm.CopyToUser(m, addr, word)
				default:
					if mm.CopyFromUser(m, word, addr) == 0 {
						check("mapping", off, word)
					}
				}
			}
		})
	}
	rng := rand.New(rand.NewPCG(9, 5))
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end) && !stop.Load(); {
		want(t, "truncate", f.Truncate(int64(rng.IntN(pages*arch.PageSize/8))*8), 0)
		want(t, "grow", f.Truncate(pages*arch.PageSize), 0)
	}
	stop.Store(true)
	wg.Wait()
	want(t, "truncate", f.Truncate(0), 0)
	if n := f.inode.ops.(*extInode).m.Pages(); n != 0 {
		t.Errorf("%d pages cached of an empty file", n)
	}
	f.Truncate(pages * arch.PageSize)
	buf := make([]byte, pages*arch.PageSize)
	if n, e := f.ReadAt(buf, 0); n != len(buf) || e != 0 || !bytes.Equal(buf, make([]byte, len(buf))) {
		t.Errorf("a hole has something in it: %d, %v", n, e)
	}
	f.Put()
	mm.StopKupdate()
	want(t, "unmount", CloseDisks(), 0)
	checked(t, d)
}
