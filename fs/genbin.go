package fs

import "syscall"

// binFile is a generated file that is no text: each read asks for the bytes at its
// offset.
type binFile struct {
	NoInode
	read func(p []byte, off int64) (int, syscall.Errno)
}

// RegisterProcBinary makes the file path (relative to /proc), for user 0 alone, whose
// bytes from off on read fills in; it may sleep and holds no lock. Start-up only.
func RegisterProcBinary(path string, read func(p []byte, off int64) (int, syscall.Errno)) {
	registerNode(procFS, path, syscall.S_IFREG|0o400, binFile{read: read})
}

// Open makes an open file without state of its own.
func (b binFile) Open(f *File) syscall.Errno {
	f.ops, f.kind = binOpen{read: b.read}, kindSeek
	return 0
}

// Truncate is what O_TRUNC asks for; there is nothing to cut.
func (binFile) Truncate(*Inode, int64) syscall.Errno { return 0 }

type binOpen struct {
	NoFile
	read func(p []byte, off int64) (int, syscall.Errno)
}

// Read asks the file's owner.
func (b binOpen) Read(_ *File, p []byte, off int64) (int, syscall.Errno) { return b.read(p, off) }
