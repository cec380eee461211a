package ext2

import (
	"math/bits"
	"syscall"
)

// findFree returns the first zero bit of a bitmap at or after from, below n.
func findFree(bitmap []byte, from, n uint32) (uint32, bool) {
	for k := from; k < n; {
		if k%8 == 0 && bitmap[k/8] == 0xff {
			k += 8
			continue
		}
		free := ^bitmap[k/8] >> (k % 8)
		if free == 0 {
			k = k&^7 + 8
			continue
		}
		k += uint32(bits.TrailingZeros8(free))
		return k, k < n
	}
	return 0, false
}

// take sets a free bit of a group's bitmap, from the bit from on if there is one.
// ENOSPC, EIO.
func (fs *FS) take(bitmap uint32, from, n uint32) (uint32, syscall.Errno) {
	data, e := fs.cache.read(bitmap)
	if e != 0 {
		return 0, e
	}
	bit, ok := findFree(data, from, n)
	if !ok {
		if bit, ok = findFree(data, 0, from); !ok {
			return 0, syscall.ENOSPC
		}
	}
	if data, e = fs.cache.modify(bitmap); e != 0 {
		return 0, e
	}
	data[bit/8] |= 1 << (bit % 8)
	return bit, 0
}

// release clears a bit of a bitmap. EUCLEAN: it is clear; EIO.
func (fs *FS) release(bitmap, bit uint32) syscall.Errno {
	data, e := fs.cache.read(bitmap)
	if e != 0 {
		return e
	}
	if data[bit/8]&(1<<(bit%8)) == 0 {
		return syscall.EUCLEAN
	}
	if data, e = fs.cache.modify(bitmap); e != 0 {
		return e
	}
	data[bit/8] &^= 1 << (bit % 8)
	return 0
}

// groupBlocks is how many blocks group g has.
func (fs *FS) groupBlocks(g uint32) uint32 {
	return min(fs.blocksPerGroup, fs.blocks-fs.firstData-g*fs.blocksPerGroup)
}

// allocBlock takes a free block, goal or one behind it if possible. A group whose
// bitmap cannot be read, or lies, is passed over. ENOSPC, EIO, EUCLEAN.
func (fs *FS) allocBlock(goal uint32) (uint32, syscall.Errno) {
	if !fs.validBlock(goal) {
		goal = fs.firstData + 1
	}
	first := (goal - fs.firstData) / fs.blocksPerGroup
	from := (goal - fs.firstData) % fs.blocksPerGroup
	result := syscall.ENOSPC
	for k := range fs.groups {
		g := (first + k) % fs.groups
		d := fs.group(g)
		if le.Uint16(d[gdFreeBlocks:]) > 0 {
			bit, e := fs.take(le.Uint32(d[gdBlockBitmap:]), from, fs.groupBlocks(g))
			b := fs.firstData + g*fs.blocksPerGroup + bit
			if e == 0 && (!fs.validBlock(b) || fs.isMetadata(g, b)) {
				e = syscall.EUCLEAN // the bit stays set: nobody gets that block
			}
			if e == 0 {
				fs.addTo(sbFreeBlocks, -1)
				fs.addToGroup(g, gdFreeBlocks, -1)
				return b, 0
			}
			if e != syscall.ENOSPC {
				result = e
			}
		}
		from = 0
	}
	return 0, result
}

// freeRun is how many blocks from b on, limit at most, are free and of one group.
func (fs *FS) freeRun(b, limit uint32) (n uint32) {
	if !fs.validBlock(b) {
		return 0
	}
	g := (b - fs.firstData) / fs.blocksPerGroup
	bit := (b - fs.firstData) % fs.blocksPerGroup
	bitmap, e := fs.cache.read(le.Uint32(fs.group(g)[gdBlockBitmap:]))
	if e != 0 {
		return 0
	}
	limit = min(limit, fs.groupBlocks(g)-bit)
	for n < limit && bitmap[(bit+n)/8]&(1<<((bit+n)%8)) == 0 && fs.validBlock(b+n) && !fs.isMetadata(g, b+n) {
		n++
	}
	return n
}

// isMetadata reports whether b is one of group g's bitmaps or of its inode table:
// a damaged bitmap must not give these away.
func (fs *FS) isMetadata(g, b uint32) bool {
	d := fs.group(g)
	table := le.Uint32(d[gdInodeTable:])
	return b == le.Uint32(d[gdBlockBitmap:]) || b == le.Uint32(d[gdInodeBitmap:]) ||
		b >= table && b-table < fs.inodesPerGroup*fs.inodeSize/fs.blockSize
}

// freeBlock gives a block back. EUCLEAN: it is no block of a file, or free; EIO.
func (fs *FS) freeBlock(b uint32) syscall.Errno {
	if !fs.validBlock(b) {
		return syscall.EUCLEAN
	}
	g := (b - fs.firstData) / fs.blocksPerGroup
	if fs.isMetadata(g, b) {
		return syscall.EUCLEAN
	}
	fs.cache.forget(b)
	if e := fs.release(le.Uint32(fs.group(g)[gdBlockBitmap:]), (b-fs.firstData)%fs.blocksPerGroup); e != 0 {
		return e
	}
	fs.addTo(sbFreeBlocks, 1)
	fs.addToGroup(g, gdFreeBlocks, 1)
	return 0
}

// allocIno takes a free inode: near its directory for a file, in the emptiest
// group for a directory. ENOSPC, EIO.
func (fs *FS) allocIno(parent uint32, dir bool) (uint32, syscall.Errno) {
	first := (parent - 1) / fs.inodesPerGroup
	if dir {
		for g := range fs.groups {
			if le.Uint16(fs.group(g)[gdFreeBlocks:]) > le.Uint16(fs.group(first)[gdFreeBlocks:]) &&
				le.Uint16(fs.group(g)[gdFreeInodes:]) > 0 {
				first = g
			}
		}
	}
	result := syscall.ENOSPC
	for k := range fs.groups {
		g := (first + k) % fs.groups
		d := fs.group(g)
		if le.Uint16(d[gdFreeInodes:]) == 0 {
			continue
		}
		bit, e := fs.take(le.Uint32(d[gdInodeBitmap:]), 0, fs.inodesPerGroup)
		ino := g*fs.inodesPerGroup + bit + 1
		if e == 0 && ino < fs.firstIno {
			e = syscall.EUCLEAN
		}
		if e == 0 {
			fs.addTo(sbFreeInodes, -1)
			fs.addToGroup(g, gdFreeInodes, -1)
			if dir {
				fs.addToGroup(g, gdUsedDirs, 1)
			}
			return ino, 0
		}
		if e != syscall.ENOSPC {
			result = e
		}
	}
	return 0, result
}

// freeIno gives an inode back. EUCLEAN, EIO.
func (fs *FS) freeIno(ino uint32, dir bool) syscall.Errno {
	if ino < fs.firstIno || ino > fs.inodes {
		return syscall.EUCLEAN
	}
	g := (ino - 1) / fs.inodesPerGroup
	if e := fs.release(le.Uint32(fs.group(g)[gdInodeBitmap:]), (ino-1)%fs.inodesPerGroup); e != 0 {
		return e
	}
	fs.addTo(sbFreeInodes, 1)
	fs.addToGroup(g, gdFreeInodes, 1)
	if dir {
		fs.addToGroup(g, gdUsedDirs, -1)
	}
	return 0
}
