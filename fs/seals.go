package fs

import (
	"syscall"

	"yolk/arch"
)

// Seals of memfd_create and fcntl(F_ADD_SEALS).
const (
	SealSeal        = 0x1
	SealShrink      = 0x2
	SealGrow        = 0x4
	SealWrite       = 0x8
	SealFutureWrite = 0x10
	SealExec        = 0x20

	allSeals = SealSeal | SealShrink | SealGrow | SealWrite | SealFutureWrite | SealExec
)

// Seals is F_GET_SEALS. EINVAL: the file knows no seals.
func (f *File) Seals() (uint32, syscall.Errno) {
	ro, ok := f.ops.(*ramOpen)
	if !ok {
		return 0, syscall.EINVAL
	}
	f.inode.sem.Lock()
	defer f.inode.sem.Unlock()
	return ro.seals.Load(), 0
}

// sealedWriters is the count of writers of a file sealed against them.
const sealedWriters = -1

// sealed reports whether any of seals is on the file.
func (r *ramFile) sealed(seals uint32) bool { return r.seals.Load()&seals != 0 }

// addWriter counts a shared mapping that may write, unless the file is sealed
// against it.
func (r *ramFile) addWriter() bool {
	for {
		n := r.writers.Load()
		if n == sealedWriters {
			return false
		}
		if r.writers.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// unsealed is how many of n bytes may be written at off to a file of that size. What
// would make a sealed file longer is refused page by page, as in Linux. EPERM: none.
func (r *ramFile) unsealed(size, off int64, n int) (int, syscall.Errno) {
	if n == 0 {
		return 0, 0
	}
	if r.sealed(SealWrite | SealFutureWrite) {
		return 0, syscall.EPERM
	}
	if !r.sealed(SealGrow) || int64(n) <= size-off {
		return n, 0
	}
	if size = size &^ (arch.PageSize - 1); size <= off {
		return 0, syscall.EPERM
	}
	return int(size - off), 0
}

// WriteSealed reports whether the file is sealed against mappings that write to it.
func (f *File) WriteSealed() bool {
	ro, ok := f.ops.(*ramOpen)
	return ok && (*ramFile)(ro).sealed(SealWrite|SealFutureWrite)
}

// AddSeals is F_ADD_SEALS. EPERM: not open for
// writing, or sealed against that; EINVAL: the file knows no seals; EBUSY: SealWrite, and it is mapped for writing.
func (f *File) AddSeals(seals uint32) syscall.Errno {
	ro, ok := f.ops.(*ramOpen)
	if !f.CanWrite() {
		return syscall.EPERM
	}
	if !ok || seals&^allSeals != 0 {
		return syscall.EINVAL
	}
	f.inode.sem.Lock()
	defer f.inode.sem.Unlock()
	old := ro.seals.Load()
	if old&SealSeal != 0 {
		return syscall.EPERM
	}
	if seals&SealExec != 0 && f.inode.Attr().Mode&0o111 != 0 {
		seals |= SealShrink | SealGrow | SealWrite | SealFutureWrite // the program shall stay what it is
	}
	if seals&^old&SealWrite != 0 && !ro.writers.CompareAndSwap(0, sealedWriters) {
		return syscall.EBUSY
	}
	ro.seals.Store(old | seals)
	return 0
}
