package fs

import (
	"syscall"

	"yolk/mm"
)

// ReadDir refuses.
func (pf *pipeFile) ReadDir(*File, int64, DirEmit) (int64, syscall.Errno) {
	return 0, syscall.ENOTDIR
}

// End refuses.
func (pf *pipeFile) End(*File) (int64, syscall.Errno) { return 0, syscall.ESPIPE }

// Map refuses.
func (pf *pipeFile) Map(*File, *mm.VMA) syscall.Errno { return syscall.ENODEV }

// Sync refuses, as fsync(2) says for pipes.
func (pf *pipeFile) Sync(*File) syscall.Errno { return syscall.EINVAL }

// Ioctl knows FIONREAD.
func (pf *pipeFile) Ioctl(_ *File, req uint32, u UserMem, arg uintptr) (uintptr, syscall.Errno) {
	if req != FIONREAD {
		return 0, syscall.ENOTTY
	}
	return 0, putInt32(u, arg, int32((*Pipe)(pf).fill.Load()))
}

// PipeSize is F_GETPIPE_SZ; ok is false when f is no pipe.
func (f *File) PipeSize() (size int, ok bool) {
	pf, ok := f.ops.(*pipeFile)
	if !ok {
		return 0, false
	}
	p := (*Pipe)(pf)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.max, true
}

// SetPipeSize is F_SETPIPE_SZ; it returns the size chosen. EBADF: no pipe;
// EBUSY: more than size is in it; EPERM: beyond 1 MiB; EINVAL; ENOMEM.
func (f *File) SetPipeSize(size int) (int, syscall.Errno) {
	pf, ok := f.ops.(*pipeFile)
	switch {
	case !ok:
		return 0, syscall.EBADF
	case size < 0:
		return 0, syscall.EINVAL
	case size > 1<<20:
		return 0, syscall.EPERM
	}
	p := (*Pipe)(pf)
	n := pipeFirst
	for n < size {
		n *= 2
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if int(p.fill.Load()) > n {
		return 0, syscall.EBUSY
	}
	if len(p.buf) > n && !p.resize(n) {
		return 0, syscall.ENOMEM
	}
	p.max = n
	p.wq.WakeAll()
	return n, 0
}
