package syscall

import (
	errno "syscall"

	"yolk/fs"
	"yolk/proc"
)

func init() {
	Register(40, "sendfile", sysSendfile)
	Register(326, "copy_file_range", sysCopyFileRange)
}

// copyFile moves up to n bytes from in at inOff to out at outOff, until in ends
// or out takes no more.
func copyFile(t *proc.Task, out, in *fs.File, outOff, inOff int64, n uintptr) (done uintptr, outNext int64, e errno.Errno) {
	pool := chunkFor(in, n)
	buf := pool.get()
	defer pool.put(buf)
	for done < n && e == 0 {
		want := buf.b[:min(n-done, uintptr(len(buf.b)))]
		got, re := in.ReadAt(want, inOff)
		if re != 0 || got == 0 {
			e = re
			break
		}
		put := 0
		put, outOff, e = out.WriteAt(want[:got], outOff)
		done += uintptr(put)
		inOff += int64(put)
		if put < got || t.SignalPending() {
			break
		}
	}
	if e == errno.EPIPE {
		sigpipe(t)
	}
	if done > 0 {
		e = 0
	}
	return done, outOff, e
}

// sigpipe sends the writer of a pipe that nobody reads its signal.
func sigpipe(t *proc.Task) {
	info := proc.KernelInfo(proc.SIGPIPE)
	t.Send(&info)
}

// twoFiles are the open files of a copying call. EBADF.
func twoFiles(t *proc.Task, outfd, infd uintptr) (out, in *fs.File, e errno.Errno) {
	in, e = getFile(t, infd)
	if e != 0 {
		return nil, nil, e
	}
	out, e = getFile(t, outfd)
	if e == 0 && in.CanRead() && out.CanWrite() {
		return out, in, 0
	}
	in.Put()
	if out != nil {
		out.Put()
	}
	return nil, nil, errno.EBADF
}

// copyOffset is where a side of a copying call stands: at *addr, or without an
// address at the file's offset, which is then locked until done is called.
type copyOffset struct {
	t    *proc.Task
	f    *fs.File
	addr uintptr
	pos  int64
}

func (o *copyOffset) start() errno.Errno {
	if o.addr == 0 {
		o.pos = o.f.LockPos()
		return 0
	}
	if !o.f.Seekable() {
		return errno.ESPIPE
	}
	if e := getStruct(o.t, &o.pos, o.addr); e != 0 {
		return e
	}
	if o.pos < 0 {
		return errno.EINVAL
	}
	return 0
}

func (o *copyOffset) done(pos int64) errno.Errno {
	if o.addr == 0 {
		o.f.UnlockPos(pos)
		return 0
	}
	return putStruct(o.t, o.addr, &pos)
}

// mover moves up to n bytes between files: copyFile, or what splice(2) does.
type mover func(t *proc.Task, out, in *fs.File, outOff, inOff int64, n uintptr) (done uintptr, outNext int64, e errno.Errno)

// copyBetween carries out a copy with the offsets of both sides. Two files'
// offsets are never locked at once: the output's is taken for the moment of reading it.
func copyBetween(t *proc.Task, move mover, out, in *fs.File, outAddr, inAddr, n uintptr) (uintptr, errno.Errno) {
	src := copyOffset{t: t, f: in, addr: inAddr}
	dst := copyOffset{t: t, f: out, addr: outAddr}
	if e := dst.start(); e != 0 {
		return 0, e
	}
	if outAddr == 0 {
		out.UnlockPos(dst.pos)
	}
	if e := src.start(); e != 0 {
		return 0, e
	}
	done, next, e := move(t, out, in, dst.pos, src.pos, min(n, maxRW))
	if se := src.done(src.pos + int64(done)); se != 0 {
		e = se
	}
	if done == 0 {
		return 0, e
	}
	if outAddr == 0 {
		out.LockPos()
	}
	if de := dst.done(next); de != 0 {
		e = de
	}
	return done, e
}

func sysSendfile(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	out, in, e := twoFiles(t, a[0], a[1])
	if e != 0 {
		return 0, e
	}
	defer in.Put()
	defer out.Put()
	if !in.Seekable() || in.Inode().IsDir() || out.Flags()&errno.O_APPEND != 0 {
		return 0, errno.EINVAL
	}
	return copyBetween(t, copyFile, out, in, 0, a[2], a[3])
}

func sysCopyFileRange(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if a[5] != 0 {
		return 0, errno.EINVAL
	}
	out, in, e := twoFiles(t, a[2], a[0])
	if e != 0 {
		return 0, e
	}
	defer in.Put()
	defer out.Put()
	switch {
	case in.Inode().IsDir() || out.Inode().IsDir():
		return 0, errno.EISDIR
	case in.Inode().Type() != errno.S_IFREG || out.Inode().Type() != errno.S_IFREG:
		return 0, errno.EINVAL
	case out.Flags()&errno.O_APPEND != 0:
		return 0, errno.EBADF
	case in.Inode() == out.Inode():
		return 0, errno.EINVAL
	}
	return copyBetween(t, copyFile, out, in, a[3], a[1], a[4])
}
