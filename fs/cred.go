package fs

import "syscall"

// Cred is whom access to a file is judged by: Linux's fsuid, fsgid and groups.
type Cred struct {
	UID, GID uint32
	Groups   []uint32
}

// RootCred may do everything.
var RootCred = &Cred{}

// inGroup reports whether gid is one of c's groups.
func (c *Cred) inGroup(gid uint32) bool {
	if c.GID == gid {
		return true
	}
	for _, g := range c.Groups {
		if g == gid {
			return true
		}
	}
	return false
}

// Bits of an access request, as in access(2).
const (
	MayExec  = 1
	MayWrite = 2
	MayRead  = 4
)

// permission checks want (MayRead…) against the inode's mode. Errno: EACCES.
func (i *Inode) permission(c *Cred, want uint32) syscall.Errno {
	a := i.Attr()
	if c.UID == 0 {
		// The superuser needs one execute bit to execute a file, none to search.
		if want&MayExec != 0 && i.typ != syscall.S_IFDIR && a.Mode&0o111 == 0 {
			return syscall.EACCES
		}
		return 0
	}
	bits := a.Mode
	switch {
	case c.UID == a.UID:
		bits >>= 6
	case c.inGroup(a.GID):
		bits >>= 3
	}
	if want&^bits&7 != 0 {
		return syscall.EACCES
	}
	return 0
}

// owns reports whether c may change the inode's attributes.
func (i *Inode) owns(c *Cred) bool { return c.UID == 0 || c.UID == i.Attr().UID }

// sticky reports whether the sticky bit of directory dir keeps c from removing victim.
func sticky(c *Cred, dir, victim *Inode) bool {
	a := dir.Attr()
	return a.Mode&syscall.S_ISVTX != 0 && c.UID != 0 && c.UID != a.UID && c.UID != victim.Attr().UID
}
