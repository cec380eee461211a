package fs

import (
	"sync/atomic"
	"syscall"

	"yolk/locks"
)

// SuperBlock is one file system: a tree of dentries and what is common to its inodes.
type SuperBlock struct {
	// Immutable.
	dev     uint64
	fsType  string // as /proc/mounts names it
	source  string
	magic   int64 // statfs f_type
	root    *Dentry
	statfs  func() (blocks, free uint64) // in pages; nil: 0
	nextIno atomic.Uint64

	names *nameCache // the dentries in use of a file system on a disk, else nil
	disk  *extFS     // that file system

	tree locks.RWSem // guards names; see Dentry

	// covers is the directory this file system is mounted on, nil for the root
	// and for those that no path leads to. Guarded by mountLock.
	covers *Dentry
}

// nextDev numbers file systems; devices without a disk have major number 0.
var nextDev atomic.Uint64

// newSuper makes a file system whose root directory has the given operations.
func newSuper(fsType, source string, magic int64, rootMode uint32, rootOps InodeOps) *SuperBlock {
	sb := &SuperBlock{dev: nextDev.Add(1), fsType: fsType, source: source, magic: magic}
	sb.tree.Init(locks.DirSem)
	i := sb.NewInode(syscall.S_IFDIR|rootMode, rootOps)
	i.attr.Nlink = 2
	sb.root = &Dentry{sb: sb, inode: i, name: "/"}
	return sb
}

// mountLock guards the table of mounts: Dentry.mounted, SuperBlock.covers, mounts.
var mountLock locks.SpinLock

// mounts are the mounted file systems, in the order they were mounted.
var mounts []*SuperBlock

func init() { mountLock.Init(locks.MountLock) }

// mountRoot makes sb the file system at /, with nothing mounted in it. Start-up only.
func mountRoot(sb *SuperBlock) {
	for _, m := range mounts {
		m.covers = nil
	}
	mounts = []*SuperBlock{sb}
}

// down crosses the mounts that cover d.
func down(d *Dentry) *Dentry {
	mountLock.Lock()
	for d.mounted != nil {
		d = d.mounted
	}
	mountLock.Unlock()
	return d
}

// up crosses from the root of a mounted file system to the directory it covers.
func up(d *Dentry) *Dentry {
	mountLock.Lock()
	for d == d.sb.root && d.sb.covers != nil {
		d = d.sb.covers
	}
	mountLock.Unlock()
	return d
}
