package mm

import (
	"syscall"

	"yolk/arch"
)

// DoRemapFilePages (sys_remap_file_pages) maps page pgoff of the file behind the
// shared mapping at start, and those after it, to [start, start+size), with the
// protection that is there. As in Linux since 4.0 it is an mmap of that part: the
// pages are linear within it. MmapSem held, no spinlock; may sleep. EINVAL: prot is
// not 0, the range is empty or wraps, or not one shared mapping of one file; else
// as DoMmap.
func DoRemapFilePages(m *MM, start, size uintptr, prot int, pgoff uint64, flags int) syscall.Errno {
	start &= arch.PageMask
	size &= arch.PageMask
	end := start + size
	if prot != 0 || end <= start || pgoff+uint64(size>>arch.PageShift) < pgoff {
		return syscall.EINVAL
	}
	v := FindVMA(m, start)
	if v == nil || v.VMStart > start || v.VMFlags&VMShared == 0 || v.VMFile == nil || v.VMOps == &shmOps || special(v) != nil {
		return syscall.EINVAL
	}
	for next := v; next.VMEnd < end; next = next.vmNext {
		n := next.vmNext
		if n == nil || n.VMStart != next.VMEnd || n.VMFile != v.VMFile || n.VMFlags != v.VMFlags {
			return syscall.EINVAL
		}
	}
	flags = flags&syscall.MAP_NONBLOCK | syscall.MAP_SHARED | syscall.MAP_FIXED | syscall.MAP_POPULATE
	if v.VMFlags&VMLocked != 0 {
		flags |= syscall.MAP_LOCKED
	}
	file, access := v.VMFile, int(v.VMFlags&vmAccessBits) // PROT_ and VM_ bits are the same
	file.GetFile()
	defer file.FPut() // the mapping that holds it may go
	_, e := DoMmap(m, file, start, size, access, flags, pgoff)
	return e
}
