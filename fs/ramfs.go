package fs

import (
	"math"
	"sync/atomic"
	"syscall"

	"yolk/arch"
	"yolk/mm"
)

// TmpfsMagic is what statfs says of the file systems in RAM.
const TmpfsMagic = 0x01021994

// ramStore is one file system in RAM: what its inodes have in common.
type ramStore struct {
	used  atomic.Int64 // pages in the trees of its files
	limit int64        // bound of used; 0: none
}

// charge accounts for one more page, beyond the limit only if it is due anyway.
// False: the file system is full.
func (s *ramStore) charge(due bool) bool {
	if n := s.used.Add(1); s.limit != 0 && n > s.limit && !due {
		s.used.Add(-1)
		return false
	}
	return true
}

func (s *ramStore) uncharge(n int64) { s.used.Add(-n) }

// newRamFS makes an empty file system in RAM that holds at most limit pages of
// file contents, 0 for any number.
func newRamFS(fsType, source string, mode uint32, limit int64) *SuperBlock {
	s := &ramStore{limit: limit}
	sb := newSuper(fsType, source, TmpfsMagic, mode, ramDir{store: s})
	sb.statfs = func() (blocks, free uint64) {
		return uint64(limit), uint64(max(limit-s.used.Load(), 0))
	}
	return sb
}

// ramDir is the InodeOps of directories in RAM: the dentries are the contents.
type ramDir struct {
	NoInode
	store *ramStore
}

// Make creates an inode of any type.
func (r ramDir) Make(dir *Dentry, mode uint32, rdev uint64, target string) (*Inode, syscall.Errno) {
	var ops InodeOps
	switch mode & syscall.S_IFMT {
	case syscall.S_IFDIR:
		ops = r
	case syscall.S_IFREG:
		f := r.store.newFile(nil)
		f.seals.Store(SealSeal) // only memfds can be sealed
		ops = f
	case syscall.S_IFLNK:
		ops = ramLink{text: target}
	case syscall.S_IFIFO:
		ops = &pipeInode{pipe: newPipe(), fifo: true}
	case syscall.S_IFCHR, syscall.S_IFBLK:
		ops = deviceInode{}
	default:
		ops = NoInode{} // a socket's name
	}
	i := dir.sb.NewInode(mode, ops)
	i.rdev = rdev
	i.size.Store(int64(len(target)))
	return i, 0
}

// Remove agrees to everything.
func (ramDir) Remove(*Dentry, *Dentry) syscall.Errno { return 0 }

// Open gives f the directory's entries.
func (ramDir) Open(f *File) syscall.Errno { return openDir(f) }

// ramLink is a symbolic link.
type ramLink struct {
	NoInode
	text string
}

// Readlink returns the text.
func (l ramLink) Readlink(*Inode) (string, syscall.Errno) { return l.text, 0 }

// Open refuses, as O_NOFOLLOW wants.
func (ramLink) Open(*File) syscall.Errno { return syscall.ELOOP }

// Open gives f the file's contents.
func (r *ramFile) Open(f *File) syscall.Errno {
	f.ops, f.kind = (*ramOpen)(r), kindSeek
	return 0
}

// Truncate sets the size. EPERM (sealed); ENOMEM, EIO: the page that is cut cannot be had.
func (r *ramFile) Truncate(i *Inode, size int64) syscall.Errno {
	i.sem.Lock()
	defer i.sem.Unlock()
	old := i.Size()
	if size < old && r.sealed(SealShrink) || size > old && r.sealed(SealGrow) {
		return syscall.EPERM
	}
	if e := r.truncate(i, size); e != 0 {
		return e
	}
	i.modified()
	return 0
}

// Mode bits of fallocate(2).
const (
	fallocKeepSize    = 0x1
	fallocPunchHole   = 0x2
	fallocCollapse    = 0x8
	fallocZeroRange   = 0x10
	fallocInsert      = 0x20
	fallocUnshare     = 0x40
	fallocWriteZeroes = 0x80
)

// Allocate is fallocate(2). Memory is not reserved ahead for a plain call
// beyond what the pages themselves take.
func (r *ramFile) Allocate(i *Inode, mode uint32, off, n int64) syscall.Errno {
	i.sem.Lock()
	defer i.sem.Unlock()
	size := i.Size()
	switch mode {
	case 0, fallocKeepSize:
		if off+n > size && r.sealed(SealGrow) {
			return syscall.EPERM
		}
		for k := uint64(off) >> arch.PageShift; k < pageRange(off+n); k++ {
			p, e := r.page(k)
			if e != 0 {
				return e
			}
			mm.PutPage(p)
		}
	case fallocPunchHole | fallocKeepSize:
		if r.sealed(SealWrite | SealFutureWrite) {
			return syscall.EPERM
		}
		if e := r.punch(i, off, n); e != 0 {
			return e
		}
	default:
		return syscall.EOPNOTSUPP
	}
	if mode == 0 && off+n > size {
		i.size.Store(off + n)
	}
	i.modified()
	return 0
}

// Blocks counts the pages in memory and in swap, in units of 512 bytes.
func (r *ramFile) Blocks(*Inode) int64 {
	mm.LockShm()
	defer mm.UnlockShm()
	return int64(max(uint64(r.tree.pages), pageRange(int64(len(r.base))))) * (arch.PageSize / 512)
}

// Evict frees the pages.
func (r *ramFile) Evict(*Inode) {
	mm.LockShm()
	r.base = nil
	mm.UnlockShm()
	r.drop(0, ^uint64(0))
}

// ramOpen is the FileOps of regular files in RAM.
type ramOpen ramFile

// Read copies from the file. ENOMEM, EIO: a page in swap cannot be had.
func (ro *ramOpen) Read(f *File, p []byte, off int64) (int, syscall.Errno) {
	return (*ramFile)(ro).readAt(p, off, f.inode.Size())
}

// Write stores p under i_sem. ENOSPC, EFBIG, EPERM (sealed).
func (ro *ramOpen) Write(f *File, p []byte, off int64) (n int, next int64, e syscall.Errno) {
	r, i := (*ramFile)(ro), f.inode
	i.sem.Lock()
	defer i.sem.Unlock()
	if off == AppendOffset {
		off = i.Size()
	}
	room, e := r.unsealed(i.Size(), off, len(p))
	if e != 0 {
		return 0, off, e
	}
	n, e = r.writeAt(i, p[:room], off)
	if n > 0 {
		i.modified()
		e = 0
	}
	return n, off + int64(n), e
}

// FaultedWrite is a write of n bytes at off whose memory gives none. As Linux takes the
// page and says how long the file is without a look at what came, a file in RAM has a page
// there afterwards, and is no shorter than off: programs see that. EPERM (sealed); ENOSPC,
// ENOMEM, EIO, EFBIG. Other files do nothing.
func (f *File) FaultedWrite(off int64, n uintptr) syscall.Errno {
	ro, ok := f.ops.(*ramOpen)
	if !ok {
		return 0
	}
	r, i := (*ramFile)(ro), f.inode
	i.sem.Lock()
	defer i.sem.Unlock()
	if f.flags.Load()&syscall.O_APPEND != 0 {
		off = i.Size()
	}
	first := min(int64(n), arch.PageSize-off&(arch.PageSize-1))
	if off > math.MaxInt64-first {
		return syscall.EFBIG
	}
	if _, e := r.unsealed(i.Size(), off, int(first)); e != 0 {
		return e
	}
	p, e := r.page(uint64(off) >> arch.PageShift)
	if e != 0 {
		return e
	}
	mm.PutPage(p)
	i.size.Store(max(i.Size(), off))
	return 0
}

// ReadDir refuses.
func (*ramOpen) ReadDir(*File, int64, DirEmit) (int64, syscall.Errno) { return 0, syscall.ENOTDIR }

// End is the size.
func (*ramOpen) End(f *File) (int64, syscall.Errno) { return f.inode.Size(), 0 }

// Poll is always ready.
func (*ramOpen) Poll(*File, *PollTable) PollEvents {
	return PollIn | PollOut | PollRdNorm | PollWrNorm
}

// Ioctl knows no request.
func (*ramOpen) Ioctl(*File, uint32, UserMem, uintptr) (uintptr, syscall.Errno) {
	return 0, syscall.ENOTTY
}

// Sync has nothing to do.
func (*ramOpen) Sync(*File) syscall.Errno { return 0 }

// Release has nothing to do.
func (*ramOpen) Release(*File) {}
