package fs

import "syscall"

// Seals of memfd_create and fcntl(F_ADD_SEALS).
const (
	SealSeal        = 0x1
	SealShrink      = 0x2
	SealGrow        = 0x4
	SealWrite       = 0x8
	SealFutureWrite = 0x10

	allSeals = SealSeal | SealShrink | SealGrow | SealWrite | SealFutureWrite
)

// Seals is F_GET_SEALS. EINVAL: the file knows no seals.
func (f *File) Seals() (uint32, syscall.Errno) {
	ro, ok := f.ops.(*ramOpen)
	if !ok {
		return 0, syscall.EINVAL
	}
	f.inode.sem.Lock()
	defer f.inode.sem.Unlock()
	return ro.seals, 0
}

// AddSeals is F_ADD_SEALS. EINVAL: the file knows no seals; EPERM: sealed
// against that, or not open for writing; EBUSY: SealWrite, and it is mapped for writing.
func (f *File) AddSeals(seals uint32) syscall.Errno {
	ro, ok := f.ops.(*ramOpen)
	if !ok || seals&^allSeals != 0 {
		return syscall.EINVAL
	}
	if !f.CanWrite() {
		return syscall.EPERM
	}
	f.inode.sem.Lock()
	defer f.inode.sem.Unlock()
	if ro.seals&SealSeal != 0 {
		return syscall.EPERM
	}
	ro.seals |= seals
	return 0
}
