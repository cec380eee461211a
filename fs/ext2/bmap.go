package ext2

import (
	"syscall"

	"yolk/drivers/blk"
	"yolk/mm"
)

// The map of a file's blocks: twelve direct pointers, then trees of blocks full
// of pointers, one, two and three levels high. 0 is a hole.

// pointers is how many block numbers a block holds.
func (fs *FS) pointers() uint64 { return uint64(fs.blockSize) / 4 }

// maxSize is the length that the map, and the count of 512-byte units, allow.
func (fs *FS) maxSize() int64 {
	n := fs.pointers()
	return min(int64(nrDirect+n+n*n+n*n*n)*int64(fs.blockSize), 1<<40)
}

// path is the way to block k of a file: the pointer in the inode, then the index
// in each block of pointers. EFBIG.
func (fs *FS) path(k uint64) (root int, index [3]uint64, levels int, e syscall.Errno) {
	if k < nrDirect {
		return int(k), index, 0, 0
	}
	k -= nrDirect
	n := fs.pointers()
	span := n
	for levels = 1; levels <= 3; levels++ {
		if k < span {
			for l := levels - 1; l >= 0; l-- {
				index[l] = k % n
				k /= n
			}
			return nrDirect + levels - 1, index, levels, 0
		}
		k -= span
		span *= n
	}
	return 0, index, 0, syscall.EFBIG
}

// pointer reads entry k of a block of pointers. EIO; EUCLEAN: it leads nowhere.
func (fs *FS) pointer(block uint32, k uint64) (uint32, syscall.Errno) {
	data, e := fs.cache.read(block)
	if e != 0 {
		return 0, e
	}
	b := le.Uint32(data[4*k:])
	if b != 0 && !fs.validBlock(b) {
		return 0, syscall.EUCLEAN
	}
	return b, 0
}

func (fs *FS) setPointer(block uint32, k uint64, b uint32) syscall.Errno {
	data, e := fs.cache.modify(block)
	if e == 0 {
		le.PutUint32(data[4*k:], b)
	}
	return e
}

// find is where block k of the file lies; 0: a hole. EIO, EUCLEAN, EFBIG.
func (i *Inode) find(k uint64) (uint32, syscall.Errno) {
	root, index, levels, e := i.fs.path(k)
	if e != 0 {
		return 0, e
	}
	b := i.block[root]
	if b != 0 && !i.fs.validBlock(b) {
		return 0, syscall.EUCLEAN
	}
	for l := 0; l < levels && b != 0; l++ {
		if b, e = i.fs.pointer(b, index[l]); e != 0 {
			return 0, e
		}
	}
	return b, 0
}

// newBlock allocates a block for the file, behind its last one if possible.
func (i *Inode) newBlock() (uint32, syscall.Errno) {
	goal := i.last + 1
	if i.last == 0 {
		goal = i.fs.firstData + (i.Ino-1)/i.fs.inodesPerGroup*i.fs.blocksPerGroup + 1
	}
	b, e := i.fs.allocBlock(goal)
	if e == syscall.ENOSPC && i.fs.makeRoom() {
		b, e = i.fs.allocBlock(goal)
	}
	if e == 0 {
		i.last = b
		i.Blocks += i.fs.blockSize / 512
	}
	return b, e
}

// dropBlock gives a block of the file back.
func (i *Inode) dropBlock(b uint32) syscall.Errno {
	i.Blocks -= min(i.Blocks, i.fs.blockSize/512)
	return i.fs.freeBlock(b)
}

// dropLater is dropBlock for a block of pointers that the disk has the file use.
func (i *Inode) dropLater(b uint32) syscall.Errno {
	i.Blocks -= min(i.Blocks, i.fs.blockSize/512)
	return i.fs.freeLater(b)
}

// extend is find that gives the block a place if it has none; the caller stores
// the inode. ENOSPC, EIO, EUCLEAN, EFBIG.
func (i *Inode) extend(k uint64) (uint32, syscall.Errno) {
	root, index, levels, e := i.fs.path(k)
	if e != 0 {
		return 0, e
	}
	b := i.block[root]
	if b == 0 {
		if b, e = i.newNode(k, levels > 0); e != 0 {
			return 0, e
		}
		i.block[root] = b
	} else if !i.fs.validBlock(b) {
		return 0, syscall.EUCLEAN
	}
	for l := range levels {
		next, e := i.fs.pointer(b, index[l])
		if e != 0 {
			return 0, e
		}
		if next == 0 {
			if next, e = i.newNode(k, l < levels-1); e != 0 {
				return 0, e
			}
			if e := i.fs.setPointer(b, index[l], next); e != 0 {
				i.dropBlock(next)
				return 0, e
			}
		}
		b = next
	}
	return b, 0
}

// newNode allocates block k of data, or an empty one of pointers on the way there.
func (i *Inode) newNode(k uint64, pointers bool) (uint32, syscall.Errno) {
	b, e := i.newBlock()
	if e != 0 {
		return 0, e
	}
	zeros := i.fs.zeros.take(b)
	inHole := i.Mode&syscall.S_IFMT == syscall.S_IFREG && k*uint64(i.fs.blockSize) < uint64(i.promised)
	if !zeros && (pointers || inHole) {
		e = i.fs.makeZeros(b)
	}
	if e == 0 && pointers {
		_, e = i.fs.cache.fresh(b)
	}
	if e != 0 {
		i.dropBlock(b)
		return 0, e
	}
	return b, 0
}

// GetBlocks says where page index of the file lies; blocks that begin before byte
// end get a place. It is the GetBlocks of a mm.MappingOps. Takes FS.mu; sleeps.
// EIO, EUCLEAN, ENOSPC, EFBIG, EROFS.
func (i *Inode) GetBlocks(index uint64, end int64, at *mm.PageBlocks) syscall.Errno {
	if e := i.fs.begin(end > 0); e != 0 {
		return e
	}
	defer i.fs.mu.Unlock()
	if i.freed {
		return syscall.EIO
	}
	*at = mm.PageBlocks{N: i.fs.BlocksPerPage()}
	before := i.Blocks
	var failed syscall.Errno
	for n := range at.N {
		k := index*uint64(at.N) + uint64(n)
		b, e := i.find(k)
		if e == 0 && b == 0 && k*uint64(i.fs.blockSize) < uint64(end) {
			if b, e = i.extend(k); e == 0 {
				at.Fresh = true
			}
		}
		if e != 0 {
			failed = e
			break
		}
		at.Sector[n] = uint64(b) * uint64(i.fs.blockSize/blk.SectorSize)
	}
	if i.Blocks != before {
		if e := i.store(); e != 0 {
			return e
		}
	}
	return failed
}

// Truncate frees the blocks behind a new size, which the caller has made the
// attribute's with Update. EIO, EUCLEAN: what could not be read stays. Takes FS.mu; sleeps.
func (i *Inode) Truncate(size int64) syscall.Errno {
	if e := i.fs.begin(true); e != 0 {
		return e
	}
	defer i.fs.mu.Unlock()
	if i.freed {
		return 0
	}
	e := i.shrink((uint64(size) + uint64(i.fs.blockSize) - 1) / uint64(i.fs.blockSize))
	if failed := i.store(); failed != 0 {
		return failed
	}
	return e
}

// shrink frees the blocks from first on. It goes on after an error, which it returns.
func (i *Inode) shrink(first uint64) syscall.Errno {
	var failed syscall.Errno
	note := func(e syscall.Errno) {
		if e != 0 {
			failed = e
		}
	}
	i.last = 0
	for k := first; k < nrDirect; k++ {
		if b := i.block[k]; b != 0 {
			i.block[k] = 0
			note(i.dropBlock(b))
		}
	}
	start, span := uint64(nrDirect), i.fs.pointers()
	for levels := 1; levels <= 3; levels++ {
		root := &i.block[nrDirect+levels-1]
		if *root != 0 && first < start+span {
			from := uint64(0)
			if first > start {
				from = first - start
			}
			empty, e := i.shrinkTree(*root, levels, from)
			note(e)
			if empty {
				*root = 0
			}
		}
		start += span
		span *= i.fs.pointers()
	}
	return failed
}

// shrinkTree frees what lies from block number from on below a block of pointers,
// and that itself if nothing is left: empty.
func (i *Inode) shrinkTree(b uint32, levels int, from uint64) (empty bool, failed syscall.Errno) {
	n := i.fs.pointers()
	if !i.fs.validBlock(b) {
		return true, syscall.EUCLEAN // forget it: what it leads to is not ours
	}
	below := uint64(1)
	for range levels - 1 {
		below *= n
	}
	for k := from / below; k < n; k++ {
		c, e := i.fs.pointer(b, k)
		if e == syscall.EIO {
			return false, e
		}
		gone := true
		switch {
		case e != 0:
			failed = e // forget it, as above
		case c == 0:
			continue
		case levels == 1:
			e = i.dropBlock(c)
		default:
			skip := uint64(0)
			if k == from/below {
				skip = from % below
			}
			gone, e = i.shrinkTree(c, levels-1, skip)
		}
		if e != 0 {
			failed = e
		}
		if gone {
			if e := i.fs.setPointer(b, k, 0); e != 0 {
				return false, e
			}
		}
	}
	for k := range n {
		if c, e := i.fs.pointer(b, k); e != 0 || c != 0 {
			return false, failed
		}
	}
	free := i.dropLater
	if i.closed { // the disk knows, and nobody allocates until it knows all of it
		free = i.dropBlock
	}
	if e := free(b); e != 0 {
		failed = e
	}
	return true, failed
}

// MaxSize is the length that a file can have.
func (fs *FS) MaxSize() int64 { return fs.maxSize() }
