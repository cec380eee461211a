package proc

import (
	errno "syscall"

	"yolk/arch"
	"yolk/fs"
	"yolk/mm"
)

// pagemapFile is an open /proc/PID/pagemap: eight bytes for each page of the
// memory that the process had at the time of the open.
type pagemapFile struct {
	memFile
	frames bool // the opener may know frame numbers
}

// openPagemap opens the page map of a process. ESRCH; EACCES: not permitted to
// look into it.
func openPagemap(pid int) (fs.FileOps, errno.Errno) {
	ops, e := openMem(pid)
	if e != 0 {
		return nil, e
	}
	return &pagemapFile{memFile: *ops.(*memFile), frames: Current().Creds().Capable(CapSysAdmin)}, 0
}

// Read copies the entries from offset off on. EINVAL: off or the length is not a
// multiple of an entry's. It ends behind the address space, and with the process.
func (f *pagemapFile) Read(_ *fs.File, p []byte, off int64) (int, errno.Errno) {
	if off%mm.PagemapEntrySize != 0 || len(p)%mm.PagemapEntrySize != 0 {
		return 0, errno.EINVAL
	}
	page := uint64(off / mm.PagemapEntrySize)
	if f.m == nil || page >= arch.TaskSize>>arch.PageShift || !mm.MMGetNotZero(f.m) {
		return 0, 0
	}
	defer mm.MMPut(f.m)
	return mm.Pagemap(f.m, uintptr(page)<<arch.PageShift, p, f.frames), 0
}

// Write is not possible. EINVAL.
func (f *pagemapFile) Write(*fs.File, []byte, int64) (int, int64, errno.Errno) {
	return 0, 0, errno.EINVAL
}
