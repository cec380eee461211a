package fs

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"yolk/arch"
	"yolk/mm"
)

func TestMain(m *testing.M) {
	arch.InitSoft(4096, 2)
	mm.Init(mm.Config{})
	os.Exit(m.Run())
}

// member is one file of a test archive.
type member struct {
	name string
	mode uint32
	data string
	ino  int
	link int
}

// archive builds a newc cpio.
func archive(members ...member) []byte {
	var b bytes.Buffer
	for k, m := range append(members, member{name: cpioTrailer}) {
		ino := m.ino
		if ino == 0 {
			ino = 1000 + k
		}
		fmt.Fprintf(&b, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
			ino, m.mode, 0, 0, max(m.link, 1), 42, len(m.data), 0, 0, 0, 0, len(m.name)+1, 0)
		b.WriteString(m.name)
		b.WriteByte(0)
		for b.Len()%4 != 0 {
			b.WriteByte(0)
		}
		b.WriteString(m.data)
		for b.Len()%4 != 0 {
			b.WriteByte(0)
		}
	}
	return b.Bytes()
}

// newRoot makes a root from members and a caller in it.
func newRoot(t *testing.T, members ...member) Caller {
	t.Helper()
	if err := Init(archive(members...)); err != nil {
		t.Fatal(err)
	}
	return Caller{FS: NewContext(), Cred: RootCred}
}

const (
	dirMode  = syscall.S_IFDIR | 0o755
	fileMode = syscall.S_IFREG | 0o644
	linkMode = syscall.S_IFLNK | 0o777
)

// want fails the test if e is not the expected errno.
func want(t *testing.T, what string, e, expected syscall.Errno) {
	t.Helper()
	if e != expected {
		t.Errorf("%s: errno %d (%v), want %d (%v)", what, int(e), e, int(expected), expected)
	}
}

// contents reads a whole file by path.
func contents(t *testing.T, c Caller, path string) string {
	t.Helper()
	f, e := c.Open(nil, path, syscall.O_RDONLY, 0)
	if e != 0 {
		t.Fatalf("open %s: %v", path, e)
	}
	defer f.Put()
	return readAll(t, f)
}

func readAll(t *testing.T, f *File) string {
	t.Helper()
	var out strings.Builder
	buf := make([]byte, 100)
	for {
		n, e := f.Read(buf)
		if e != 0 {
			t.Fatalf("read: %v", e)
		}
		if n == 0 {
			return out.String()
		}
		out.Write(buf[:n])
	}
}

// put writes a file by path.
func put(t *testing.T, c Caller, path, text string) {
	t.Helper()
	f, e := c.Open(nil, path, syscall.O_CREAT|syscall.O_TRUNC|syscall.O_WRONLY, 0o644)
	if e != 0 {
		t.Fatalf("create %s: %v", path, e)
	}
	defer f.Put()
	if n, e := f.Write([]byte(text)); n != len(text) || e != 0 {
		t.Fatalf("write %s: %d, %v", path, n, e)
	}
}
