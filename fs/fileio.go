package fs

import (
	"math"
	"syscall"
)

// LockPos takes the offset for a read or write that moves it, and returns it.
// Every LockPos has its UnlockPos. Files without an offset take no lock: a
// reader of a pipe must not hold off its writer.
func (f *File) LockPos() int64 {
	if f.kind != kindSeek {
		return 0
	}
	f.posLock.Lock()
	return f.pos
}

// UnlockPos stores the new offset and lets the next transfer in.
func (f *File) UnlockPos(pos int64) {
	if f.kind != kindSeek {
		return
	}
	f.pos = pos
	f.posLock.Unlock()
}

// ReadAt reads at off without touching the offset. EBADF: not open for reading.
func (f *File) ReadAt(p []byte, off int64) (int, syscall.Errno) {
	if !f.CanRead() {
		return 0, syscall.EBADF
	}
	return f.ops.Read(f, p, off)
}

// WriteAt writes at off, or at the end with O_APPEND, without touching the offset.
// With O_DSYNC or O_SYNC the disk has it afterwards. EBADF: not open for writing.
func (f *File) WriteAt(p []byte, off int64) (n int, next int64, e syscall.Errno) {
	if !f.CanWrite() {
		return 0, off, syscall.EBADF
	}
	if f.kind == kindSeek && f.flags.Load()&syscall.O_APPEND != 0 {
		off = AppendOffset
	}
	n, next, e = f.ops.Write(f, p, off)
	if n > 0 && f.kind == kindSeek && f.flags.Load()&syscall.O_DSYNC != 0 {
		if failed := f.Fsync(); failed != 0 && failed != syscall.EINVAL {
			return 0, next, failed
		}
	}
	return n, next, e
}

// Read reads at the offset and moves it, for callers inside the kernel.
func (f *File) Read(p []byte) (int, syscall.Errno) {
	pos := f.LockPos()
	n, e := f.ReadAt(p, pos)
	f.UnlockPos(pos + int64(n))
	return n, e
}

// Write writes at the offset and moves it, for callers inside the kernel.
func (f *File) Write(p []byte) (int, syscall.Errno) {
	pos := f.LockPos()
	n, next, e := f.WriteAt(p, pos)
	if n == 0 {
		next = pos
	}
	f.UnlockPos(next)
	return n, e
}

// Values of whence for Lseek.
const (
	SeekSet = iota
	SeekCur
	SeekEnd
	SeekData
	SeekHole
)

// Lseek is lseek(2). ESPIPE: a pipe or terminal; EINVAL: whence, or a negative
// result; EOVERFLOW; ENXIO: SEEK_DATA or SEEK_HOLE beyond the end.
func (f *File) Lseek(off int64, whence int) (int64, syscall.Errno) {
	switch {
	case f.kind == kindStream:
		return 0, syscall.ESPIPE
	case whence < SeekSet || whence > SeekHole:
		return 0, syscall.EINVAL
	case f.kind == kindAny:
		return 0, 0
	}
	f.posLock.Lock()
	defer f.posLock.Unlock()
	pos, e := f.target(off, whence)
	if e != 0 {
		return 0, e
	}
	f.pos = pos
	return pos, 0
}

// target is where Lseek leads to. posLock held.
func (f *File) target(off int64, whence int) (int64, syscall.Errno) {
	base := int64(0)
	switch whence {
	case SeekCur:
		base = f.pos
	case SeekEnd, SeekData, SeekHole:
		end, e := f.ops.End(f)
		if e != 0 {
			return 0, e
		}
		if whence == SeekEnd {
			base = end
			break
		}
		if off < 0 || off >= end {
			return 0, syscall.ENXIO
		}
		if whence == SeekHole { // files are dense but for the hole at their end
			off = end
		}
	}
	if off > 0 && base > math.MaxInt64-off {
		return 0, syscall.EOVERFLOW
	}
	if base+off < 0 {
		return 0, syscall.EINVAL
	}
	return base + off, 0
}
