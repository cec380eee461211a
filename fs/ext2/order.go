package ext2

import (
	"syscall"

	"yolk/drivers/blk"
)

// What reaches the disk before what. There is no journal: after a power cut
// e2fsck makes the best of what it finds, and that must contain all that fsync
// has promised, whichever of the writes since then have been lost. Five rules see
// to it:
//
//   - A block of pointers, or of a directory, is on the disk before anything
//     points to it. What lay there before looks like a great many bad pointers,
//     and e2fsck clears a file that has those (settle).
//   - A block of pointers that a shorter file has given up is nobody else's
//     before the disk knows of it: it would be full of data, with the same end
//     (freeLater).
//   - A file is freed, and stored as one without a name, after its name has gone
//     from the disk: a rename over it would leave a name of a file that is no more,
//     and e2fsck removes those (dead).
//   - A hole in what fsync has written is zeros on the disk before it has a block
//     (newNode): the contents of that come later, and until then it would read as
//     what somebody else had there.
//   - A rename takes the old name out after the new one is on the disk (LeaveAfter).
//
// Blocks of data need no rule: if two files claim one, e2fsck gives each a copy.
//
// What waits for the disk is settled by sync, which kupdate calls every few
// seconds, and whoever finds no room.

// maxDead is how many files wait before the one who adds another writes them out.
const maxDead = 64

// waiting is what sync has to do once the metadata are on the disk. FS.mu guards it.
type waiting struct {
	blocks []uint32 // to be freed
	dead   []*Inode // to be freed, or, while they are open, to be stored without a name
}

// settle writes a block that nothing points to yet, and has the disk keep it. EIO.
func (fs *FS) settle(block uint32) syscall.Errno {
	b := fs.cache.find(block)
	if e := fs.cache.write(b); e != 0 {
		return e
	}
	return fs.cache.transfer(flushDisk, nil)
}

// zeroRun is how many blocks are made zeros at once: the wait for the disk is most of the work.
const zeroRun = blk.MaxSegs / 2

// zeros is a run of free blocks, [from, to), that are zeros on the disk. FS.mu guards it.
type zeros struct{ from, to uint32 }

// take notes that b has been allocated, and reports whether it is zeros on the disk.
func (z *zeros) take(b uint32) bool {
	if b < z.from || b >= z.to {
		return false
	}
	z.from = b + 1
	return true
}

// makeZeros has zeros on the disk where the new block b is, and in the free ones
// behind it, which the file will want next. EIO: not where b is.
func (fs *FS) makeZeros(b uint32) syscall.Errno {
	n := fs.freeRun(b+1, zeroRun-1)
	e := fs.cache.zero(b, 1+n)
	if e != 0 && n > 0 {
		n = 0 // a bad block is the affair of who gets it
		e = fs.cache.zero(b, 1)
	}
	if e == 0 {
		e = fs.cache.transfer(flushDisk, nil)
	}
	if e == 0 {
		fs.zeros = zeros{b + 1, b + 1 + n}
	}
	return e
}

// freeLater gives a block of pointers back when the disk knows that it is free.
func (fs *FS) freeLater(b uint32) syscall.Errno {
	if !fs.validBlock(b) || fs.isMetadata((b-fs.firstData)/fs.blocksPerGroup, b) {
		return syscall.EUCLEAN
	}
	fs.cache.forget(b)
	fs.wait.blocks = append(fs.wait.blocks, b)
	return 0
}

// orphaned notes a file that has lost its last name.
func (i *Inode) orphaned() {
	if !i.waits {
		i.waits = true
		i.fs.wait.dead = append(i.fs.wait.dead, i)
	}
}

// releaseWaiting does what waited for the disk to know what it now knows, and reports
// whether there was anything. It goes on after an error, which it returns.
func (fs *FS) releaseWaiting() (any bool, failed syscall.Errno) {
	w := fs.wait
	fs.wait = waiting{}
	for _, b := range w.blocks {
		if e := fs.freeBlock(b); e != 0 {
			failed = e
		}
	}
	for _, i := range w.dead {
		i.waits = false
		if i.Links != 0 {
			continue // linkat gave it a name again
		}
		i.nameless = true
		e := syscall.Errno(0)
		if i.closed {
			e = i.free()
		} else {
			e = i.store()
		}
		if e != 0 {
			failed = e
		}
	}
	return len(w.blocks)+len(w.dead) > 0, failed
}

// waitingBlocks is how many blocks will be free soon.
func (fs *FS) waitingBlocks() uint64 {
	n := uint64(len(fs.wait.blocks))
	for _, i := range fs.wait.dead {
		if i.closed {
			n += uint64(i.Blocks) * 512 / uint64(fs.blockSize)
		}
	}
	return n
}

// makeRoom writes everything out if that frees anything, and reports whether it did.
func (fs *FS) makeRoom() bool {
	if len(fs.wait.blocks) == 0 && len(fs.wait.dead) == 0 {
		return false
	}
	return fs.sync() == 0
}

// LeaveAfter is Leave for a rename: newName in to stands for the file already, and
// is on the disk before name goes. ENOENT, EUCLEAN, EIO, EROFS. Takes FS.mu; sleeps.
func (i *Inode) LeaveAfter(name string, to *Inode, newName string) syscall.Errno {
	if e := i.fs.begin(true); e != 0 {
		return e
	}
	defer i.fs.mu.Unlock()
	from, _, e := i.lookup(name)
	if e != 0 {
		return e
	}
	block, _, e := to.lookup(newName)
	if e != 0 {
		return e
	}
	if from != block { // entries of one block change together
		if e := i.fs.cache.flush(); e != 0 {
			return e
		}
	}
	return i.leave(name)
}
