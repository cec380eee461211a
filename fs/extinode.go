package fs

import (
	"sync/atomic"
	"syscall"

	"yolk/fs/ext2"
	"yolk/mm"
)

// extInode is the InodeOps of everything on a disk, and the MappingOps of its
// regular files. Attributes live in the Inode; Dirty passes them on.
type extInode struct {
	NoInode
	fs    *extFS
	x     *ext2.Inode
	inode *Inode

	m       mm.Mapping // the cached pages of a regular file
	ring    mm.IMmap   // the vmas that map it
	special InodeOps   // who opens what is neither file, directory nor link

	unstored atomic.Bool // the attributes could not be stored

	swap atomic.Pointer[SwapFile] // set while the file is swapped to
}

// diskInode is the ext2 half of an inode that is known to be on a disk.
func diskInode(i *Inode) *ext2.Inode { return i.ops.(*extInode).x }

// Lookup finds an entry on the disk. ENOENT, EUCLEAN, EIO.
func (n *extInode) Lookup(dir *Dentry, name string) (*Dentry, syscall.Errno) {
	names := dir.sb.names
	if d := names.find(dir, name); d != nil {
		return d, 0
	}
	x, e := n.x.Lookup(name)
	if e != 0 {
		return nil, e
	}
	return names.findOrPut(dir, name, x.Host.(*Inode)), 0
}

// Make creates an inode on the disk; create will enter it. ENOSPC, EIO, EROFS, ENAMETOOLONG.
func (n *extInode) Make(_ *Dentry, mode uint32, rdev uint64, target string) (*Inode, syscall.Errno) {
	now := uint32(Now().Sec)
	x, e := n.fs.x.Create(n.x, ext2.Attr{Mode: mode, Links: 1, Atime: now, Mtime: now, Ctime: now, Rdev: rdev}, target)
	if e != 0 {
		return nil, e
	}
	return x.Host.(*Inode), 0
}

// Remove agrees unless nothing can be written. EROFS.
func (n *extInode) Remove(*Dentry, *Dentry) syscall.Errno {
	if n.fs.x.ReadOnly() {
		return syscall.EROFS
	}
	return 0
}

// maxLinks2 is EXT2_LINK_MAX.
const maxLinks2 = 32000

// Enter adds an entry. EMLINK, and what ext2.Inode.Enter says.
func (n *extInode) Enter(dir *Dentry, name string, i *Inode) syscall.Errno {
	if i.Attr().Nlink > maxLinks2 || i.IsDir() && dir.inode.Attr().Nlink >= maxLinks2 {
		return syscall.EMLINK
	}
	e := n.x.Enter(name, diskInode(i))
	dir.inode.size.Store(n.x.Stat().Size)
	return e
}

// Leave removes an entry.
func (n *extInode) Leave(_, victim *Dentry) syscall.Errno { return n.x.Leave(victim.name) }

// Rename changes the entries on the disk; what it has begun it takes back if it
// cannot go on.
func (n *extInode) Rename(src, dir *Dentry, name string, dst *Dentry, exchange bool) syscall.Errno {
	from, what := diskInode(src.parent.inode), diskInode(src.inode)
	e := syscall.Errno(0)
	if dst != nil {
		e = n.x.Point(name, what)
	} else {
		e = n.x.Enter(name, what)
		dir.inode.size.Store(n.x.Stat().Size)
	}
	if e != 0 {
		return e
	}
	switch {
	case exchange:
		e = from.Point(src.name, diskInode(dst.inode))
	case from == n.x && src.name == name:
	default:
		e = from.LeaveAfter(src.name, n.x, name)
	}
	if e != 0 {
		if dst != nil {
			n.x.Point(name, diskInode(dst.inode))
		} else {
			n.x.Leave(name)
		}
		return e
	}
	if src.parent == dir {
		return 0
	}
	if src.inode.IsDir() {
		e = what.Point("..", n.x)
	}
	if exchange && dst.inode.IsDir() {
		if failed := diskInode(dst.inode).Point("..", from); failed != 0 {
			e = failed
		}
	}
	return e
}

// Empty reports whether a directory has no entries. EUCLEAN, EIO.
func (n *extInode) Empty(*Inode) (bool, syscall.Errno) { return n.x.Empty() }

// Dirty stores the attributes. If that is not possible fsync tries again, and tells.
func (n *extInode) Dirty(i *Inode) { n.store(i) }

// store is Dirty with an answer. EIO, EROFS.
func (n *extInode) store(i *Inode) syscall.Errno {
	a := i.Attr()
	e := n.x.Update(ext2.Attr{
		Mode: a.Mode, UID: a.UID, GID: a.GID, Links: a.Nlink, Size: i.Size(),
		Atime: uint32(a.Atime.Sec), Mtime: uint32(a.Mtime.Sec), Ctime: uint32(a.Ctime.Sec),
	})
	n.unstored.Store(e == syscall.EIO)
	return e
}

// Readlink returns the text of a link. EUCLEAN, EIO.
func (n *extInode) Readlink(*Inode) (string, syscall.Errno) { return n.x.Target() }

// Blocks is the disk space in use.
func (n *extInode) Blocks(*Inode) int64 { return int64(n.x.Stat().Blocks) }

// Evict gives the file's pages and blocks back.
func (n *extInode) Evict(i *Inode) {
	if i.typ == syscall.S_IFREG {
		i.size.Store(0)
		n.m.Truncate(&n.ring)
	}
	n.x.Free()
}

// Open gives f its operations.
func (n *extInode) Open(f *File) syscall.Errno {
	n.fs.x.Failed.Sample(&f.heardFS)
	switch n.inode.typ {
	case syscall.S_IFREG:
		if f.CanWrite() && n.fs.x.ReadOnly() {
			return syscall.EROFS
		}
		f.ops, f.kind = (*extOpen)(n), kindSeek
		n.m.Opened(&f.heard)
	case syscall.S_IFDIR:
		f.ops, f.kind = extDirFile{}, kindSeek
	case syscall.S_IFLNK:
		return syscall.ELOOP
	default:
		return n.special.Open(f)
	}
	return 0
}

// extDirFile is the FileOps of directories on a disk; positions are bytes.
type extDirFile struct{ dirFile }

// Sync writes the directory, and all other metadata. EIO.
func (extDirFile) Sync(f *File) syscall.Errno {
	x := f.inode.ops.(*extInode).fs.x
	e := x.Sync()
	if failed := x.Failed.Check(&f.heardFS); e == 0 {
		e = failed
	}
	return e
}

// ReadDir lists the entries. ENOENT: the directory was removed; EIO, EUCLEAN.
func (extDirFile) ReadDir(f *File, pos int64, emit DirEmit) (int64, syscall.Errno) {
	d := f.dentry
	d.sb.tree.RLock()
	defer d.sb.tree.RUnlock()
	if d.gone {
		return pos, syscall.ENOENT
	}
	return diskInode(d.inode).List(pos, func(name string, ino, typ uint32, next int64) bool {
		return emit(name, uint64(ino), typ, next)
	})
}
