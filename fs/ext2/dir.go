package ext2

import "syscall"

// A directory is a file of entries: inode number, length of the entry, length of
// the name, type, name. The entries of a block fill it; a free one has number 0
// or belongs to the length of the one before it.

const (
	deIno  = 0
	deLen  = 4
	deName = 6 // length of the name
	deType = 7
	deHead = 8

	nameMax = 255
)

// entry is a directory entry in the bytes of its block.
type entry struct {
	data []byte // of the block
	off  int
	prev int // offset of the entry before it in the block, or -1
}

func (n entry) ino() uint32  { return le.Uint32(n.data[n.off+deIno:]) }
func (n entry) size() int    { return int(le.Uint16(n.data[n.off+deLen:])) }
func (n entry) name() []byte { return n.data[n.off+deHead:][:n.data[n.off+deName]] }

// valid checks the entry at off. EUCLEAN.
func (n entry) valid(fs *FS) syscall.Errno {
	if n.off+deHead > len(n.data) {
		return syscall.EUCLEAN
	}
	size := n.size()
	if size < deHead || size%4 != 0 || n.off+size > len(n.data) || size < deHead+int(n.data[n.off+deName]) ||
		n.ino() > fs.inodes {
		return syscall.EUCLEAN
	}
	return 0
}

// room is the length of an entry with a name of n bytes.
func room(n int) int { return (deHead + n + 3) &^ 3 }

// set fills the entry, all but its length.
func (n entry) set(fs *FS, ino uint32, name string, mode uint32) {
	le.PutUint32(n.data[n.off+deIno:], ino)
	n.data[n.off+deName] = byte(len(name))
	n.data[n.off+deType] = 0
	if fs.fileTypes {
		n.data[n.off+deType] = typeOf(mode)
	}
	copy(n.data[n.off+deHead:], name)
}

func (n entry) setSize(size int) { le.PutUint16(n.data[n.off+deLen:], uint16(size)) }

// types are the S_IFMT bits by the type in an entry.
var types = [...]uint32{0, syscall.S_IFREG, syscall.S_IFDIR, syscall.S_IFCHR, syscall.S_IFBLK,
	syscall.S_IFIFO, syscall.S_IFSOCK, syscall.S_IFLNK}

func typeOf(mode uint32) byte {
	for k, t := range types {
		if t == mode&syscall.S_IFMT {
			return byte(k)
		}
	}
	return 0
}

// dirBlock returns the bytes of block k of the directory. EUCLEAN: a hole; EIO.
func (i *Inode) dirBlock(k uint64) (block uint32, data []byte, e syscall.Errno) {
	block, e = i.find(k)
	if e == 0 && block == 0 {
		e = syscall.EUCLEAN
	}
	if e == 0 {
		data, e = i.fs.cache.read(block)
	}
	return block, data, e
}

// dirBlocks is how many blocks the directory has.
func (i *Inode) dirBlocks() uint64 { return uint64(i.Size) / uint64(i.fs.blockSize) }

// scan calls f for the entries, free ones too, until f returns true; then it
// returns the entry's block. ENOENT: f never did. A block that is damaged
// or cannot be read is passed over, and its error returned in place of ENOENT.
func (i *Inode) scan(f func(n entry) bool) (block uint32, found entry, e syscall.Errno) {
	result := syscall.ENOENT
	for k := range i.dirBlocks() {
		b, data, e := i.dirBlock(k)
		if e != 0 {
			result = e
			continue
		}
		n := entry{data: data, prev: -1}
		for n.off < len(data) {
			if e := n.valid(i.fs); e != 0 {
				result = e
				break
			}
			if f(n) {
				return b, n, 0
			}
			n.prev, n.off = n.off, n.off+n.size()
		}
	}
	return 0, entry{}, result
}

// lookup finds the entry of a name. ENOENT, EUCLEAN, EIO.
func (i *Inode) lookup(name string) (uint32, entry, syscall.Errno) {
	return i.scan(func(n entry) bool { return n.ino() != 0 && string(n.name()) == name })
}

// Lookup returns the inode that name stands for. ENOENT, EUCLEAN, EIO. Takes FS.mu; sleeps.
func (i *Inode) Lookup(name string) (*Inode, syscall.Errno) {
	if e := i.fs.begin(false); e != 0 {
		return nil, e
	}
	defer i.fs.mu.Unlock()
	_, n, e := i.lookup(name)
	if e != 0 {
		return nil, e
	}
	return i.fs.get(n.ino())
}

// List calls emit for each entry from byte pos on, "." and ".." among them, until
// that refuses one; next is where the entry behind it begins. It returns the
// position to go on at. A damaged block is passed over, an error only what
// prevents all. EIO. Takes FS.mu; sleeps.
func (i *Inode) List(pos int64, emit func(name string, ino uint32, typ uint32, next int64) bool) (int64, syscall.Errno) {
	if e := i.fs.begin(false); e != 0 {
		return pos, e
	}
	defer i.fs.mu.Unlock()
	size := int64(i.fs.blockSize)
	for pos < i.Size {
		_, data, e := i.dirBlock(uint64(pos / size))
		if e != 0 {
			pos = pos/size*size + size
			if pos >= i.Size {
				return pos, e
			}
			continue
		}
		start := pos / size * size
		n := entry{data: data}
		for n.off < len(data) && n.valid(i.fs) == 0 {
			next := start + int64(n.off+n.size())
			if start+int64(n.off) >= pos && n.ino() != 0 {
				typ := uint32(0)
				if t := int(data[n.off+deType]); i.fs.fileTypes && t < len(types) {
					typ = types[t]
				}
				if !emit(string(n.name()), n.ino(), typ, next) {
					return pos, 0
				}
			}
			pos = max(pos, next)
			n.off += n.size()
		}
		pos = start + size
	}
	return pos, 0
}

// Empty reports whether the directory has no entries but "." and "..". EUCLEAN, EIO. Takes FS.mu; sleeps.
func (i *Inode) Empty() (bool, syscall.Errno) {
	if e := i.fs.begin(false); e != 0 {
		return false, e
	}
	defer i.fs.mu.Unlock()
	_, _, e := i.scan(func(n entry) bool {
		return n.ino() != 0 && string(n.name()) != "." && string(n.name()) != ".."
	})
	if e == syscall.ENOENT {
		return true, 0
	}
	return false, e
}

// initDir gives a new directory its first block.
func (i *Inode) initDir(parent uint32) syscall.Errno {
	b, e := i.extend(0)
	if e != 0 {
		return e
	}
	data, e := i.fs.cache.fresh(b)
	if e != 0 {
		return e
	}
	i.Size = int64(i.fs.blockSize)
	dot := entry{data: data}
	dot.set(i.fs, i.Ino, ".", syscall.S_IFDIR)
	dot.setSize(room(1))
	up := entry{data: data, off: room(1)}
	up.set(i.fs, parent, "..", syscall.S_IFDIR)
	up.setSize(len(data) - room(1))
	return i.fs.settle(b)
}

// Enter adds a name for an inode. EEXIST is the caller's to find out. ENOSPC,
// EUCLEAN, EIO, EROFS, ENAMETOOLONG. Takes FS.mu; sleeps.
func (i *Inode) Enter(name string, to *Inode) syscall.Errno {
	if e := i.fs.begin(true); e != 0 {
		return e
	}
	defer i.fs.mu.Unlock()
	return i.enter(name, to)
}

func (i *Inode) enter(name string, to *Inode) syscall.Errno {
	if len(name) == 0 || len(name) > nameMax {
		return syscall.ENAMETOOLONG
	}
	if i.freed {
		return syscall.ENOENT
	}
	need := room(len(name))
	b, n, e := i.scan(func(n entry) bool { return n.size()-n.used() >= need })
	if e != 0 {
		b, n, e = i.grow()
	}
	if e != 0 {
		return e
	}
	if _, e := i.fs.cache.modify(b); e != 0 {
		return e
	}
	if used := n.used(); used > 0 {
		rest := n.size() - used
		n.setSize(used)
		n.off += used
		n.setSize(rest)
	}
	n.set(i.fs, to.Ino, name, to.Mode)
	return i.changed()
}

// used is how many of the entry's bytes it needs for itself.
func (n entry) used() int {
	if n.ino() == 0 {
		return 0
	}
	return room(len(n.name()))
}

// grow appends a block, which is one free entry.
func (i *Inode) grow() (uint32, entry, syscall.Errno) {
	b, e := i.extend(i.dirBlocks())
	if e != 0 {
		return 0, entry{}, e
	}
	data, e := i.fs.cache.fresh(b)
	if e != 0 {
		return 0, entry{}, e
	}
	n := entry{data: data, prev: -1}
	n.setSize(len(data))
	if e := i.fs.settle(b); e != 0 {
		return 0, entry{}, e
	}
	i.Size += int64(i.fs.blockSize)
	return b, n, 0
}

// changed stores a directory whose entries have changed: an index it may have had
// is no longer right.
func (i *Inode) changed() syscall.Errno {
	i.flags &^= flagIndex
	return i.store()
}

// Leave removes a name. ENOENT, EUCLEAN, EIO, EROFS. Takes FS.mu; sleeps.
func (i *Inode) Leave(name string) syscall.Errno {
	if e := i.fs.begin(true); e != 0 {
		return e
	}
	defer i.fs.mu.Unlock()
	return i.leave(name)
}

func (i *Inode) leave(name string) syscall.Errno {
	b, n, e := i.lookup(name)
	if e != 0 {
		return e
	}
	if _, e := i.fs.cache.modify(b); e != 0 {
		return e
	}
	if n.prev >= 0 {
		before := entry{data: n.data, off: n.prev}
		before.setSize(before.size() + n.size())
	} else {
		le.PutUint32(n.data[n.off+deIno:], 0)
	}
	return i.changed()
}

// Point makes an existing name stand for another inode; ".." of a directory that
// moves is one. ENOENT, EUCLEAN, EIO, EROFS. Takes FS.mu; sleeps.
func (i *Inode) Point(name string, to *Inode) syscall.Errno {
	if e := i.fs.begin(true); e != 0 {
		return e
	}
	defer i.fs.mu.Unlock()
	b, n, e := i.lookup(name)
	if e != 0 {
		return e
	}
	if _, e := i.fs.cache.modify(b); e != 0 {
		return e
	}
	n.set(i.fs, to.Ino, name, to.Mode)
	return i.changed()
}
