package fs

import (
	"fmt"
	"sync"
	"syscall"
	"testing"
)

func TestNames(t *testing.T) {
	c := tree(t)
	steps := []struct {
		what string
		do   func() syscall.Errno
		e    syscall.Errno
	}{
		{"mkdir", func() syscall.Errno { return c.Mkdir(nil, "/d/", 0o755) }, 0},
		{"mkdir again", func() syscall.Errno { return c.Mkdir(nil, "/d", 0o755) }, syscall.EEXIST},
		{"mkdir /", func() syscall.Errno { return c.Mkdir(nil, "/", 0o755) }, syscall.EEXIST},
		{"mkdir in nothing", func() syscall.Errno { return c.Mkdir(nil, "/no/d", 0o755) }, syscall.ENOENT},
		{"mkdir in a file", func() syscall.Errno { return c.Mkdir(nil, "/etc/passwd/d", 0o755) }, syscall.ENOTDIR},
		{"symlink", func() syscall.Errno { return c.Symlink("/etc/passwd", nil, "/d/s") }, 0},
		{"symlink empty", func() syscall.Errno { return c.Symlink("", nil, "/d/s2") }, syscall.ENOENT},
		{"mkfifo", func() syscall.Errno { return c.Mknod(nil, "/d/fifo", syscall.S_IFIFO|0o644, 0) }, 0},
		{"mknod of a directory", func() syscall.Errno { return c.Mknod(nil, "/d/x", syscall.S_IFDIR, 0) }, syscall.EPERM},
		{"rmdir full", func() syscall.Errno { return c.Rmdir(nil, "/d") }, syscall.ENOTEMPTY},
		{"rmdir file", func() syscall.Errno { return c.Rmdir(nil, "/etc/passwd") }, syscall.ENOTDIR},
		{"rmdir .", func() syscall.Errno { return c.Rmdir(nil, "/d/.") }, syscall.EINVAL},
		{"rmdir ..", func() syscall.Errno { return c.Rmdir(nil, "/d/..") }, syscall.ENOTEMPTY},
		{"rmdir of a mount", func() syscall.Errno { return c.Rmdir(nil, "/proc") }, syscall.EBUSY},
		{"unlink directory", func() syscall.Errno { return c.Unlink(nil, "/d") }, syscall.EISDIR},
		{"unlink nothing", func() syscall.Errno { return c.Unlink(nil, "/d/no") }, syscall.ENOENT},
		{"unlink", func() syscall.Errno { return c.Unlink(nil, "/d/s") }, 0},
		{"unlink fifo", func() syscall.Errno { return c.Unlink(nil, "/d/fifo") }, 0},
		{"rename into itself", func() syscall.Errno { return c.Rename(nil, "/d", nil, "/d/sub", 0) }, syscall.EINVAL},
		{"rename file over directory", func() syscall.Errno { return c.Rename(nil, "/etc/passwd", nil, "/d", 0) }, syscall.EISDIR},
		{"rename directory over file", func() syscall.Errno { return c.Rename(nil, "/d", nil, "/etc/passwd", 0) }, syscall.ENOTDIR},
		{"rename over a full one", func() syscall.Errno { return c.Rename(nil, "/d", nil, "/etc", 0) }, syscall.ENOTEMPTY},
		{"rename noreplace", func() syscall.Errno { return c.Rename(nil, "/link", nil, "/abs", RenameNoReplace) }, syscall.EEXIST},
		{"rename to another file system", func() syscall.Errno { return c.Rename(nil, "/link", nil, "/proc/x", 0) }, syscall.EXDEV},
		{"rename", func() syscall.Errno { return c.Rename(nil, "/etc", nil, "/d/etc", 0) }, 0},
		{"rename back over an empty one", func() syscall.Errno { return c.Rename(nil, "/d/etc", nil, "/etc", 0) }, 0},
		{"exchange", func() syscall.Errno { return c.Rename(nil, "/d", nil, "/link", RenameExchange) }, 0},
		{"exchange back", func() syscall.Errno { return c.Rename(nil, "/d", nil, "/link", RenameExchange) }, 0},
		{"rmdir", func() syscall.Errno { return c.Rmdir(nil, "/d") }, 0},
	}
	for _, s := range steps {
		want(t, s.what, s.do(), s.e)
	}
	if got := contents(t, c, "/link"); got != "root:x:0:0" {
		t.Errorf("after all that /link reads %q", got)
	}
	root, _ := c.Resolve(nil, "/", true)
	count := uint32(2)
	for _, d := range root.order {
		if d.inode.IsDir() {
			count++
		}
	}
	if n := root.inode.Attr().Nlink; n != count {
		t.Errorf("/ has %d links, want %d", n, count)
	}
}

func TestHardLinks(t *testing.T) {
	c := newRoot(t,
		member{name: "a", mode: fileMode, ino: 7, link: 2},
		member{name: "b", mode: fileMode, ino: 7, link: 2, data: "shared"},
	)
	if contents(t, c, "/a") != "shared" {
		t.Error("the first name of a hard link lost its contents")
	}
	a, _ := c.Resolve(nil, "/a", true)
	want(t, "link", c.Link(a, nil, "/c"), 0)
	want(t, "link over", c.Link(a, nil, "/b"), syscall.EEXIST)
	if n := a.inode.Attr().Nlink; n != 3 {
		t.Errorf("%d links, want 3", n)
	}
	for _, name := range []string{"/a", "/b", "/c"} {
		want(t, "unlink "+name, c.Unlink(nil, name), 0)
	}
	if !a.inode.dead {
		t.Error("a file without names and openers is still there")
	}
	want(t, "link to a dead file", c.Link(a, nil, "/d"), syscall.ENOENT)
	if _, e := openDentry(a, 0, false); e != syscall.ENOENT {
		t.Errorf("open of a dead file: %v", e)
	}
}

func TestReadDir(t *testing.T) {
	c := newRoot(t)
	c.Mkdir(nil, "/big", 0o755)
	for k := range 100 {
		put(t, c, fmt.Sprintf("/big/%d", k), "")
	}
	f, e := c.Open(nil, "/big", syscall.O_RDONLY, 0)
	if e != 0 {
		t.Fatal(e)
	}
	defer f.Put()
	seen := map[string]int{}
	pos := int64(0)
	for { // three entries at a time, removing what was seen, as rm -r does
		room := 3
		next, e := f.ops.ReadDir(f, pos, func(name string, _ uint64, _ uint32, _ int64) bool {
			if room == 0 {
				return false
			}
			room--
			seen[name]++
			return true
		})
		if e != 0 {
			t.Fatal(e)
		}
		if room == 3 {
			break
		}
		pos = next
		for name := range seen {
			if name[0] != '.' {
				c.Unlink(nil, "/big/"+name)
			}
		}
	}
	if len(seen) != 102 {
		t.Errorf("%d entries seen, want 102", len(seen))
	}
	for name, n := range seen {
		if n != 1 {
			t.Errorf("%s seen %d times", name, n)
		}
	}
	want(t, "rmdir", c.Rmdir(nil, "/big"), 0)
}

// TestNamesParallel lets tasks fight over the same names; run it with -race.
func TestNamesParallel(t *testing.T) {
	newRoot(t)
	var wg sync.WaitGroup
	for k := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			c := Caller{FS: NewContext(), Cred: RootCred}
			for n := range 200 {
				a, b := fmt.Sprintf("/tmp/%d", n%3), fmt.Sprintf("/tmp/%d", (n+k)%3)
				c.Mkdir(nil, a, 0o755)
				if f, e := c.Open(nil, a+"/f", syscall.O_CREAT|syscall.O_RDWR, 0o644); e == 0 {
					f.Write([]byte("data"))
					f.Put()
				}
				c.Rename(nil, a, nil, b, 0)
				c.Rename(nil, a+"/f", nil, b+"/g", 0)
				c.Unlink(nil, b+"/g")
				c.Unlink(nil, b+"/f")
				c.Rmdir(nil, b)
				if d, e := c.Resolve(nil, a, true); e == 0 {
					PathOf(Root(), d)
				}
			}
		}()
	}
	wg.Wait()
}
