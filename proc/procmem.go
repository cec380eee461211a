package proc

import (
	errno "syscall"

	"yolk/fs"
	"yolk/mm"
)

// memFile is an open /proc/PID/mem: the memory of the process at the time of the
// open, an exec since then or not.
type memFile struct {
	fs.NoFile
	m *mm.MM // grabbed; nil: a process without memory
}

// openMem opens the memory of a process. ESRCH; EACCES: not permitted to look
// into it.
func openMem(pid int) (fs.FileOps, errno.Errno) {
	o, e := look(pid)
	if e != 0 {
		return nil, e
	}
	m := o.GrabMM()
	if m != nil {
		mm.MMGrab(m)
		mm.MMPut(m)
	}
	return &memFile{m: m}, 0
}

// Read copies from the address that the offset is. EIO: nothing there. When the
// process has ended, the file has too.
func (f *memFile) Read(_ *fs.File, p []byte, off int64) (int, errno.Errno) {
	return f.access(p, off, false)
}

// Write is Read the other way; it writes where the program itself may not.
func (f *memFile) Write(_ *fs.File, p []byte, off int64) (n int, next int64, e errno.Errno) {
	n, e = f.access(p, off, true)
	return n, off + int64(n), e
}

func (f *memFile) access(p []byte, off int64, write bool) (int, errno.Errno) {
	if f.m == nil || !mm.MMGetNotZero(f.m) {
		return 0, 0
	}
	defer mm.MMPut(f.m)
	n := mm.AccessProcessVM(f.m, uintptr(off), p, write)
	if n == 0 && len(p) > 0 {
		return 0, errno.EIO
	}
	return n, 0
}

// Release lets go of the memory's bookkeeping.
func (f *memFile) Release(*fs.File) {
	if f.m != nil {
		mm.MMDrop(f.m)
	}
}
