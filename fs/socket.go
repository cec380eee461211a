package fs

import (
	"fmt"
	"syscall"
)

// What the sockets of package unixsock need of this one: open files, and names in
// file systems.

// sockFS holds the inodes of sockets. A name of a socket is an inode of its own.
var sockFS = newSuper("sockfs", "none", 0x534f434b, 0o555, NoInode{})

// NewSocketFile makes the open file of a socket, which belongs to cred's user.
// flags: O_NONBLOCK.
func NewSocketFile(cred *Cred, flags uint32, ops FileOps) (*File, syscall.Errno) {
	i := sockFS.NewInode(syscall.S_IFSOCK|0o777, NoInode{})
	i.attr.UID, i.attr.GID = cred.UID, cred.GID
	f, e := newFile(newAnon(fmt.Sprintf("socket:[%d]", i.ino), i), syscall.O_RDWR|flags)
	if e == 0 {
		f.ops = ops
	}
	return f, e
}

// SocketName is a name of a socket in a file system. It keeps its inode, so that no
// other gets that one's number, until Release.
type SocketName struct{ dentry *Dentry }

// Inode is what the name is found by.
func (n *SocketName) Inode() *Inode { return n.dentry.inode }

// Release lets the inode go. May sleep; takes what the end of a file takes.
func (n *SocketName) Release() { n.dentry.inode.put() }

// MakeSocket makes path the name of a socket, as bind(2) does; of mode the umask takes
// its bits away. EADDRINUSE: path is there; else as mknod(2). May sleep; takes tree locks.
func (c Caller) MakeSocket(path string, mode uint32) (*SocketName, syscall.Errno) {
	dir, name, e := c.newEntry(nil, path, false)
	if e == 0 {
		var d *Dentry
		d, e = c.create(dir, name, syscall.S_IFSOCK|mode&^c.FS.Umask()&0o7777, 0, "")
		if e == 0 {
			e = d.inode.get()
		}
		if e == 0 {
			return &SocketName{d}, 0
		}
	}
	if e == syscall.EEXIST {
		e = syscall.EADDRINUSE
	}
	return nil, e
}

// FindSocket finds the inode that a socket is bound to by its path. EACCES: c may
// not write to it; ECONNREFUSED: it is none of a socket; else as Resolve.
func (c Caller) FindSocket(path string) (*Inode, syscall.Errno) {
	d, e := c.Resolve(nil, path, true)
	if e == 0 {
		e = d.inode.permission(c.Cred, MayWrite)
	}
	switch {
	case e != 0:
		return nil, e
	case d.inode.typ != syscall.S_IFSOCK:
		return nil, syscall.ECONNREFUSED
	}
	return d.inode, 0
}

// Refs is how many references to f there are: what package unixsock compares with
// those of them that are in flight.
func (f *File) Refs() int { return int(f.refs.Load()) }

// RegisterProcPart is RegisterProc for a text that may be long, of which part appends the
// piece that begins at the place at: see partFunc.
func RegisterProcPart(path string, part func(b []byte, at uint64) (text []byte, next uint64)) {
	registerNode(procFS, path, syscall.S_IFREG|0o444, &genFile{part: func(b []byte, at uint64) ([]byte, uint64, syscall.Errno) {
		text, next := part(b, at)
		return text, next, 0
	}})
}
