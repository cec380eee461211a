package fs

import (
	"fmt"
	"strings"
	"syscall"
)

// The boot archive is a cpio in the "new ASCII" format (newc). It is parsed here,
// not by a library: the libraries hand out contents through an io.Reader, which
// would copy every file, while the files of / refer to the archive's own bytes
// until they are written.

const (
	cpioHeader  = 110
	cpioTrailer = "TRAILER!!!"
)

// cpioEntry is one member.
type cpioEntry struct {
	name        string
	mode        uint32
	uid, gid    uint32
	ino         uint64
	nlink       uint32
	mtime       int64
	rdev        uint64
	data        []byte
	devMajorMin [2]uint32
}

// nextCpio reads the member at the start of b and returns what follows it; an
// entry named cpioTrailer is the last.
func nextCpio(b []byte) (en cpioEntry, rest []byte, err error) {
	// Archives may be joined, with zeros between them.
	for len(b) >= 4 && b[0] == 0 {
		b = b[4:]
	}
	if len(b) == 0 {
		return cpioEntry{name: cpioTrailer}, nil, nil
	}
	if len(b) < cpioHeader || string(b[:6]) != "070701" && string(b[:6]) != "070702" {
		return en, nil, fmt.Errorf("not a newc cpio member")
	}
	var f [13]uint32
	for k := range f {
		for _, c := range b[6+8*k : 14+8*k] {
			d := strings.IndexByte("0123456789abcdef", c|0x20)
			if d < 0 {
				return en, nil, fmt.Errorf("bad digit %q in a cpio header", c)
			}
			f[k] = f[k]<<4 | uint32(d)
		}
	}
	nameEnd := cpioHeader + uint64(f[11])
	data := (nameEnd + 3) &^ 3
	end := data + uint64(f[6])
	if f[11] == 0 || end > uint64(len(b)) {
		return en, nil, fmt.Errorf("cpio member of %d bytes does not fit the archive", f[6])
	}
	en = cpioEntry{
		name: string(b[cpioHeader : nameEnd-1]), ino: uint64(f[0]), mode: f[1], uid: f[2], gid: f[3],
		nlink: f[4], mtime: int64(f[5]), devMajorMin: [2]uint32{f[7], f[8]},
		rdev: Makedev(f[9], f[10]), data: b[data:end:end],
	}
	return en, b[min((end+3)&^3, uint64(len(b))):], nil
}

// unpackCpio enters the archive's members below dir. Its bytes stay in use for
// ever. It goes as far as it can, and reports the first thing that went wrong.
func unpackCpio(dir *Dentry, archive []byte) error {
	var first error
	links := map[[3]uint64]*Dentry{}
	u := Caller{FS: newContext(dir, dir, 0), Cred: RootCred}
	for len(archive) > 0 {
		en, rest, err := nextCpio(archive)
		if err != nil {
			return err
		}
		archive = rest
		if en.name == cpioTrailer {
			clear(links)
			continue
		}
		if e := u.unpack(en, links); e != 0 && first == nil {
			first = fmt.Errorf("%s: %w", en.name, e)
		}
	}
	return first
}

// unpack makes one member. links knows the first name of each file with several.
func (c Caller) unpack(en cpioEntry, links map[[3]uint64]*Dentry) syscall.Errno {
	path := strings.Trim(strings.TrimPrefix(en.name, "./"), "/")
	if path == "" || path == "." {
		c.FS.root.inode.attr.Mode = en.mode &^ syscall.S_IFMT
		return 0
	}
	if k := strings.LastIndexByte(path, '/'); k >= 0 {
		c.mkdirs(path[:k])
	}
	dir, name, e := c.newEntry(nil, path, true)
	if e != 0 {
		return e
	}
	key := [3]uint64{uint64(en.devMajorMin[0]), uint64(en.devMajorMin[1]), en.ino}
	typ := en.mode & syscall.S_IFMT
	d := links[key]
	if d != nil && typ == syscall.S_IFREG {
		e = c.Link(d, nil, path)
	} else {
		d, e = c.create(dir, name, en.mode, en.rdev, cpioTarget(en))
	}
	if e == syscall.EEXIST {
		d, e = c.Resolve(dir, name, false)
		if e == 0 && d.inode.typ != typ {
			return syscall.EEXIST
		}
	}
	if e != 0 {
		return e
	}
	if typ == syscall.S_IFREG {
		if en.nlink > 1 {
			links[key] = d
		}
		d.setContents(en.data)
	}
	t := Time{Sec: en.mtime}
	d.inode.attr.Mode, d.inode.attr.UID, d.inode.attr.GID = en.mode&^syscall.S_IFMT, en.uid, en.gid
	d.inode.attr.Atime, d.inode.attr.Mtime, d.inode.attr.Ctime = t, t, t
	return 0
}

func cpioTarget(en cpioEntry) string {
	if en.mode&syscall.S_IFMT == syscall.S_IFLNK {
		return string(en.data)
	}
	return ""
}

// setContents makes b the contents of a file of the boot archive. Hard links
// have them with the last name only, so an empty b changes nothing.
func (d *Dentry) setContents(b []byte) {
	if r, ok := d.inode.ops.(*ramFile); ok && len(b) > 0 {
		r.base = b
		d.inode.size.Store(int64(len(b)))
	}
}

// mkdirs makes the directory path and those above it, as far as they are missing.
func (c Caller) mkdirs(path string) {
	for k := range path {
		if path[k] == '/' {
			c.Mkdir(nil, path[:k], 0o755)
		}
	}
	c.Mkdir(nil, path, 0o755)
}
