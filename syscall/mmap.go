package syscall

import (
	errno "syscall"

	"yolk/arch"
	"yolk/mm"
	"yolk/proc"
)

// The mmap family: decoding and the checks that belong to the call. Everything
// else happens in mm, under the MmapSem that is taken here.

func init() {
	Register(errno.SYS_MMAP, "mmap", sysMmap)
	Register(errno.SYS_MPROTECT, "mprotect", sysMprotect)
	Register(errno.SYS_MUNMAP, "munmap", sysMunmap)
	Register(errno.SYS_BRK, "brk", sysBrk)
	Register(errno.SYS_MREMAP, "mremap", sysMremap)
	Register(errno.SYS_MSYNC, "msync", sysMsync)
	Register(errno.SYS_MINCORE, "mincore", sysMincore)
	Register(errno.SYS_MADVISE, "madvise", sysMadvise)
	Register(errno.SYS_MLOCK, "mlock", sysMlock)
	Register(errno.SYS_MUNLOCK, "munlock", sysMunlock)
	Register(errno.SYS_MLOCKALL, "mlockall", sysMlockall)
	Register(errno.SYS_MUNLOCKALL, "munlockall", sysMunlockall)
	Register(sysMlock2Nr, "mlock2", sysMlock2)
	Register(errno.SYS_REMAP_FILE_PAGES, "remap_file_pages", sysRemapFilePages)
	Register(sysMsealNr, "mseal", sysMseal)
}

// Numbers younger than the standard library's table.
const (
	sysMlock2Nr = 325
	sysMsealNr  = 462
)

const pageMask = arch.PageSize - 1

// locked runs f with m's MmapSem held.
func locked(m *mm.MM, f func() errno.Errno) errno.Errno {
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	return f()
}

// sysMmap: EINVAL offset not a multiple of the page size; EBADF; else mm.DoMmap.
func sysMmap(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	addr, length, prot, flags, off := a[0], a[1], int(a[2]), int(a[3]), a[5]
	if off&pageMask != 0 {
		return 0, errno.EINVAL
	}
	var file mm.File
	if flags&errno.MAP_ANON == 0 {
		f := t.Files.Lookup(int(int32(a[4])))
		if f == nil {
			return 0, errno.EBADF
		}
		defer f.Put()
		file = f
	}
	if flags&errno.MAP_HUGETLB != 0 {
		// There are no huge pages to be had: an empty pool to an anonymous request.
		if file != nil {
			return 0, errno.EINVAL
		}
		return 0, errno.ENOMEM
	}
	m := t.MM
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	return mm.DoMmap(m, file, addr, length, prot, flags, uint64(off)>>arch.PageShift)
}

// sysMunmap: mm.DoMunmap.
func sysMunmap(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return 0, locked(t.MM, func() errno.Errno { return mm.DoMunmap(t.MM, a[0], a[1]) })
}

// sysMprotect: mm.DoMprotect.
func sysMprotect(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return 0, locked(t.MM, func() errno.Errno { return mm.DoMprotect(t.MM, a[0], a[1], int(a[2])) })
}

// sysBrk never fails: it returns where the heap ends.
func sysBrk(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	t.MM.MmapSem.Lock()
	defer t.MM.MmapSem.Unlock()
	return mm.SysBrk(t.MM, a[0]), 0
}

// sysMremap: mm.DoMremap.
func sysMremap(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	t.MM.MmapSem.Lock()
	defer t.MM.MmapSem.Unlock()
	return mm.DoMremap(t.MM, a[0], a[1], a[2], int(a[3]), a[4])
}

// sysMsync: mm.DoMsync.
func sysMsync(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return 0, locked(t.MM, func() errno.Errno { return mm.DoMsync(t.MM, a[0], a[1], int(a[2])) })
}

// sysMadvise: mm.DoMadvise.
func sysMadvise(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return 0, locked(t.MM, func() errno.Errno { return mm.DoMadvise(t.MM, a[0], a[1], int(int32(a[2]))) })
}

// sysMincore: EINVAL unaligned; ENOMEM beyond the address space or a hole;
// EFAULT. The answer is copied out piece by piece without MmapSem, which the
// copy's faults take.
func sysMincore(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	addr, length, vec := a[0], a[1], a[2]
	if addr&pageMask != 0 {
		return 0, errno.EINVAL
	}
	if addr > arch.TaskSize || length > arch.TaskSize-addr {
		return 0, errno.ENOMEM
	}
	pages := (length + pageMask) >> arch.PageShift
	if vec > arch.TaskSize || pages > arch.TaskSize-vec {
		return 0, errno.EFAULT
	}
	var buf [256]byte
	for pages > 0 {
		part, n := buf[:min(pages, uintptr(len(buf)))], 0
		if e := locked(t.MM, func() (e errno.Errno) { n, e = mm.DoMincore(t.MM, addr, part); return e }); e != 0 {
			return 0, e
		}
		if e := mm.CopyToUser(t.MM, vec, part[:n]); e != 0 {
			return 0, e
		}
		addr, vec, pages = addr+uintptr(n)<<arch.PageShift, vec+uintptr(n), pages-uintptr(n)
	}
	return 0, 0
}

// sysRemapFilePages: mm.DoRemapFilePages.
func sysRemapFilePages(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return 0, locked(t.MM, func() errno.Errno {
		return mm.DoRemapFilePages(t.MM, a[0], a[1], int(a[2]), uint64(a[3]), int(a[4]))
	})
}

// sysMseal: EINVAL flags, of which there are none; else mm.DoMseal.
func sysMseal(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if a[2] != 0 {
		return 0, errno.EINVAL
	}
	return 0, locked(t.MM, func() errno.Errno { return mm.DoMseal(t.MM, a[0], a[1]) })
}

// sysMlock: mm.DoMlock.
func sysMlock(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return 0, locked(t.MM, func() errno.Errno { return mm.DoMlock(t.MM, a[0], a[1], 0) })
}

// sysMlock2: EINVAL unknown flags; else mm.DoMlock.
func sysMlock2(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	flags := int(int32(a[2]))
	if flags&^mm.MlockOnFault != 0 {
		return 0, errno.EINVAL
	}
	return 0, locked(t.MM, func() errno.Errno { return mm.DoMlock(t.MM, a[0], a[1], flags) })
}

// sysMunlock: mm.DoMunlock.
func sysMunlock(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return 0, locked(t.MM, func() errno.Errno { return mm.DoMunlock(t.MM, a[0], a[1]) })
}

// sysMlockall: mm.DoMlockall.
func sysMlockall(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return 0, locked(t.MM, func() errno.Errno { return mm.DoMlockall(t.MM, int(int32(a[0]))) })
}

// sysMunlockall always succeeds.
func sysMunlockall(t *proc.Task, _ *Args) (uintptr, errno.Errno) {
	return 0, locked(t.MM, func() errno.Errno { mm.DoMunlockall(t.MM); return 0 })
}
