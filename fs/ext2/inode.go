package ext2

import (
	"syscall"
	"weak"
)

const (
	rootIno   = 2
	nrDirect  = 12
	nrPointer = 15 // direct, indirect, double and triple indirect
)

// Where the fields of an inode lie.
const (
	inMode      = 0
	inUID       = 2
	inSize      = 4
	inAtime     = 8
	inCtime     = 12
	inMtime     = 16
	inDtime     = 20
	inGID       = 24
	inLinks     = 26
	inBlocks    = 28
	inFlags     = 32
	inBlock     = 40
	inGen       = 100
	inFileACL   = 104
	inSizeHigh  = 108 // of a regular file
	inUIDHigh   = 120
	inGIDHigh   = 122
	inodeFields = 128
)

const flagIndex = 0x1000 // the directory has an index

// Inode is an inode in memory. There is one for each number, and it lives as long
// as somebody has it; changes reach the buffer of its block at once. FS.mu guards
// what is not immutable.
type Inode struct {
	// Immutable.
	fs   *FS
	Ino  uint32
	Host any // what FS.host made

	Attr
	flags uint32
	acl   uint32
	block [nrPointer]uint32
	freed bool
	last  uint32 // the block that was allocated last

	promised int64 // the length that the disk had when fsync or sync returned, at most

	waits    bool // in FS.wait.dead
	closed   bool // to be freed: nobody has it any more
	nameless bool // the disk knows that it has no name
}

// Attr is what the disk says of a file besides its place.
type Attr struct {
	Mode                uint32 // with its S_IFMT bits
	UID, GID            uint32
	Links               uint32
	Size                int64
	Atime, Mtime, Ctime uint32 // seconds
	Rdev                uint64 // of a device, as on Linux
	Blocks              uint32 // units of 512 bytes
}

// place is where inode ino lies: its block and the offset in it.
func (fs *FS) place(ino uint32) (block, off uint32) {
	at := (ino - 1) % fs.inodesPerGroup * fs.inodeSize
	table := le.Uint32(fs.group((ino - 1) / fs.inodesPerGroup)[gdInodeTable:])
	return table + at/fs.blockSize, at % fs.blockSize
}

// Root returns the inode of the root directory. EUCLEAN, EIO.
func (fs *FS) Root() (*Inode, syscall.Errno) { return fs.Get(rootIno) }

// Get returns inode ino. EUCLEAN: there is no such file; EIO. Takes FS.mu; sleeps.
func (fs *FS) Get(ino uint32) (*Inode, syscall.Errno) {
	if e := fs.begin(false); e != 0 {
		return nil, e
	}
	defer fs.mu.Unlock()
	return fs.get(ino)
}

// get is Get with FS.mu held.
func (fs *FS) get(ino uint32) (*Inode, syscall.Errno) {
	if ino != rootIno && ino < fs.firstIno || ino > fs.inodes {
		return nil, syscall.EUCLEAN
	}
	if i := fs.live[ino].Value(); i != nil {
		if i.closed {
			return nil, syscall.EUCLEAN // an entry that should not be
		}
		return i, 0
	}
	i := &Inode{fs: fs, Ino: ino}
	if e := i.load(); e != 0 {
		return nil, e
	}
	fs.adopt(i)
	return i, 0
}

// adopt makes i the one inode of its number.
func (fs *FS) adopt(i *Inode) {
	if len(fs.live) > 2*fs.pruned+256 {
		for ino, w := range fs.live {
			if w.Value() == nil {
				delete(fs.live, ino)
			}
		}
		fs.pruned = len(fs.live)
	}
	i.Host = fs.host(i)
	fs.live[i.Ino] = weak.Make(i)
}

// load reads i from the disk. EUCLEAN: it is free, or of no known type; EIO.
func (i *Inode) load() syscall.Errno {
	block, off := i.fs.place(i.Ino)
	data, e := i.fs.cache.read(block)
	if e != 0 {
		return e
	}
	d := data[off:][:inodeFields]
	u16 := func(at int) uint32 { return uint32(le.Uint16(d[at:])) }
	u32 := func(at int) uint32 { return le.Uint32(d[at:]) }
	i.Attr = Attr{
		Mode: u16(inMode), UID: u16(inUID) | u16(inUIDHigh)<<16, GID: u16(inGID) | u16(inGIDHigh)<<16,
		Links: u16(inLinks), Size: int64(u32(inSize)), Blocks: u32(inBlocks),
		Atime: u32(inAtime), Mtime: u32(inMtime), Ctime: u32(inCtime),
	}
	i.flags, i.acl = u32(inFlags), u32(inFileACL)
	for k := range i.block {
		i.block[k] = u32(inBlock + 4*k)
	}
	switch i.Mode & syscall.S_IFMT {
	case syscall.S_IFREG:
		i.Size |= int64(u32(inSizeHigh)) << 32
	case syscall.S_IFCHR, syscall.S_IFBLK:
		if i.Rdev = uint64(i.block[1]); i.block[0] != 0 {
			i.Rdev = uint64(i.block[0]) // the old form: minor in the low byte, major above
		}
	case syscall.S_IFDIR:
		if i.Size%int64(i.fs.blockSize) != 0 {
			return syscall.EUCLEAN
		}
	case syscall.S_IFLNK, syscall.S_IFIFO, syscall.S_IFSOCK:
	default:
		return syscall.EUCLEAN
	}
	if i.Links == 0 || i.Size < 0 || i.Size > i.fs.maxSize() {
		return syscall.EUCLEAN
	}
	i.promised = i.Size
	return 0
}

// store writes i to its buffer. Bytes that it does not know stay as they are. EIO.
func (i *Inode) store() syscall.Errno {
	block, off := i.fs.place(i.Ino)
	data, e := i.fs.cache.modify(block)
	if e != 0 {
		return e
	}
	d := data[off:][:inodeFields]
	p16 := func(at int, v uint32) { le.PutUint16(d[at:], uint16(v)) }
	p32 := func(at int, v uint32) { le.PutUint32(d[at:], v) }
	p16(inMode, i.Mode)
	p16(inUID, i.UID)
	p16(inUIDHigh, i.UID>>16)
	p16(inGID, i.GID)
	p16(inGIDHigh, i.GID>>16)
	links := i.Links
	if links == 0 && !i.nameless {
		links = 1
	}
	p16(inLinks, links)
	p32(inSize, uint32(i.Size))
	p32(inBlocks, i.Blocks)
	p32(inAtime, i.Atime)
	p32(inMtime, i.Mtime)
	p32(inCtime, i.Ctime)
	p32(inFlags, i.flags)
	p32(inFileACL, i.acl)
	for k, b := range i.block {
		p32(inBlock+4*k, b)
	}
	if i.Mode&syscall.S_IFMT == syscall.S_IFREG {
		p32(inSizeHigh, uint32(i.Size>>32))
		if i.Size > 1<<31-1 && le.Uint32(i.fs.super[sbRevision:]) == 1 {
			le.PutUint32(i.fs.super[sbROCompat:], le.Uint32(i.fs.super[sbROCompat:])|roCompatLargeFile)
			i.fs.dirty = true
		}
	}
	return 0
}

// Stat returns the attributes. Takes FS.mu.
func (i *Inode) Stat() Attr {
	i.fs.mu.Lock()
	defer i.fs.mu.Unlock()
	return i.Attr
}

// Update stores new attributes; type, device and blocks stay. EIO, EROFS. Takes FS.mu; sleeps.
func (i *Inode) Update(a Attr) syscall.Errno {
	if e := i.fs.begin(true); e != 0 {
		return e
	}
	defer i.fs.mu.Unlock()
	if i.freed {
		return 0
	}
	a.Mode = i.Mode&syscall.S_IFMT | a.Mode&^syscall.S_IFMT
	a.Rdev, a.Blocks = i.Rdev, i.Blocks
	if i.Mode&syscall.S_IFMT != syscall.S_IFREG {
		a.Size = i.Size
	}
	i.Attr = a
	i.promised = min(i.promised, i.Size)
	if i.Links != 0 {
		i.nameless = false
	} else if !i.nameless {
		i.orphaned()
	}
	return i.store()
}

// Create makes an inode that has no name yet; a.Links says how many it will have.
// A directory is made with its entries "." and "..", a symbolic link with its
// text. ENOSPC, EIO, EROFS, ENAMETOOLONG. Takes FS.mu; sleeps.
func (fs *FS) Create(parent *Inode, a Attr, target string) (*Inode, syscall.Errno) {
	if e := fs.begin(true); e != 0 {
		return nil, e
	}
	defer fs.mu.Unlock()
	dir := a.Mode&syscall.S_IFMT == syscall.S_IFDIR
	ino, e := fs.allocIno(parent.Ino, dir)
	if e == syscall.ENOSPC && fs.makeRoom() {
		ino, e = fs.allocIno(parent.Ino, dir)
	}
	if e != 0 {
		return nil, e
	}
	i := &Inode{fs: fs, Ino: ino, Attr: a}
	i.Size, i.Blocks = 0, 0
	switch a.Mode & syscall.S_IFMT {
	case syscall.S_IFDIR:
		e = i.initDir(parent.Ino)
	case syscall.S_IFLNK:
		e = i.setTarget(target)
	case syscall.S_IFCHR, syscall.S_IFBLK:
		i.block[1] = uint32(a.Rdev)
	}
	if e == 0 {
		e = i.wipe()
	}
	if e == 0 {
		e = i.store()
	}
	if e != 0 {
		i.shrink(0)
		fs.freeIno(ino, dir)
		return nil, e
	}
	fs.adopt(i)
	return i, 0
}

// wipe clears what the last owner of the inode's place left there.
func (i *Inode) wipe() syscall.Errno {
	block, off := i.fs.place(i.Ino)
	data, e := i.fs.cache.modify(block)
	if e == 0 {
		gen := le.Uint32(data[off+inGen:])
		clear(data[off:][:i.fs.inodeSize])
		le.PutUint32(data[off+inGen:], gen+1)
	}
	return e
}

// setTarget stores the text of a symbolic link: in the inode if it is short.
func (i *Inode) setTarget(text string) syscall.Errno {
	if len(text) >= int(i.fs.blockSize) {
		return syscall.ENAMETOOLONG
	}
	i.Size = int64(len(text))
	if len(text) < 4*nrPointer {
		var raw [4 * nrPointer]byte
		copy(raw[:], text)
		for k := range i.block {
			i.block[k] = le.Uint32(raw[4*k:])
		}
		return 0
	}
	b, e := i.extend(0)
	if e != 0 {
		return e
	}
	data, e := i.fs.cache.fresh(b)
	if e == 0 {
		copy(data, text)
	}
	return e
}

// Target returns the text of a symbolic link. EUCLEAN, EIO. Takes FS.mu; sleeps.
func (i *Inode) Target() (string, syscall.Errno) {
	if e := i.fs.begin(false); e != 0 {
		return "", e
	}
	defer i.fs.mu.Unlock()
	if i.fastLink() {
		var raw [4 * nrPointer]byte
		for k, b := range i.block {
			le.PutUint32(raw[4*k:], b)
		}
		if i.Size >= int64(len(raw)) {
			return "", syscall.EUCLEAN
		}
		return string(raw[:i.Size]), 0
	}
	b, e := i.find(0)
	if e == 0 && (b == 0 || i.Size >= int64(i.fs.blockSize)) {
		e = syscall.EUCLEAN
	}
	if e != 0 {
		return "", e
	}
	data, e := i.fs.cache.read(b)
	if e != 0 {
		return "", e
	}
	return string(data[:i.Size]), 0
}

// fastLink reports whether the inode itself holds a link's text: it has no block
// but perhaps one for extended attributes.
func (i *Inode) fastLink() bool {
	own := uint32(0)
	if i.acl != 0 {
		own = i.fs.blockSize / 512
	}
	return i.Mode&syscall.S_IFMT == syscall.S_IFLNK && i.Blocks == own
}

// hasBlocks reports whether block are numbers of blocks.
func (i *Inode) hasBlocks() bool {
	switch i.Mode & syscall.S_IFMT {
	case syscall.S_IFREG, syscall.S_IFDIR:
		return true
	case syscall.S_IFLNK:
		return !i.fastLink()
	}
	return false
}

// Free gives back a file that has neither name nor user, once the disk knows that.
// EIO, EUCLEAN, EROFS. Takes FS.mu; sleeps.
func (i *Inode) Free() syscall.Errno {
	if e := i.fs.begin(true); e != 0 {
		return e
	}
	defer i.fs.mu.Unlock()
	if i.freed || i.closed {
		return 0
	}
	i.Links, i.closed = 0, true
	i.orphaned()
	if len(i.fs.wait.dead) < maxDead {
		return 0
	}
	return i.fs.sync()
}

// free gives the inode and its blocks back. What cannot be read of it stays
// allocated: e2fsck finds it.
func (i *Inode) free() syscall.Errno {
	e := i.freeACL()
	if i.hasBlocks() {
		if failed := i.shrink(0); failed != 0 {
			e = failed
		}
	}
	i.freed = true
	i.Size, i.Links = 0, 0
	delete(i.fs.live, i.Ino)
	if failed := i.store(); failed != 0 {
		return failed
	}
	block, off := i.fs.place(i.Ino)
	data, failed := i.fs.cache.modify(block)
	if failed != 0 {
		return failed
	}
	le.PutUint32(data[off+inDtime:], now())
	if failed := i.fs.freeIno(i.Ino, i.Mode&syscall.S_IFMT == syscall.S_IFDIR); failed != 0 {
		return failed
	}
	return e
}

// freeACL drops the block of extended attributes, which files may share.
func (i *Inode) freeACL() syscall.Errno {
	const refs = 4 // where the block counts its users
	b := i.acl
	if b == 0 {
		return 0
	}
	if !i.fs.validBlock(b) {
		return syscall.EUCLEAN
	}
	data, e := i.fs.cache.modify(b)
	if e != 0 {
		return e
	}
	i.acl = 0
	i.Blocks -= min(i.Blocks, i.fs.blockSize/512)
	if n := le.Uint32(data[refs:]); n > 1 {
		le.PutUint32(data[refs:], n-1)
		return 0
	}
	return i.fs.freeBlock(b)
}
