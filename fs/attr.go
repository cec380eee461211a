package fs

import (
	"syscall"

	"yolk/arch"
)

// Stat is what stat(2) and statx(2) report.
type Stat struct {
	Dev, Ino, Rdev      uint64
	Mode, Nlink         uint32
	UID, GID            uint32
	Size, Blocks        int64
	Blksize             int64
	Atime, Mtime, Ctime Time
}

// Stat describes the inode.
func (i *Inode) Stat() Stat {
	a := i.Attr()
	return Stat{
		Dev: i.sb.dev, Ino: i.ino, Rdev: i.rdev,
		Mode: a.Mode | i.typ, Nlink: a.Nlink, UID: a.UID, GID: a.GID,
		Size: i.Size(), Blocks: i.ops.Blocks(i), Blksize: arch.PageSize,
		Atime: a.Atime, Mtime: a.Mtime, Ctime: a.Ctime,
	}
}

// Statfs is what statfs(2) reports, in blocks of one page.
type Statfs struct {
	Magic        int64
	Blocks, Free uint64
	Dev          uint64
}

// Statfs describes the file system d lies on.
func (d *Dentry) Statfs() Statfs {
	s := Statfs{Magic: d.sb.magic, Dev: d.sb.dev}
	if d.sb.statfs != nil {
		s.Blocks, s.Free = d.sb.statfs()
	}
	return s
}

// Access is access(2): c's ids decide. mask is MayRead and so on, 0 for existence. EACCES.
func (c Caller) Access(d *Dentry, mask uint32) syscall.Errno {
	return d.inode.permission(c.Cred, mask&7)
}

// Chmod is chmod(2). EPERM: not the owner; EOPNOTSUPP: a symbolic link.
func (c Caller) Chmod(i *Inode, mode uint32) syscall.Errno {
	if i.typ == syscall.S_IFLNK {
		return syscall.EOPNOTSUPP
	}
	if !i.owns(c.Cred) {
		return syscall.EPERM
	}
	mode &= 0o7777
	now := Now()
	defer i.ops.Dirty(i) // after the unlocking, which is deferred later
	i.attrLock.Lock()
	defer i.attrLock.Unlock()
	if c.Cred.UID != 0 && !c.Cred.inGroup(i.attr.GID) {
		mode &^= syscall.S_ISGID
	}
	i.attr.Mode, i.attr.Ctime = mode, now
	return 0
}

// NoID leaves a user or group as it is.
const NoID = ^uint32(0)

// Chown is chown(2). EPERM: only the superuser gives files away, and the owner
// only to groups of its own.
func (c Caller) Chown(i *Inode, uid, gid uint32) syscall.Errno {
	now := Now()
	defer i.ops.Dirty(i) // after the unlocking
	i.attrLock.Lock()
	defer i.attrLock.Unlock()
	a := &i.attr
	if c.Cred.UID != 0 {
		mine := c.Cred.UID == a.UID
		if uid != NoID && (uid != a.UID || !mine) || gid != NoID && (!mine || gid != a.GID && !c.Cred.inGroup(gid)) {
			return syscall.EPERM
		}
	}
	if uid != NoID {
		a.UID = uid
	}
	if gid != NoID {
		a.GID = gid
	}
	if i.typ == syscall.S_IFREG && (uid != NoID || gid != NoID) {
		a.Mode &^= syscall.S_ISUID
		if a.Mode&0o010 != 0 {
			a.Mode &^= syscall.S_ISGID
		}
	}
	a.Ctime = now
	return 0
}

// Values of Time.Nsec that utimensat(2) gives a meaning of their own.
const (
	UtimeNow  = 1<<30 - 1
	UtimeOmit = 1<<30 - 2
)

// Utimes is utimensat(2). EINVAL: nanoseconds; EACCES, EPERM: whose file it is.
func (c Caller) Utimes(i *Inode, atime, mtime Time) syscall.Errno {
	for _, t := range []Time{atime, mtime} {
		if (t.Nsec < 0 || t.Nsec >= 1e9) && t.Nsec != UtimeNow && t.Nsec != UtimeOmit {
			return syscall.EINVAL
		}
	}
	if atime.Nsec == UtimeOmit && mtime.Nsec == UtimeOmit {
		return 0
	}
	if !i.owns(c.Cred) {
		if atime.Nsec != UtimeNow || mtime.Nsec != UtimeNow {
			return syscall.EPERM
		}
		if e := i.permission(c.Cred, MayWrite); e != 0 {
			return e
		}
	}
	now := Now()
	set := func(to *Time, t Time) {
		switch t.Nsec {
		case UtimeNow:
			*to = now
		case UtimeOmit:
		default:
			*to = t
		}
	}
	defer i.ops.Dirty(i) // after the unlocking
	i.attrLock.Lock()
	defer i.attrLock.Unlock()
	set(&i.attr.Atime, atime)
	set(&i.attr.Mtime, mtime)
	i.attr.Ctime = now
	return 0
}

// Truncate is truncate(2) by path. EISDIR, EINVAL, EACCES, ETXTBSY.
func (c Caller) Truncate(d *Dentry, size int64) syscall.Errno {
	i := d.inode
	switch {
	case size < 0:
		return syscall.EINVAL
	case i.IsDir():
		return syscall.EISDIR
	case i.typ != syscall.S_IFREG:
		return syscall.EINVAL
	}
	if e := i.permission(c.Cred, MayWrite); e != 0 {
		return e
	}
	if e := i.get(); e != 0 {
		return e
	}
	defer i.put()
	return i.truncate(size)
}

// Truncate is ftruncate(2). EINVAL: no regular file open for writing.
func (f *File) Truncate(size int64) syscall.Errno {
	switch {
	case f.flags.Load()&OPath != 0:
		return syscall.EBADF
	case size < 0, f.inode.typ != syscall.S_IFREG, !f.CanWrite():
		return syscall.EINVAL
	}
	return f.inode.ops.Truncate(f.inode, size)
}

// Allocate is fallocate(2). EINVAL, EOPNOTSUPP, EBADF, ESPIPE, ENODEV, EFBIG; EOPNOTSUPP
// of the file system.
func (f *File) Allocate(mode uint32, off, n int64) syscall.Errno {
	switch {
	case off < 0 || n <= 0:
		return syscall.EINVAL
	case !allocatable(mode):
		return syscall.EOPNOTSUPP
	case !f.CanWrite():
		return syscall.EBADF
	case f.inode.typ == syscall.S_IFIFO:
		return syscall.ESPIPE
	case f.inode.typ != syscall.S_IFREG:
		return syscall.ENODEV
	case off+n < 0:
		return syscall.EFBIG
	}
	return f.inode.ops.Allocate(f.inode, mode, off, n)
}

// allocatable reports whether mode is one that fallocate knows: one kind of work, and
// whether the size stays.
func allocatable(mode uint32) bool {
	switch mode {
	case 0, fallocKeepSize, fallocPunchHole | fallocKeepSize, fallocZeroRange, fallocZeroRange | fallocKeepSize,
		fallocCollapse, fallocInsert, fallocUnshare, fallocUnshare | fallocKeepSize, fallocWriteZeroes:
		return true
	}
	return false
}
