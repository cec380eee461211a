package fs

import "syscall"

// What splice(2) needs of a pipe: it has read what it then must be able to write,
// and to put back what nobody took.

// IsPipe reports whether f is an end of a pipe or FIFO.
func (f *File) IsPipe() bool {
	_, ok := f.ops.(*pipeFile)
	return ok
}

// PipeRoom waits until the pipe has room, unless nowait, and returns how much. EPIPE:
// no reader; EAGAIN; ERESTARTSYS.
func (f *File) PipeRoom(nowait bool) (int, syscall.Errno) {
	p := (*Pipe)(f.ops.(*pipeFile))
	for {
		room := p.room()
		switch {
		case p.readers.Load() == 0:
			return 0, syscall.EPIPE
		case room > 0:
			return room, 0
		case nowait || f.nonblock():
			return 0, syscall.EAGAIN
		case !p.wq.WaitInterruptible(p.writable):
			return 0, ERESTARTSYS
		}
	}
}

// PipePut puts all of b into the pipe, for which there was room a moment ago: it is put there
// even if another writer has come first. EPIPE: no reader; ENOMEM. May sleep.
func (f *File) PipePut(b []byte) syscall.Errno {
	p := (*Pipe)(f.ops.(*pipeFile))
	p.mu.Lock()
	e := syscall.Errno(0)
	if p.readers.Load() == 0 {
		e = syscall.EPIPE
	} else if !p.give(b) {
		e = syscall.ENOMEM
	}
	p.mu.Unlock()
	p.rq.WakeAllSync()
	return e
}

// PipeUnread puts back b, which was read last: it comes first again, even if writers have filled
// the pipe meanwhile. ENOMEM: it is lost. May sleep.
func (f *File) PipeUnread(b []byte) syscall.Errno {
	p := (*Pipe)(f.ops.(*pipeFile))
	p.mu.Lock()
	defer p.rq.WakeAll()
	defer p.mu.Unlock()
	fill := int(p.fill.Load())
	if fill+len(b) > len(p.buf) && !p.resize(fill+len(b)) {
		return syscall.ENOMEM
	}
	p.head = (p.head - len(b)) & (len(p.buf) - 1)
	n := copy(p.buf[p.head:], b)
	copy(p.buf, b[n:])
	p.fill.Add(int32(len(b)))
	return 0
}
