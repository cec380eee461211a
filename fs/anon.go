package fs

import "syscall"

// anonFS holds the inodes of objects that have a descriptor and no name.
var anonFS = newSuper("anon_inodefs", "none", 0x09041934, 0o555, NoInode{})

// newAnonFile makes an open file for such an object.
func newAnonFile(name string, flags uint32, ops FileOps) (*File, syscall.Errno) {
	i := anonFS.NewInode(0o600, NoInode{})
	f, e := newFile(newAnon(name, i), flags)
	if e == 0 {
		f.ops = ops
	}
	return f, e
}
