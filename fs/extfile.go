package fs

import (
	"syscall"

	"yolk/drivers/blk"
	"yolk/mm"
)

// extOpen is the FileOps of regular files on a disk.
type extOpen extInode

// Read copies from the page cache. EIO, ENOMEM.
func (o *extOpen) Read(_ *File, p []byte, off int64) (int, syscall.Errno) {
	n, e := o.m.Read(p, off)
	if n > 0 {
		e = 0
	}
	return n, e
}

// Write stores p in the page cache, under i_sem. ENOSPC, EFBIG, EIO, ENOMEM, EROFS.
func (o *extOpen) Write(f *File, p []byte, off int64) (n int, next int64, e syscall.Errno) {
	i := f.inode
	i.sem.Lock()
	defer i.sem.Unlock()
	if off == AppendOffset {
		off = i.Size()
	}
	n, e = o.m.Write(p, off)
	if n > 0 {
		i.modified()
		e = 0
	}
	return n, off + int64(n), e
}

// ReadDir refuses.
func (*extOpen) ReadDir(*File, int64, DirEmit) (int64, syscall.Errno) { return 0, syscall.ENOTDIR }

// End is the size.
func (*extOpen) End(f *File) (int64, syscall.Errno) { return f.inode.Size(), 0 }

// Poll is always ready.
func (*extOpen) Poll(*File, *PollTable) PollEvents {
	return PollIn | PollOut | PollRdNorm | PollWrNorm
}

// Map makes v a mapping of the file.
func (o *extOpen) Map(_ *File, v *mm.VMA) syscall.Errno {
	mm.GenericFileMmap(&o.m, v)
	return 0
}

// Sync writes the file out. EIO, ENOSPC.
func (o *extOpen) Sync(f *File) syscall.Errno {
	e := o.m.Fsync(&o.ring, &f.heard)
	if failed := o.fs.x.Failed.Check(&f.heardFS); e == 0 {
		e = failed
	}
	return e
}

// Release has nothing to do: what is dirty is written in its own time.
func (*extOpen) Release(*File) {}

// Truncate sets the size. EFBIG, EIO, EROFS, ENOMEM.
func (n *extInode) Truncate(i *Inode, size int64) syscall.Errno {
	if n.fs.x.ReadOnly() {
		return syscall.EROFS
	}
	if size > n.fs.x.MaxSize() {
		return syscall.EFBIG
	}
	i.sem.Lock()
	defer i.sem.Unlock()
	if size >= i.Size() {
		if e := n.m.PrepareHole(); e != 0 {
			return e
		}
		i.size.Store(size)
		i.modified()
		return 0
	}
	i.size.Store(size)
	e := n.m.Truncate(&n.ring)
	i.modified()
	if failed := n.x.Truncate(size); failed != 0 {
		e = failed
	}
	return e
}

// Allocate is fallocate(2): programs write zeros instead. EOPNOTSUPP.
func (n *extInode) Allocate(*Inode, uint32, int64, int64) syscall.Errno { return syscall.EOPNOTSUPP }

// The methods below make *extInode the mm.MappingOps of its file.

// Device is the disk.
func (n *extInode) Device() blk.Device { return n.fs.x.Device() }

// GetBlocks says where a page lies on the disk.
func (n *extInode) GetBlocks(index uint64, end int64, at *mm.PageBlocks) syscall.Errno {
	return n.x.GetBlocks(index, end, at)
}

// Size is the length of the file.
func (n *extInode) Size() int64 { return n.inode.Size() }

// Grow makes the file longer; Write dates and stores it afterwards.
func (n *extInode) Grow(size int64) { n.inode.size.Store(size) }

// Commit writes the inode, and with it all other metadata. EIO.
func (n *extInode) Commit() syscall.Errno {
	if n.unstored.Load() {
		if e := n.store(n.inode); e != 0 {
			return e
		}
	}
	return n.x.Fsync()
}
