package fs

import (
	"bytes"
	"io"
	"strings"
	"sync/atomic"
	"syscall"
)

// /proc and /sys are trees of generated files: reading one runs a function that
// writes its text. Directories and files that always exist have dentries, made
// at start-up; those of processes are made at each lookup (procpid.go).

// procFS is /proc, sysFS is /sys.
var (
	procFS = newSuper("proc", "proc", 0x9fa0, 0o555, procRoot{})
	sysFS  = newSuper("sysfs", "sysfs", 0x62656572, 0o555, genDir{})
)

// genDir is a directory of generated files.
type genDir struct{ NoInode }

// Open gives f the entries.
func (genDir) Open(f *File) syscall.Errno { return openDir(f) }

// genFile is a generated file.
type genFile struct {
	NoInode
	gen   func(w io.Writer) syscall.Errno
	part  partFunc                     // in place of gen, where the text may be long
	store func(p []byte) syscall.Errno // nil: read-only
	check func() syscall.Errno         // of whoever opens it; nil: the mode is enough
}

// RegisterProc makes the file path (relative to /proc) whose text gen writes, in
// place of what had that name. gen may sleep and holds no lock. Start-up only.
func RegisterProc(path string, gen func(w io.Writer)) { register(procFS, path, gen, nil) }

// RegisterProcRW is RegisterProc with a function that takes what is written to
// the file, one write(2) at a time.
func RegisterProcRW(path string, gen func(w io.Writer), store func(p []byte) syscall.Errno) {
	register(procFS, path, gen, store)
}

// RegisterProcCommand makes the file path (relative to /proc) that can be written only.
// Whoever opens it to read is refused, user 0 as well. EACCES. Start-up only.
func RegisterProcCommand(path string, store func(p []byte) syscall.Errno) {
	registerNode(procFS, path, syscall.S_IFREG|0o200, &genFile{store: store})
}

// RegisterSys is RegisterProc for /sys.
func RegisterSys(path string, gen func(w io.Writer)) { register(sysFS, path, gen, nil) }

func register(sb *SuperBlock, path string, gen func(w io.Writer), store func(p []byte) syscall.Errno) {
	mode := uint32(syscall.S_IFREG | 0o444)
	if store != nil {
		mode |= 0o200
	}
	registerNode(sb, path, mode, &genFile{gen: func(w io.Writer) syscall.Errno { gen(w); return 0 }, store: store})
}

// registerNode makes path and the directories on the way to it.
func registerNode(sb *SuperBlock, path string, mode uint32, ops InodeOps) {
	dir := sb.root
	parts := strings.Split(path, "/")
	sb.tree.Lock()
	defer sb.tree.Unlock()
	for _, name := range parts[:len(parts)-1] {
		next := dir.kids[name]
		if next == nil {
			next = &Dentry{sb: sb, inode: sb.NewInode(syscall.S_IFDIR|0o555, genDir{})}
			dir.addKid(name, next)
		}
		dir = next
	}
	name := parts[len(parts)-1]
	if old := dir.kids[name]; old != nil {
		dir.delKid(old)
	}
	dir.addKid(name, &Dentry{sb: sb, inode: sb.NewInode(mode, ops)})
}

// Open makes a file whose text is made by the first read.
func (g *genFile) Open(f *File) syscall.Errno {
	if g.check != nil {
		if e := g.check(); e != 0 {
			return e
		}
	}
	if g.gen == nil && g.part == nil && f.CanRead() {
		return syscall.EACCES
	}
	f.ops, f.kind = &genOpen{file: g}, kindSeek
	return 0
}

// Truncate is what O_TRUNC asks for; there is nothing to cut.
func (g *genFile) Truncate(*Inode, int64) syscall.Errno { return 0 }

// partFunc appends a piece of a text to b, some KiB: that which begins at the place at, 0
// for the first. It returns the place of the next piece, 0 behind the last. So a long
// text costs the kernel no more memory than a short one, and whoever reads it bit by
// bit has nothing made twice.
type partFunc func(b []byte, at uint64) (text []byte, next uint64, e syscall.Errno)

// genOpen is one open generated file, with the piece of text its reader is in.
type genOpen struct {
	NoFile
	file *genFile
	text atomic.Pointer[genText] // nil: none, or a reader has it
}

// genText is a piece of a generated text. It belongs to the reader who has taken it out
// of its genOpen.
type genText struct {
	off  int64 // of its first byte in the text
	b    []byte
	next uint64 // place of the next piece; 0: this is the last
}

func (p *genText) end() int64 { return p.off + int64(len(p.b)) }

// fill makes the piece at a place, which begins at offset off, in the room of the old one.
// What gen writes is one piece.
func (p *genText) fill(g *genFile, at uint64, off int64) (e syscall.Errno) {
	p.off = off
	if g.part != nil {
		p.b, p.next, e = g.part(p.b[:0], at)
		return e
	}
	b := bytes.NewBuffer(p.b[:0])
	e = g.gen(b)
	p.b, p.next = b.Bytes(), 0
	return e
}

// Read copies from the text, which is made anew by each read from the start.
func (g *genOpen) Read(_ *File, p []byte, off int64) (done int, e syscall.Errno) {
	text := g.text.Swap(nil)
	anew := text == nil || off == 0 || off < text.off
	if text == nil {
		text = new(genText)
	}
	if anew {
		if e = text.fill(g.file, 0, 0); e != 0 {
			return 0, e
		}
	}
	for {
		if off < text.end() {
			n := copy(p[done:], text.b[off-text.off:])
			done, off = done+n, off+int64(n)
		}
		if done == len(p) || text.next == 0 {
			g.text.Store(text)
			return done, 0
		}
		if e = text.fill(g.file, text.next, text.end()); e != 0 {
			if done > 0 {
				e = 0
			}
			return done, e
		}
	}
}

// Write hands p to the file's owner. EINVAL: it takes nothing.
func (g *genOpen) Write(_ *File, p []byte, off int64) (int, int64, syscall.Errno) {
	if g.file.store == nil {
		return 0, 0, syscall.EINVAL
	}
	if e := g.file.store(p); e != 0 {
		return 0, 0, e
	}
	return len(p), max(off, 0) + int64(len(p)), 0
}
