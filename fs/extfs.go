package fs

import (
	"syscall"

	"yolk/arch"
	"yolk/drivers/blk"
	"yolk/fs/ext2"
	"yolk/locks"
	"yolk/mm"
)

// ext2Magic is what statfs says of a disk.
const ext2Magic = 0xef53

// extFS joins a file system on a disk to the rest of the package.
type extFS struct {
	x  *ext2.FS
	sb *SuperBlock
}

// newExtFS mounts dev. EINVAL, EUCLEAN, EIO, ENOMEM.
func newExtFS(dev blk.Device, source string) (*extFS, syscall.Errno) {
	fs := &extFS{}
	sb := &SuperBlock{dev: nextDev.Add(1), fsType: "ext2", source: source, magic: ext2Magic, names: newNameCache(), disk: fs}
	sb.tree.Init(locks.DirSem)
	fs.sb = sb
	var e syscall.Errno
	if fs.x, e = ext2.Mount(dev, fs.newInode); e != 0 {
		return nil, e
	}
	root, e := fs.x.Root()
	if e == 0 && root.Mode&syscall.S_IFMT != syscall.S_IFDIR {
		e = syscall.EUCLEAN
	}
	if e != 0 {
		fs.x.Unmount()
		return nil, e
	}
	sb.root = &Dentry{sb: sb, inode: root.Host.(*Inode), name: "/"}
	sb.statfs = func() (blocks, free uint64) {
		size, blocks, free := fs.x.Stat()
		return blocks * size / arch.PageSize, free * size / arch.PageSize
	}
	return fs, 0
}

// newInode makes the fs half of an inode that comes into memory. It is called with
// the file system's lock held.
func (fs *extFS) newInode(x *ext2.Inode) any {
	a := x.Attr
	i := &Inode{sb: fs.sb, ino: uint64(x.Ino), typ: a.Mode & syscall.S_IFMT, rdev: a.Rdev}
	i.attr = Attr{
		Mode: a.Mode &^ syscall.S_IFMT, UID: a.UID, GID: a.GID, Nlink: a.Links,
		Atime: Time{Sec: int64(a.Atime)}, Mtime: Time{Sec: int64(a.Mtime)}, Ctime: Time{Sec: int64(a.Ctime)},
	}
	i.size.Store(a.Size)
	i.sem.Init(locks.ISem)
	i.attrLock.Init(locks.InodeLock)
	n := &extInode{fs: fs, x: x, inode: i}
	switch i.typ {
	case syscall.S_IFREG:
		n.m.Ops = n
		n.ring.Init()
	case syscall.S_IFIFO:
		n.special = &pipeInode{pipe: newPipe(), fifo: true}
	case syscall.S_IFCHR, syscall.S_IFBLK:
		n.special = deviceInode{}
	case syscall.S_IFSOCK:
		n.special = NoInode{}
	}
	i.ops = n
	return i
}

// close writes everything and ends the use of the disk. EIO.
func (fs *extFS) close() syscall.Errno {
	mm.SyncMappings()
	return fs.x.Unmount()
}

// mountDisk mounts the disk that the device file source names on d.
func (c Caller) mountDisk(source string, d *Dentry) syscall.Errno {
	node, e := c.Resolve(nil, source, true)
	if e != 0 {
		return e
	}
	if node.inode.typ != syscall.S_IFBLK {
		return syscall.ENOTBLK
	}
	dev := disks[node.inode.rdev]
	if dev == nil {
		return syscall.ENXIO
	}
	return mountExt(dev, source, d)
}

func mountExt(dev blk.Device, source string, d *Dentry) syscall.Errno {
	for _, m := range diskMounts() {
		if m.x.Device() == dev {
			return syscall.EBUSY
		}
	}
	fs, e := newExtFS(dev, source)
	if e != 0 {
		return e
	}
	if e := mountOn(fs.sb, d); e != 0 {
		fs.x.Unmount()
		return e
	}
	return 0
}

// MountDisk mounts the file system on dev at path, a directory that is made if
// need be. Start-up only. EINVAL, EUCLEAN, EIO, ENOMEM; EBUSY.
func MountDisk(dev blk.Device, path string) syscall.Errno {
	c := rootCaller()
	if e := c.Mkdir(nil, path, 0o755); e != 0 && e != syscall.EEXIST {
		return e
	}
	d, e := c.Resolve(nil, path, true)
	if e != 0 {
		return e
	}
	return mountExt(dev, "/dev/"+dev.Name(), d)
}

// diskMounts lists the mounted disks.
func diskMounts() []*extFS {
	mountLock.Lock()
	list := mounts
	mountLock.Unlock()
	var disks []*extFS
	for _, m := range list {
		if m.disk != nil {
			disks = append(disks, m.disk)
		}
	}
	return disks
}

// Sync writes all that is dirty in any file system. EIO: not all of it. Sleeps.
func Sync() (e syscall.Errno) {
	if !mm.SyncMappings() {
		e = syscall.EIO
	}
	for _, d := range diskMounts() {
		if failed := d.x.SyncAll(); failed != 0 {
			e = failed
		}
	}
	return e
}

// SyncSupers is Sync without the contents of files (sync_supers). Sleeps.
func SyncSupers() (e syscall.Errno) {
	for _, d := range diskMounts() {
		if failed := d.x.Sync(); failed != 0 {
			e = failed
		}
	}
	return e
}

// CloseDisks writes everything and marks the disks clean, before power-off.
// Programs that still run have their calls on them fail. EIO. Sleeps.
func CloseDisks() (e syscall.Errno) {
	for _, d := range diskMounts() {
		if failed := d.close(); failed != 0 {
			e = failed
		}
	}
	return e
}
