package ext2

import (
	"encoding/binary"
	"syscall"
	"time"
	"weak"

	"yolk/arch"
	"yolk/drivers/blk"
	"yolk/locks"
	"yolk/mm"
)

var le = binary.LittleEndian

// Where the fields of a superblock lie.
const (
	sbOffset = 1024 // of the superblock, from the start of the disk
	sbSize   = 1024

	sbInodes         = 0
	sbBlocks         = 4
	sbFreeBlocks     = 12
	sbFreeInodes     = 16
	sbFirstData      = 20
	sbLogBlockSize   = 24
	sbBlocksPerGroup = 32
	sbInodesPerGroup = 40
	sbMtime          = 44
	sbWtime          = 48
	sbMountCount     = 52
	sbMagic          = 56
	sbState          = 58
	sbRevision       = 76
	sbFirstIno       = 84
	sbInodeSize      = 88
	sbIncompat       = 96
	sbROCompat       = 100
)

const (
	magic      = 0xef53
	stateValid = 1

	incompatFiletype = 0x2

	roCompatSparse    = 0x1
	roCompatLargeFile = 0x2

	groupDescSize = 32
)

// Where the fields of a group descriptor lie.
const (
	gdBlockBitmap = 0
	gdInodeBitmap = 4
	gdInodeTable  = 8
	gdFreeBlocks  = 12
	gdFreeInodes  = 14
	gdUsedDirs    = 16
)

// FS is a mounted file system.
type FS struct {
	// Immutable.
	dev            blk.Device
	blockSize      uint32
	inodes         uint32 // how many there are
	blocks         uint32
	firstData      uint32 // the first block that a group has
	blocksPerGroup uint32
	inodesPerGroup uint32
	firstIno       uint32
	inodeSize      uint32
	groups         uint32
	fileTypes      bool // directory entries tell the type
	readOnly       bool
	host           func(*Inode) any

	Failed mm.ErrSeq // of writes of metadata

	mu     locks.Mutex // ext2_sem; guards what follows
	cache  bufferCache
	super  [sbSize]byte // the superblock, to be written by Sync
	desc   []byte       // the group descriptors, likewise
	dirty  bool         // one of these has changed
	live   map[uint32]weak.Pointer[Inode]
	pruned int // entries of live after the last sweep
	wait   waiting
	zeros  zeros
	closed bool
}

// Mount reads the superblock and the groups of dev. host makes the user's half of
// an inode that comes into memory; it is called with FS.mu held. EINVAL: no ext2 of a kind
// that we know; EUCLEAN: it contradicts itself; EIO, ENOMEM. Sleeps.
func Mount(dev blk.Device, host func(*Inode) any) (*FS, syscall.Errno) {
	fs := &FS{dev: dev, host: host, live: make(map[uint32]weak.Pointer[Inode]), readOnly: dev.ReadOnly()}
	fs.mu.Init(locks.Ext2Sem)
	if dev.Sectors() < (sbOffset+sbSize)/blk.SectorSize {
		return nil, syscall.EINVAL
	}
	// The superblock says how large a block is, and is read as a block of 1 KiB.
	if e := fs.cache.init(dev, sbSize); e != 0 {
		return nil, e
	}
	e := fs.start()
	if e != 0 {
		fs.cache.free()
		return nil, e
	}
	return fs, 0
}

// start is Mount once there are buffers.
func (fs *FS) start() syscall.Errno {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	data, e := fs.cache.read(sbOffset / sbSize)
	if e != 0 {
		return e
	}
	copy(fs.super[:], data)
	fs.cache.forget(sbOffset / sbSize)
	if e := fs.parse(); e != 0 {
		return e
	}
	fs.cache.size = int(fs.blockSize)
	if e := fs.readGroups(); e != 0 {
		return e
	}
	if fs.readOnly {
		return 0
	}
	sb := fs.super[:]
	le.PutUint16(sb[sbState:], le.Uint16(sb[sbState:])&^stateValid)
	le.PutUint16(sb[sbMountCount:], le.Uint16(sb[sbMountCount:])+1)
	le.PutUint32(sb[sbMtime:], now())
	fs.dirty = true
	return fs.sync()
}

func now() uint32 { return uint32(time.Now().Unix()) }

// parse checks the superblock and takes over what is immutable.
func (fs *FS) parse() syscall.Errno {
	sb := fs.super[:]
	u32 := func(at int) uint32 { return le.Uint32(sb[at:]) }
	if le.Uint16(sb[sbMagic:]) != magic || u32(sbRevision) > 1 || u32(sbLogBlockSize) > 2 {
		return syscall.EINVAL
	}
	fs.blockSize = sbSize << u32(sbLogBlockSize)
	fs.inodes, fs.blocks = u32(sbInodes), u32(sbBlocks)
	fs.firstData, fs.blocksPerGroup, fs.inodesPerGroup = u32(sbFirstData), u32(sbBlocksPerGroup), u32(sbInodesPerGroup)
	fs.inodeSize, fs.firstIno = 128, 11
	if u32(sbRevision) == 1 {
		fs.inodeSize, fs.firstIno = uint32(le.Uint16(sb[sbInodeSize:])), u32(sbFirstIno)
		if u32(sbIncompat)&^incompatFiletype != 0 {
			return syscall.EINVAL
		}
		fs.fileTypes = u32(sbIncompat)&incompatFiletype != 0
		if u32(sbROCompat)&^(roCompatSparse|roCompatLargeFile) != 0 {
			fs.readOnly = true
		}
	}
	bits := 8 * fs.blockSize
	switch {
	case fs.inodeSize < 128 || fs.inodeSize > fs.blockSize || fs.inodeSize&(fs.inodeSize-1) != 0,
		fs.blocksPerGroup == 0 || fs.blocksPerGroup > bits || fs.inodesPerGroup == 0 || fs.inodesPerGroup > bits,
		fs.inodesPerGroup%(fs.blockSize/fs.inodeSize) != 0,
		fs.firstData != b2u(fs.blockSize == sbSize) || fs.blocks <= fs.firstData+1,
		uint64(fs.blocks)*uint64(fs.blockSize) > fs.dev.Sectors()*blk.SectorSize:
		return syscall.EUCLEAN
	}
	fs.groups = (fs.blocks - fs.firstData + fs.blocksPerGroup - 1) / fs.blocksPerGroup
	if uint64(fs.groups)*uint64(fs.inodesPerGroup) != uint64(fs.inodes) || fs.firstIno <= rootIno || fs.firstIno > fs.inodes {
		return syscall.EUCLEAN
	}
	return 0
}

func b2u(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// readGroups reads the group descriptors, which follow the superblock's block.
func (fs *FS) readGroups() syscall.Errno {
	if uint64(fs.groups)*groupDescSize > uint64(fs.blocks)*uint64(fs.blockSize)/16 {
		return syscall.EUCLEAN
	}
	size := fs.groups * groupDescSize
	fs.desc = make([]byte, size)
	for at := uint32(0); at < size; at += fs.blockSize {
		data, e := fs.cache.read(fs.firstData + 1 + at/fs.blockSize)
		if e != 0 {
			return e
		}
		copy(fs.desc[at:], data)
	}
	tableBlocks := fs.inodesPerGroup * fs.inodeSize / fs.blockSize
	for g := range fs.groups {
		d := fs.group(g)
		for _, at := range []int{gdBlockBitmap, gdInodeBitmap, gdInodeTable} {
			n := uint32(1)
			if at == gdInodeTable {
				n = tableBlocks
			}
			if b := le.Uint32(d[at:]); !fs.validBlock(b) || fs.blocks-b < n {
				return syscall.EUCLEAN
			}
		}
	}
	return 0
}

// group is the descriptor of group g.
func (fs *FS) group(g uint32) []byte { return fs.desc[g*groupDescSize:][:groupDescSize] }

// validBlock reports whether b can belong to a file or a group.
func (fs *FS) validBlock(b uint32) bool { return b > fs.firstData && b < fs.blocks }

// addTo changes a count of the superblock.
func (fs *FS) addTo(field int, d int) {
	le.PutUint32(fs.super[field:], uint32(int(le.Uint32(fs.super[field:]))+d))
	fs.dirty = true
}

// addToGroup changes a count of a group.
func (fs *FS) addToGroup(g uint32, field int, d int) {
	desc := fs.group(g)
	le.PutUint16(desc[field:], uint16(int(le.Uint16(desc[field:]))+d))
	fs.dirty = true
}

// Stat is what statfs says: the size of a block, how many blocks there are, and
// how many are free. Takes FS.mu.
func (fs *FS) Stat() (size, blocks, free uint64) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	free = uint64(le.Uint32(fs.super[sbFreeBlocks:])) + fs.waitingBlocks()
	return uint64(fs.blockSize), uint64(fs.blocks), min(free, uint64(fs.blocks))
}

// Device is the disk.
func (fs *FS) Device() blk.Device { return fs.dev }

// BlocksPerPage is how many blocks a page holds.
func (fs *FS) BlocksPerPage() int { return arch.PageSize / int(fs.blockSize) }

// ReadOnly reports whether nothing can be changed.
func (fs *FS) ReadOnly() bool { return fs.readOnly }

// Sync writes all metadata. EIO: not all of it. Takes FS.mu; sleeps.
func (fs *FS) Sync() syscall.Errno {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.closed {
		return 0
	}
	return fs.sync()
}

// Fsync is Sync for one who has written the file's contents and promises them. EIO.
// Takes FS.mu; sleeps.
func (i *Inode) Fsync() syscall.Errno {
	i.fs.mu.Lock()
	defer i.fs.mu.Unlock()
	if i.fs.closed {
		return 0
	}
	i.promised = i.Size
	return i.fs.sync()
}

// SyncAll is Sync for one who promises all files.
func (fs *FS) SyncAll() syscall.Errno {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.closed {
		return 0
	}
	for _, w := range fs.live {
		if i := w.Value(); i != nil {
			i.promised = i.Size
		}
	}
	return fs.sync()
}

// sync is Sync with FS.mu held. What waited for it is done in the middle.
func (fs *FS) sync() syscall.Errno {
	if fs.readOnly {
		return 0
	}
	failed := fs.writeOut()
	if failed != 0 {
		return failed
	}
	more, failed := fs.releaseWaiting()
	if more {
		if e := fs.writeOut(); e != 0 {
			failed = e
		}
	}
	return failed
}

// writeOut writes all metadata as they are. EIO: not all of it. What could not be
// written stays in memory, for the next time.
func (fs *FS) writeOut() (failed syscall.Errno) {
	defer func() {
		if failed != 0 {
			fs.Failed.Set(failed)
		}
	}()
	if fs.dirty {
		failed = fs.putSuper()
	}
	if e := fs.cache.flush(); e != 0 {
		failed = e
	}
	return failed
}

// putSuper moves superblock and descriptors to their buffers. Backups of them in
// other groups are e2fsck's, as on Linux.
func (fs *FS) putSuper() syscall.Errno {
	le.PutUint32(fs.super[sbWtime:], now())
	data, e := fs.cache.modify(sbOffset / fs.blockSize)
	if e != 0 {
		return e
	}
	copy(data[sbOffset%fs.blockSize:], fs.super[:])
	for at := uint32(0); at < uint32(len(fs.desc)); at += fs.blockSize {
		data, e := fs.cache.modify(fs.firstData + 1 + at/fs.blockSize)
		if e != 0 {
			return e
		}
		copy(data, fs.desc[at:])
	}
	fs.dirty = false
	return 0
}

// Unmount frees what has no name any more, writes everything and marks the disk
// clean. Calls that come later fail with EIO. The pages of files must have been
// written before. EIO. Takes FS.mu; sleeps.
func (fs *FS) Unmount() syscall.Errno {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.closed {
		return 0
	}
	var failed syscall.Errno
	for _, w := range fs.live {
		if i := w.Value(); i != nil && i.Links == 0 && !i.freed && !fs.readOnly {
			i.closed = true
			i.orphaned()
		}
	}
	if !fs.readOnly {
		if e := fs.sync(); e != 0 {
			failed = e
		}
		if failed == 0 { // all is on the disk: only now may it say so
			le.PutUint16(fs.super[sbState:], le.Uint16(fs.super[sbState:])|stateValid)
		}
		fs.dirty = true
		if e := fs.sync(); e != 0 {
			failed = e
		}
	}
	fs.closed = true
	fs.cache.free()
	return failed
}

// begin takes FS.mu for a call that reads, or with write one that changes
// something. EIO: unmounted; EROFS. If there is an error FS.mu is not held.
func (fs *FS) begin(write bool) syscall.Errno {
	fs.mu.Lock()
	switch {
	case fs.closed:
		fs.mu.Unlock()
		return syscall.EIO
	case write && fs.readOnly:
		fs.mu.Unlock()
		return syscall.EROFS
	}
	return 0
}
