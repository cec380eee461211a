package mm

import "syscall"

// Memory for MAP_SHARED|MAP_ANONYMOUS: a shared-memory object without a name,
// which the processes that inherit the mapping have in common.

var anonSharedOps = VMOps{Nopage: shmNopage, Resident: shmResident, Swapout: KeepPage}

// newAnonShared backs v, which is in no list, with a new object. ENOMEM. May sleep.
func newAnonShared(v *VMA) syscall.Errno {
	pages := uint64(v.pages())
	if !enoughMemory(int64(pages)) {
		return syscall.ENOMEM
	}
	o := newShmFrames(pages, "/dev/zero (deleted)")
	if o == nil {
		return syscall.ENOMEM
	}
	v.VMFile = o
	v.VMOps = &anonSharedOps
	return 0
}
