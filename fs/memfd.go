package fs

import "syscall"

// memFS holds the files of memfd_create, which have no names.
var memFS = newRamFS("tmpfs", "tmpfs", 0o777, 0)

// NewMemFD is memfd_create(2) without the descriptor.
func NewMemFD(cred *Cred, name string, sealable, exec bool) (*File, syscall.Errno) {
	mode := uint32(syscall.S_IFREG | 0o666)
	if exec {
		mode |= 0o111
	}
	ops := memFS.root.inode.ops.(ramDir)
	i, e := ops.Make(memFS.root, mode, 0, "")
	if e != 0 {
		return nil, e
	}
	if sealable {
		i.ops.(*ramFile).seals.Store(0)
	}
	i.attr.UID, i.attr.GID = cred.UID, cred.GID
	i.attr.Nlink = 0
	return openDentry(newAnon("/memfd:"+name+" (deleted)", i), syscall.O_RDWR, true)
}
