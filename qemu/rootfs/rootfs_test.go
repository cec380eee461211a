package rootfs

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/cavaliergopher/cpio"
)

// unpack reads an archive into name -> "mode target-or-contents", and wants every
// name once, below directories that came before.
func unpack(t *testing.T, r io.Reader) map[string]string {
	t.Helper()
	got := map[string]string{".": ""}
	for in := cpio.NewReader(r); ; {
		h, err := in.Next()
		if err == io.EOF {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(h.Name, "./")
		if _, ok := got[name]; ok {
			t.Errorf("%s is there twice", name)
		}
		if _, ok := got[filepath.Dir(name)]; !ok {
			t.Errorf("%s comes before its directory", name)
		}
		got[name] = fmt.Sprintf("%o %s%s", uint32(h.Mode), h.Linkname, data)
	}
}

func build(t *testing.T, base string, add ...Addition) map[string]string {
	t.Helper()
	root, err := Open(base)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := root.Build(&b, &Job{Argv: []string{"/bin/x"}, Dir: "/"}, add); err != nil {
		t.Fatal(err)
	}
	return unpack(t, &b)
}

func write(t *testing.T, dir, name, data string) string {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

func want(t *testing.T, got map[string]string, name, value string) {
	t.Helper()
	if got[name] != value {
		t.Errorf("%s is %q, want %q", name, got[name], value)
	}
}

func TestBuiltin(t *testing.T) {
	host := write(t, t.TempDir(), "prog", "program")
	got := build(t, "", Addition{Host: host, Guest: "/bin/prog", Exec: true}, Addition{Host: host, Guest: "deep/down/prog"},
		Addition{Guest: "/bin/sh", Link: "prog"})
	want(t, got, "bin/prog", "100755 program")
	want(t, got, "deep/down/prog", "100644 program")
	want(t, got, "deep/down", "40755 ")
	want(t, got, "bin/sh", "120777 prog")
	want(t, got, "tmp", "41777 ")
	_, text, _ := strings.Cut(got[jobFile], " ")
	var job Job
	if err := json.Unmarshal([]byte(text), &job); err != nil || !reflect.DeepEqual(job.Argv, []string{"/bin/x"}) {
		t.Errorf("the job is %s: %v", text, err)
	}
}

// What a run adds takes the place of what is there, through links as well.
func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "usr/bin/tool", "old tool")
	write(t, dir, "etc/config", "config")
	for link, to := range map[string]string{"bin": "usr/bin", "usr/bin/sh": "tool", "loop": "loop", "out": "../../../etc"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	host := write(t, t.TempDir(), "new", "new tool")
	got := build(t, dir, Addition{Host: host, Guest: "/bin/tool"}, Addition{Host: host, Guest: "/out/config"})
	want(t, got, "usr/bin/tool", "100644 new tool")
	want(t, got, "etc/config", "100644 new tool")
	want(t, got, "bin", "120777 usr/bin")

	root, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := root.Build(io.Discard, &Job{}, []Addition{{Host: host, Guest: "/loop/x"}}); err == nil {
		t.Error("a loop of links was followed to its end")
	}
	if err := root.Build(io.Discard, &Job{}, []Addition{{Host: host, Guest: "/etc"}}); err == nil {
		t.Error("a directory was replaced by a file")
	}
	for path, guest := range map[string]string{
		"/bin/sh": "/bin/sh", "/bin/tool": "/bin/tool", filepath.Join(dir, "usr/bin/tool"): "/usr/bin/tool",
		host: "", "/bin/none": "", "/etc": "",
	} {
		if got, _ := root.Find(path); got != guest {
			t.Errorf("%s is found as %q, want %q", path, got, guest)
		}
	}
	if data, err := root.ReadFile("/bin/sh"); err != nil || string(data) != "old tool" {
		t.Errorf("/bin/sh holds %q, %v", data, err)
	}
}

func TestArchives(t *testing.T) {
	var tarFile, zipped, cpioFile bytes.Buffer
	w := tar.NewWriter(&tarFile)
	for _, h := range []tar.Header{
		{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "./bin/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "./bin/prog", Typeflag: tar.TypeReg, Mode: 0o4755, Size: 4, Uid: 12},
		{Name: "./bin/other", Typeflag: tar.TypeLink, Linkname: "./bin/prog"},
		{Name: "./bin/sym", Typeflag: tar.TypeSymlink, Mode: 0o777, Linkname: "prog"},
		{Name: "./dev/null", Typeflag: tar.TypeChar, Mode: 0o666},
		{Name: "../../escape", Typeflag: tar.TypeReg, Mode: 0o644},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			_, _ = w.Write([]byte("data"))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(tarFile.Bytes())
	_ = z.Close()
	first, err := Open(write(t, t.TempDir(), "a.tar", tarFile.String()))
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Build(&cpioFile, &Job{}, nil); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{"a.tar": tarFile.String(), "a.tgz": zipped.String(), "a.cpio": cpioFile.String()} {
		t.Run(name, func(t *testing.T) {
			got := build(t, write(t, t.TempDir(), name, data))
			want(t, got, "bin/prog", "104755 data")
			want(t, got, "bin/other", "120777 /bin/prog")
			want(t, got, "bin/sym", "120777 prog")
			want(t, got, "escape", "100644 ")
			if _, ok := got["dev/null"]; ok {
				t.Error("a device was copied")
			}
		})
	}
}

func TestBadRoots(t *testing.T) {
	dir := t.TempDir()
	for _, base := range []string{
		filepath.Join(dir, "none"), write(t, dir, "text", "not an archive"), write(t, dir, "empty", ""),
		write(t, dir, "cut.gz", "\x1f\x8b\x08"), write(t, dir, "cut.cpio", "070701"+strings.Repeat("0", 50)),
	} {
		if _, err := Open(base); err == nil {
			t.Errorf("%s was taken for a root", base)
		}
	}
}
