package mm

import (
	"syscall"

	"yolk/arch"
	"yolk/locks"
)

// DoMsync (sys_msync) writes the dirty pages of shared file mappings in [start,
// start+length) back. MmapSem held, no spinlock; may sleep. EINVAL flags,
// alignment; ENOMEM beyond TaskSize, or a hole, after the rest was written; EBUSY
// invalidation of a locked mapping; EIO.
func DoMsync(m *MM, start, length uintptr, flags int) syscall.Errno {
	const known = syscall.MS_ASYNC | syscall.MS_INVALIDATE | syscall.MS_SYNC
	if flags&^known != 0 || start&^arch.PageMask != 0 ||
		flags&(syscall.MS_ASYNC|syscall.MS_SYNC) == syscall.MS_ASYNC|syscall.MS_SYNC {
		return syscall.EINVAL
	}
	end := start + pageAlign(length)
	if end < start {
		return syscall.ENOMEM
	}
	var hole syscall.Errno
	for v := FindVMA(m, start); start < end; v = v.vmNext {
		if v == nil {
			return syscall.ENOMEM
		}
		if start < v.VMStart {
			if start = v.VMStart; start >= end {
				return syscall.ENOMEM
			}
			hole = syscall.ENOMEM
		}
		to := min(end, v.VMEnd)
		if flags&syscall.MS_INVALIDATE != 0 && v.VMFlags&VMLocked != 0 {
			return syscall.EBUSY
		}
		if v.VMFlags&VMShared != 0 && v.VMOps != nil && v.VMOps.Sync != nil {
			locks.LockKernel()
			assertDriver()
			e := v.VMOps.Sync(v, start, to-start, flags)
			assertDriver()
			locks.UnlockKernel()
			if e != 0 {
				return e
			}
		}
		start = to
	}
	return hole
}
