package fs

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"yolk/drivers/blk"
	"yolk/drivers/memdisk"
	"yolk/mm"
)

// tool finds a program of e2fsprogs, which an ordinary user's PATH may not lead to.
func tool(t testing.TB, name string) string {
	t.Helper()
	for _, dir := range []string{"", "/usr/sbin/", "/sbin/"} {
		if path, err := exec.LookPath(dir + name); err == nil {
			return path
		}
	}
	t.Fatalf("%s is missing: install e2fsprogs", name)
	return ""
}

// formatted makes a disk of size bytes with an ext2 on it.
func formatted(t testing.TB, size int64, args ...string) *memdisk.Disk {
	t.Helper()
	image := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, size); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(tool(t, "mkfs.ext2"), append(append([]string{"-q", "-F"}, args...), image)...).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext2: %v\n%s", err, out)
	}
	data, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	d := memdisk.New("vdb", uint64(size/blk.SectorSize))
	d.WriteAt(data, 0)
	return d
}

// checked wants e2fsck to find nothing wrong with a disk.
func checked(t *testing.T, d *memdisk.Disk) {
	t.Helper()
	data := make([]byte, d.Sectors()*blk.SectorSize)
	d.ReadAt(data, 0)
	image := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(image, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(tool(t, "e2fsck"), "-fn", image).CombinedOutput(); err != nil {
		t.Errorf("e2fsck: %v\n%s", err, out)
	}
}

// mounted is a system with d at /mnt.
func mounted(t testing.TB, d *memdisk.Disk) Caller {
	t.Helper()
	if err := Init(archive()); err != nil {
		t.Fatal(err)
	}
	if e := MountDisk(d, "/mnt"); e != 0 {
		t.Fatalf("mount: %v", e)
	}
	return Caller{FS: NewContext(), Cred: RootCred}
}

// remount ends the use of the disk and mounts it again: what is seen then was on it.
func remount(t *testing.T, d *memdisk.Disk) Caller {
	t.Helper()
	want(t, "unmount", CloseDisks(), 0)
	checked(t, d)
	return mounted(t, d)
}

// formats are the shapes of disk that the tests run on.
var formats = map[string][]string{
	"1k":        {"-b", "1024"},
	"2k":        {"-b", "2048"},
	"4k":        {"-b", "4096"},
	"old":       {"-b", "1024", "-r", "0"},
	"bare":      {"-b", "4096", "-O", "none", "-I", "128"},
	"dir_index": {"-b", "1024", "-O", "dir_index"},
}

func onFormats(t *testing.T, size int64, f func(t *testing.T, d *memdisk.Disk, c Caller)) {
	for name, args := range formats {
		t.Run(name, func(t *testing.T) {
			d := formatted(t, size, args...)
			f(t, d, mounted(t, d))
			want(t, "unmount", CloseDisks(), 0)
			checked(t, d)
		})
	}
}

func TestExtNames(t *testing.T) {
	onFormats(t, 8<<20, func(t *testing.T, d *memdisk.Disk, c Caller) {
		long := strings.Repeat("n", 255)
		link := strings.Repeat("/long", 100)
		want(t, "mkdir", c.Mkdir(nil, "/mnt/a", 0o755), 0)
		want(t, "mkdir again", c.Mkdir(nil, "/mnt/a", 0o755), syscall.EEXIST)
		want(t, "mkdir below", c.Mkdir(nil, "/mnt/a/b", 0o700), 0)
		put(t, c, "/mnt/a/file", "contents")
		put(t, c, "/mnt/"+long, "long")
		want(t, "short link", c.Symlink("a/file", nil, "/mnt/short"), 0)
		want(t, "long link", c.Symlink(link, nil, "/mnt/longlink"), 0)
		file, _ := c.Resolve(nil, "/mnt/a/file", true)
		want(t, "link", c.Link(file, nil, "/mnt/second"), 0)
		want(t, "rmdir of a full one", c.Rmdir(nil, "/mnt/a"), syscall.ENOTEMPTY)
		want(t, "rename", c.Rename(nil, "/mnt/a/b", nil, "/mnt/moved", 0), 0)
		want(t, "rename below itself", c.Rename(nil, "/mnt/a", nil, "/mnt/a/x", 0), syscall.EINVAL)
		put(t, c, "/mnt/moved/victim", "old")
		want(t, "rename over", c.Rename(nil, "/mnt/second", nil, "/mnt/moved/victim", 0), 0)
		want(t, "exchange", c.Rename(nil, "/mnt/a", nil, "/mnt/moved/victim", RenameExchange), 0)
		want(t, "unlink", c.Unlink(nil, "/mnt/"+long), 0)
		want(t, "mknod", c.Mknod(nil, "/mnt/dev", syscall.S_IFCHR|0o600, Makedev(1, 3)), 0)
		want(t, "fifo", c.Mknod(nil, "/mnt/fifo", syscall.S_IFIFO|0o600, 0), 0)
		c = remount(t, d)
		for path, text := range map[string]string{"/mnt/a": "contents", "/mnt/moved/victim/file": "contents"} {
			if got := contents(t, c, path); got != text {
				t.Errorf("%s has %q, want %q", path, got, text)
			}
		}
		l, e := c.Resolve(nil, "/mnt/longlink", false)
		want(t, "resolve", e, 0)
		if text, e := c.Readlink(l); text != link || e != 0 {
			t.Errorf("long link: %q, %v", text, e)
		}
		dev, _ := c.Resolve(nil, "/mnt/dev", false)
		if s := dev.inode.Stat(); s.Rdev != Makedev(1, 3) || s.Mode != syscall.S_IFCHR|0o600 {
			t.Errorf("device: %+v", s)
		}
	})
}

func TestExtManyNames(t *testing.T) {
	onFormats(t, 8<<20, func(t *testing.T, d *memdisk.Disk, c Caller) {
		const n = 300
		for k := range n {
			put(t, c, fmt.Sprintf("/mnt/a-file-with-number-%d", k), fmt.Sprint(k))
		}
		for k := 0; k < n; k += 3 {
			want(t, "unlink", c.Unlink(nil, fmt.Sprintf("/mnt/a-file-with-number-%d", k)), 0)
		}
		c = remount(t, d)
		f, e := c.Open(nil, "/mnt", syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
		want(t, "open", e, 0)
		defer f.Put()
		seen, pos := map[string]bool{}, int64(0)
		for more := true; more; { // a few at a time, as getdents does, removing them meanwhile
			more = false
			var batch []string
			pos, e = f.ops.ReadDir(f, pos, func(name string, _ uint64, _ uint32, _ int64) bool {
				if len(batch) == 7 {
					return false
				}
				batch = append(batch, name)
				return true
			})
			want(t, "readdir", e, 0)
			for _, name := range batch {
				more = true
				if strings.HasPrefix(name, "a-file") {
					seen[name] = true
					want(t, "unlink", c.Unlink(nil, "/mnt/"+name), 0)
				}
			}
		}
		if len(seen) != n-n/3 {
			t.Errorf("%d names, want %d", len(seen), n-n/3)
		}
	})
}

// TestExtContents writes at random into files that reach every level of the map,
// and reads what it wrote, from memory and after a remount.
func TestExtContents(t *testing.T) {
	onFormats(t, 24<<20, func(t *testing.T, d *memdisk.Disk, c Caller) {
		rng := rand.New(rand.NewPCG(1, 2))
		model := make([]byte, 3<<20)
		f, e := c.Open(nil, "/mnt/file", syscall.O_CREAT|syscall.O_RDWR, 0o644)
		want(t, "open", e, 0)
		size := 0
		for range 200 {
			off, n := rng.IntN(len(model)-20000), 1+rng.IntN(20000)
			if rng.IntN(4) == 0 {
				n = 1 + rng.IntN(10)
			}
			for k := off; k < off+n; k++ {
				model[k] = byte(rng.Uint32())
			}
			if got, _, e := f.WriteAt(model[off:off+n], int64(off)); got != n || e != 0 {
				t.Fatalf("write of %d at %d: %d, %v", n, off, got, e)
			}
			if size = max(size, off+n); rng.IntN(8) == 0 {
				size = rng.IntN(size + 1)
				want(t, "truncate", f.Truncate(int64(size)), 0)
				clear(model[size:])
			}
		}
		same := func(f *File) {
			t.Helper()
			buf := make([]byte, len(model)+1)
			if n, e := f.ReadAt(buf, 0); n != size || e != 0 || !bytes.Equal(buf[:n], model[:size]) {
				t.Errorf("the file differs: %d of %d bytes, %v", n, size, e)
			}
		}
		same(f)
		want(t, "fsync", f.ops.Sync(f), 0)
		f.Put()
		for _, k := range []int64{20 << 20, 1 << 30} { // triple indirect with blocks of 1 KiB
			g, e := c.Open(nil, fmt.Sprint("/mnt/sparse", k), syscall.O_CREAT|syscall.O_RDWR, 0o644)
			want(t, "open", e, 0)
			if _, _, e := g.WriteAt([]byte("end"), k); e != 0 {
				t.Errorf("write at %d: %v", k, e)
			}
			g.Put()
		}
		c = remount(t, d)
		f, _ = c.Open(nil, "/mnt/file", syscall.O_RDWR, 0)
		same(f)
		f.Put()
		g, _ := c.Open(nil, "/mnt/sparse1073741824", syscall.O_RDWR, 0)
		buf := make([]byte, 8)
		if n, e := g.ReadAt(buf, 1<<30-5); n != 8 || e != 0 || string(buf) != "\x00\x00\x00\x00\x00end" {
			t.Errorf("sparse: %d %v %q", n, e, buf)
		}
		want(t, "truncate", g.Truncate(100), 0)
		g.Put()
	})
}

// TestExtFull fills the disk; what does not fit is refused, and freeing helps.
func TestExtFull(t *testing.T) {
	d := formatted(t, 1<<20, "-b", "1024")
	c := mounted(t, d)
	free := func() uint64 { r, _ := c.Resolve(nil, "/mnt", true); return r.Statfs().Free }
	before := free()
	f, _ := c.Open(nil, "/mnt/big", syscall.O_CREAT|syscall.O_RDWR, 0o644)
	n, _, e := f.WriteAt(make([]byte, 2<<20), 0)
	if n == 0 || n >= 1<<20 || e != 0 {
		t.Errorf("write: %d, %v", n, e)
	}
	if _, _, e := f.WriteAt([]byte{1}, int64(n)+8192); e != syscall.ENOSPC {
		t.Errorf("write to a full disk: %v", e)
	}
	want(t, "mkdir", c.Mkdir(nil, "/mnt/dir", 0o755), syscall.ENOSPC)
	want(t, "unlink", c.Unlink(nil, "/mnt/big"), 0)
	if free() == before {
		t.Error("an open file's blocks are free")
	}
	f.Put()
	if free() != before {
		t.Errorf("%d pages free, were %d", free(), before)
	}
	want(t, "unmount", CloseDisks(), 0)
	checked(t, d)
}

// TestExtOrphan unmounts with a file open that has no name.
func TestExtOrphan(t *testing.T) {
	d := formatted(t, 4<<20)
	c := mounted(t, d)
	put(t, c, "/mnt/file", "text")
	f, _ := c.Open(nil, "/mnt/file", syscall.O_RDWR, 0)
	want(t, "unlink", c.Unlink(nil, "/mnt/file"), 0)
	want(t, "unmount", CloseDisks(), 0)
	checked(t, d)
	if _, _, e := f.WriteAt(make([]byte, 10), 100000); e != syscall.EIO {
		t.Errorf("write after the unmount: %v", e)
	}
	f.Put()
}

// badDisk is a disk with one bad sector.
type badDisk struct {
	*memdisk.Disk
	sector uint64
}

// Submit fails what touches the sector.
func (d *badDisk) Submit(r *blk.Request) {
	n := uint64(0)
	for _, s := range r.Segs[:r.NSegs] {
		n += uint64(s.Len) / blk.SectorSize
	}
	if r.Sector <= d.sector && d.sector < r.Sector+n {
		r.Err = syscall.EIO
		go r.Done(r)
		return
	}
	d.Disk.Submit(r)
}

// TestExtBadBlock: a block that cannot be read or written is an error to who
// wants it, and to nobody else.
func TestExtBadBlock(t *testing.T) {
	d := formatted(t, 8<<20, "-b", "4096")
	c := mounted(t, d)
	put(t, c, "/mnt/good", strings.Repeat("good", 5000))
	put(t, c, "/mnt/bad", strings.Repeat("evil", 5000))
	bad, _ := c.Resolve(nil, "/mnt/bad", true)
	var at mm.PageBlocks
	want(t, "blocks", diskInode(bad.inode).GetBlocks(2, 0, &at), 0)
	want(t, "unmount", CloseDisks(), 0)
	damaged := &badDisk{Disk: d, sector: at.Sector[0]}
	if err := Init(archive()); err != nil {
		t.Fatal(err)
	}
	want(t, "mount", MountDisk(damaged, "/mnt"), 0)
	c = Caller{FS: NewContext(), Cred: RootCred}
	if got := contents(t, c, "/mnt/good"); len(got) != 20000 {
		t.Errorf("good: %d bytes", len(got))
	}
	f, _ := c.Open(nil, "/mnt/bad", syscall.O_RDWR, 0)
	buf := make([]byte, 4096)
	if n, e := f.ReadAt(buf, 0); n != 4096 || e != 0 {
		t.Errorf("before it: %d, %v", n, e)
	}
	if _, e := f.ReadAt(buf, 2*4096); e != syscall.EIO {
		t.Errorf("the bad one: %v", e)
	}
	if n, e := f.ReadAt(buf, 3*4096); n != 4096 || e != 0 || buf[0] != 'e' {
		t.Errorf("behind it: %d, %v", n, e)
	}
	if _, _, e := f.WriteAt(bytes.Repeat([]byte("z"), 5*4096), 0); e != 0 {
		t.Errorf("write to the cache: %v", e)
	}
	want(t, "fsync", f.ops.Sync(f), syscall.EIO)
	want(t, "fsync again", f.ops.Sync(f), 0)
	onDisk := make([]byte, 4096)
	for _, k := range []int64{-1, 1} { // its neighbours were written nonetheless
		if d.ReadAt(onDisk, int64(at.Sector[0])*blk.SectorSize+k*4096); onDisk[0] != 'z' {
			t.Errorf("page %d was not written", 2+k)
		}
	}
	f.Put()
	want(t, "unmount", CloseDisks(), 0)
	checked(t, d)
}

// TestExtParallel has tasks make, rewrite, rename and remove files of their own
// and of each other's in one directory, with the disk taking its time.
func TestExtParallel(t *testing.T) {
	d := formatted(t, 16<<20, "-b", "1024")
	c := mounted(t, d)
	mm.StartKupdate(func() { SyncSupers() })
	d.SetDelay(func() time.Duration { return time.Duration(rand.IntN(50)) * time.Microsecond })
	var wg sync.WaitGroup
	for task := range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(task), 3))
			name := func() string { return fmt.Sprintf("/mnt/f%d", rng.IntN(12)) }
			for range 300 {
				switch rng.IntN(6) {
				case 0:
					c.Unlink(nil, name())
				case 1:
					c.Rename(nil, name(), nil, name(), 0)
				case 2:
					c.Mkdir(nil, name(), 0o755)
				case 3:
					c.Rmdir(nil, name())
				default:
					f, e := c.Open(nil, name(), syscall.O_CREAT|syscall.O_RDWR, 0o644)
					if e != 0 {
						continue
					}
					f.WriteAt(bytes.Repeat([]byte{byte(task)}, rng.IntN(30000)), int64(rng.IntN(100000)))
					f.Truncate(int64(rng.IntN(100000)))
					f.Put()
				}
			}
		})
	}
	wg.Wait()
	mm.StopKupdate()
	want(t, "unmount", CloseDisks(), 0)
	checked(t, d)
}

// TestExtDamaged mounts and walks disks with random bytes changed: nothing may
// crash or hang.
func TestExtDamaged(t *testing.T) {
	d := formatted(t, 1<<20, "-b", "1024")
	c := mounted(t, d)
	for k := range 20 {
		c.Mkdir(nil, fmt.Sprint("/mnt/d", k), 0o755)
		put(t, c, fmt.Sprintf("/mnt/d%d/file", k), strings.Repeat("x", k*4000))
	}
	want(t, "unmount", CloseDisks(), 0)
	good := make([]byte, 1<<20)
	d.ReadAt(good, 0)
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 4))
		image := bytes.Clone(good)
		for range 1 + rng.IntN(40) {
			image[1024+rng.IntN(60<<10)] = byte(rng.Uint32())
		}
		d.WriteAt(image, 0)
		if err := Init(archive()); err != nil {
			t.Fatal(err)
		}
		if MountDisk(d, "/mnt") != 0 {
			continue
		}
		c := Caller{FS: NewContext(), Cred: RootCred}
		for k := range 20 {
			path := fmt.Sprintf("/mnt/d%d/file", k)
			if f, e := c.Open(nil, path, syscall.O_RDWR, 0); e == 0 {
				f.ReadAt(make([]byte, 80000), 0)
				f.WriteAt([]byte("y"), int64(rng.IntN(300000)))
				f.Truncate(int64(rng.IntN(50000)))
				f.Put()
			}
			c.Unlink(nil, path)
			c.Rmdir(nil, fmt.Sprint("/mnt/d", k))
			c.Mkdir(nil, fmt.Sprint("/mnt/new", k), 0o755)
		}
		CloseDisks()
	}
}
