package syscall

import (
	errno "syscall"

	"yolk/fs"
	"yolk/proc"
)

func init() { Register(275, "splice", sysSplice) }

// Flags of splice(2). Pages are never moved here, only their bytes.
const (
	spliceNonblock = 2
	spliceFlags    = 0xf
)

// sysSplice: EBADF; EINVAL: flags, no pipe or twice the same, a directory, O_APPEND; ESPIPE: an offset
// for what has none; EPIPE, EAGAIN.
func sysSplice(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if a[4] == 0 {
		return 0, 0
	}
	if a[5]&^spliceFlags != 0 {
		return 0, errno.EINVAL
	}
	out, in, e := twoFiles(t, a[2], a[0])
	if e != 0 {
		return 0, e
	}
	defer in.Put()
	defer out.Put()
	switch {
	case in.IsPipe() && a[1] != 0 || out.IsPipe() && a[3] != 0:
		return 0, errno.ESPIPE
	case !in.IsPipe() && !out.IsPipe(), in.Inode() == out.Inode(), in.Inode().IsDir(),
		!out.IsPipe() && out.Flags()&errno.O_APPEND != 0:
		return 0, errno.EINVAL
	}
	move := spliceWait
	if a[5]&spliceNonblock != 0 {
		move = spliceNoWait
	}
	n, e := copyBetween(t, move, out, in, a[3], a[1], a[4])
	if e == errno.EPIPE && (out.IsPipe() || out.Inode().Type() == errno.S_IFSOCK) {
		sigpipe(t)
	}
	return n, e
}

func spliceWait(t *proc.Task, out, in *fs.File, outOff, inOff int64, n uintptr) (uintptr, int64, errno.Errno) {
	return spliceFile(t, out, in, outOff, inOff, n, false)
}

func spliceNoWait(t *proc.Task, out, in *fs.File, outOff, inOff int64, n uintptr) (uintptr, int64, errno.Errno) {
	return spliceFile(t, out, in, outOff, inOff, n, true)
}

// spliceFile moves what in has now, or with nowait unset waits for some of it. What
// out does not take stays in a pipe that it came from.
func spliceFile(t *proc.Task, out, in *fs.File, outOff, inOff int64, n uintptr, nowait bool) (done uintptr, next int64, e errno.Errno) {
	buf := bigBufs.get()
	defer bigBufs.put(buf)
	for done < n && e == 0 {
		want := buf.b[:min(n-done, uintptr(len(buf.b)))]
		nowait = nowait || done > 0
		if out.IsPipe() {
			var room int
			if room, e = out.PipeRoom(nowait); e != 0 {
				break
			}
			want = want[:min(room, len(want))]
		}
		from := inOff
		if !in.Seekable() && nowait {
			from = fs.NoWait
		}
		var got, put int
		if got, e = in.ReadAt(want, from); e != 0 || got == 0 {
			break
		}
		if !out.IsPipe() {
			put, outOff, e = out.WriteAt(want[:got], outOff)
		} else if e = out.PipePut(want[:got]); e == 0 {
			put = got
		}
		if put < got && in.IsPipe() {
			if lost := in.PipeUnread(want[put:got]); lost != 0 {
				e = lost
			}
		}
		done += uintptr(put)
		inOff += int64(put)
		if got < len(want) || put < got || t.SignalPending() {
			break
		}
	}
	if done > 0 {
		e = 0
	}
	return done, outOff, e
}
