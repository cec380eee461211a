package rootfs

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/cavaliergopher/cpio"
)

// visitor is called for every entry of a root. The header's name is clean and
// relative ("bin/sh"); body is its contents, for a regular file.
type visitor func(h *cpio.Header, body io.Reader) error

// source is a place that a root comes from. It can be walked more than once.
type source interface {
	walk(visit visitor) error
}

// cleanName makes an entry's name relative to the root and keeps it inside; it is
// "" for the root itself.
func cleanName(name string) string {
	return strings.TrimPrefix(path.Clean("/"+filepath.ToSlash(name)), "/")
}

// builtin is the root that programs get when none is named: places to write,
// places to mount, and the two files that C libraries look users up in.
type builtin struct{}

func (builtin) walk(visit visitor) error {
	for _, d := range []string{"bin", "dev", "etc", "mnt", "proc", "root", "sys", "tmp", "usr", "usr/bin", "var"} {
		mode := cpio.FileMode(cpio.TypeDir | 0o755)
		if d == "tmp" {
			mode = cpio.TypeDir | cpio.ModeSticky | 0o777
		}
		if err := visit(&cpio.Header{Name: d, Mode: mode}, nil); err != nil {
			return err
		}
	}
	for _, f := range []struct{ name, text string }{
		{"etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"},
		{"etc/group", "root:x:0:\nnogroup:x:65534:\n"},
		{"etc/hostname", "yolk\n"},
	} {
		h := &cpio.Header{Name: f.name, Mode: cpio.TypeReg | 0o644, Size: int64(len(f.text))}
		if err := visit(h, strings.NewReader(f.text)); err != nil {
			return err
		}
	}
	return nil
}

// directory is a root on the host's file system.
type directory string

func (d directory) walk(visit visitor) error {
	return filepath.WalkDir(string(d), func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(string(d), p)
		if err != nil || rel == "." {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		return visitFile(p, cleanName(rel), info, visit)
	})
}

// visitFile visits one file of the host under the given name. Device nodes and
// sockets are left out: the kernel makes its own.
func visitFile(hostPath, name string, info fs.FileInfo, visit visitor) error {
	link := ""
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		var err error
		if link, err = os.Readlink(hostPath); err != nil {
			return err
		}
	case info.Mode()&(fs.ModeDevice|fs.ModeSocket|fs.ModeIrregular) != 0:
		return nil
	}
	h, err := cpio.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	h.Name = name
	if st, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		h.Uid, h.Guid = int(st.Uid), int(st.Gid)
	}
	if !info.Mode().IsRegular() {
		h.Size = 0
		return visit(h, nil)
	}
	f, err := os.Open(hostPath)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return visit(h, f)
}

// archive is a tar or cpio file, gzipped or not.
type archive string

func (a archive) walk(visit visitor) error {
	f, err := os.Open(string(a))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	in := bufio.NewReaderSize(f, 64<<10)
	if magic, _ := in.Peek(2); string(magic) == "\x1f\x8b" {
		z, err := gzip.NewReader(in)
		if err != nil {
			return fmt.Errorf("%s: %w", string(a), err)
		}
		in = bufio.NewReaderSize(z, 64<<10)
	}
	if magic, _ := in.Peek(6); string(magic) == "070701" || string(magic) == "070702" {
		err = walkCpio(in, visit)
	} else if head, _ := in.Peek(262); len(head) == 262 && string(head[257:]) == "ustar" {
		err = walkTar(in, visit)
	} else {
		err = errors.New("neither a directory nor a tar or cpio (newc) archive, plain or gzipped")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", string(a), err)
	}
	return nil
}

func walkCpio(in io.Reader, visit visitor) error {
	for r := cpio.NewReader(in); ; {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch h.Mode & cpio.ModeType {
		case cpio.TypeBlock, cpio.TypeChar, cpio.TypeSocket:
			continue
		}
		clean := &cpio.Header{Name: cleanName(h.Name), Linkname: h.Linkname, Mode: h.Mode,
			Uid: h.Uid, Guid: h.Guid, ModTime: h.ModTime, Size: h.Size}
		if clean.Name == "" {
			continue
		}
		if err := visit(clean, r); err != nil {
			return err
		}
	}
}

func walkTar(in io.Reader, visit visitor) error {
	for r := tar.NewReader(in); ; {
		t, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		h := &cpio.Header{Name: cleanName(t.Name), Mode: cpio.FileMode(t.Mode & 0o7777),
			Uid: t.Uid, Guid: t.Gid, ModTime: t.ModTime}
		switch t.Typeflag {
		case tar.TypeReg:
			h.Mode |= cpio.TypeReg
			h.Size = t.Size
		case tar.TypeDir:
			h.Mode |= cpio.TypeDir
		case tar.TypeSymlink:
			h.Mode |= cpio.TypeSymlink
			h.Linkname = t.Linkname
		case tar.TypeLink:
			// The second name of a file becomes a symbolic link to the first:
			// its contents have gone by in the stream.
			h.Mode = cpio.TypeSymlink | 0o777
			h.Linkname = "/" + cleanName(t.Linkname)
		case tar.TypeFifo:
			h.Mode |= cpio.TypeFifo
		default:
			continue
		}
		if h.Name == "" {
			continue
		}
		if err := visit(h, r); err != nil {
			return err
		}
	}
}
