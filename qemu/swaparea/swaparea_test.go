package swaparea

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func newFile(t *testing.T, size int64) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "swap"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFormatThenInspect(t *testing.T) {
	for _, size := range []int64{MinSize, MinSize + 1, 1 << 20, 128 << 20} {
		f := newFile(t, size)
		if s, err := Inspect(f, size); s != Blank || err != nil {
			t.Errorf("%d bytes, blank: got %v, %v", size, s, err)
		}
		if err := Format(f, size, "test"); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		if s, err := Inspect(f, size); s != Ready || err != nil {
			t.Errorf("%d bytes, formatted: got %v, %v", size, s, err)
		}
	}
}

func TestInspectRefuses(t *testing.T) {
	tests := []struct {
		name  string
		size  int64
		spoil func(t *testing.T, f *os.File)
		want  string
	}{
		{"nothing", 0, nil, "too small"},
		{"nine pages", MinSize - 1, nil, "too small"},
		{"too large", maxSize + 1, nil, "too large"},
		{"text at the start", MinSize, at(0, "precious data"), ErrOtherContent.Error()},
		{"ext2's magic", 4 << 20, at(1080, "\x53\xef"), ErrOtherContent.Error()},
		{"a GPT at the end", 4 << 20, at(4<<20-512, "EFI PART"), ErrOtherContent.Error()},
		{"version 0", MinSize, formatted(at(infoOffset, "\x00")), "version 0"},
		{"more pages than there are", MinSize, formatted(at(infoOffset+4, "\xff")), "speaks of 256 pages"},
		{"too few pages", MinSize, formatted(at(infoOffset+4, "\x01")), "speaks of 2 pages"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFile(t, min(test.size, 8<<20))
			if test.spoil != nil {
				test.spoil(t, f)
			}
			if _, err := Inspect(f, test.size); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func at(offset int64, s string) func(*testing.T, *os.File) {
	return func(t *testing.T, f *os.File) {
		if _, err := f.WriteAt([]byte(s), offset); err != nil {
			t.Fatal(err)
		}
	}
}

func formatted(then func(*testing.T, *os.File)) func(*testing.T, *os.File) {
	return func(t *testing.T, f *os.File) {
		if err := Format(f, MinSize, ""); err != nil {
			t.Fatal(err)
		}
		then(t, f)
	}
}

func TestFormatTooSmall(t *testing.T) {
	f := newFile(t, 0)
	if err := Format(f, MinSize-1, ""); err == nil || errors.Is(err, ErrOtherContent) {
		t.Errorf("got %v", err)
	}
}

// The tools that know the format are asked, where the machine has them.
func TestOthersAgree(t *testing.T) {
	f := newFile(t, 4<<20)
	if err := Format(f, 4<<20, "yolk"); err != nil {
		t.Fatal(err)
	}
	if tool, err := exec.LookPath("/usr/sbin/swaplabel"); err == nil {
		out, err := exec.Command(tool, f.Name()).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "LABEL: yolk") || !strings.Contains(string(out), "UUID:") {
			t.Errorf("swaplabel: %v\n%s", err, out)
		}
	}
	if tool, err := exec.LookPath("file"); err == nil {
		out, err := exec.Command(tool, f.Name()).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "swap file") {
			t.Errorf("file: %v\n%s", err, out)
		}
	}
	tool, err := exec.LookPath("/usr/sbin/mkswap")
	if err != nil {
		return
	}
	theirs := newFile(t, 4<<20)
	if out, err := exec.Command(tool, theirs.Name()).CombinedOutput(); err != nil {
		t.Fatalf("mkswap: %v\n%s", err, out)
	}
	if s, err := Inspect(theirs, 4<<20); s != Ready || err != nil {
		t.Errorf("an area of mkswap's: got %v, %v", s, err)
	}
}
