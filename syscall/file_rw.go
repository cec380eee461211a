package syscall

import (
	"encoding/binary"
	"math"
	errno "syscall"

	"yolk/arch"
	"yolk/fs"
	"yolk/fs/unixsock"
	"yolk/mm"
	"yolk/proc"
)

func init() {
	Register(0, "read", sysRead)
	Register(1, "write", sysWrite)
	Register(17, "pread64", sysPread)
	Register(18, "pwrite64", sysPwrite)
	Register(19, "readv", sysReadv)
	Register(20, "writev", sysWritev)
	Register(295, "preadv", sysPreadv)
	Register(296, "pwritev", sysPwritev)
	Register(327, "preadv2", sysPreadv2)
	Register(328, "pwritev2", sysPwritev2)
}

const (
	maxRW   = 0x7ffff000 // MAX_RW_COUNT
	maxIov  = 1024       // UIO_MAXIOV
	iovSize = 16
)

// cursor walks the pieces of user memory of one transfer.
type cursor struct {
	m    *mm.MM
	addr uintptr // the current piece
	left uintptr
	vec  []byte  // struct iovec of the pieces to come
	rest uintptr // bytes in the current piece and those to come
	wild bool    // it reaches out of user space: EFAULT, once the file is known to be right
}

// single is the cursor of read and write.
func single(t *proc.Task, addr, n uintptr) cursor {
	wild := addr+n < addr || addr+n > arch.TaskSize
	n = min(n, maxRW)
	return cursor{m: t.MM, addr: addr, left: n, rest: n, wild: wild}
}

// vector is the cursor of readv and writev; buf holds the vector meanwhile.
// EINVAL: too many pieces, or too long a one; EFAULT.
func vector(t *proc.Task, addr, count uintptr, buf []byte) (cursor, errno.Errno) {
	if count > maxIov {
		return cursor{}, errno.EINVAL
	}
	vec := buf[:count*iovSize]
	if e := mm.CopyFromUser(t.MM, vec, addr); e != 0 {
		return cursor{}, e
	}
	total := uintptr(0)
	for k := 0; k < len(vec); k += iovSize {
		base, n := uintptr(binary.LittleEndian.Uint64(vec[k:])), uintptr(binary.LittleEndian.Uint64(vec[k+8:]))
		if n > math.MaxInt64 {
			return cursor{}, errno.EINVAL
		}
		if n > 0 && (base+n < base || base+n > arch.TaskSize) {
			return cursor{}, errno.EFAULT
		}
		total = min(total+n, maxRW)
	}
	return cursor{m: t.MM, vec: vec, rest: total}, 0
}

// piece returns the next run of at most n bytes of user memory. rest is not 0.
func (c *cursor) piece(n int) (addr uintptr, size int) {
	for c.left == 0 {
		c.addr = uintptr(binary.LittleEndian.Uint64(c.vec))
		c.left = uintptr(binary.LittleEndian.Uint64(c.vec[8:]))
		c.vec = c.vec[iovSize:]
	}
	size = int(min(c.left, c.rest, uintptr(n)))
	addr = c.addr
	c.addr += uintptr(size)
	c.left -= uintptr(size)
	c.rest -= uintptr(size)
	return addr, size
}

// byPages calls do with what b has for each piece of user memory, and where that
// does not reach, page by page: it tells exactly how far the memory
// does, and the cursor has moved on that far. EFAULT.
func (c *cursor) byPages(b []byte, do func(m *mm.MM, at uintptr, b []byte) errno.Errno) (n int, e errno.Errno) {
	for n < len(b) && c.rest > 0 {
		addr, k := c.piece(len(b) - n)
		if do(c.m, addr, b[n:n+k]) == 0 {
			n += k
			continue
		}
		for end := n + k; n < end; {
			k := min(end-n, int(arch.PageSize-addr%arch.PageSize))
			if e := do(c.m, addr, b[n:n+k]); e != 0 {
				back := uintptr(end - n)
				c.addr, c.left, c.rest = c.addr-back, c.left+back, c.rest+back
				return n, e
			}
			n, addr = n+k, addr+uintptr(k)
		}
	}
	return n, 0
}

// scatter stores b, as far as the memory reaches. EFAULT with the bytes before it.
func (c *cursor) scatter(b []byte) (n int, e errno.Errno) {
	return c.byPages(b, func(m *mm.MM, at uintptr, b []byte) errno.Errno { return mm.CopyToUser(m, at, b) })
}

// gather fills b as far as the memory reaches. EFAULT with the bytes before it.
func (c *cursor) gather(b []byte) (n int, e errno.Errno) {
	return c.byPages(b, func(m *mm.MM, at uintptr, b []byte) errno.Errno { return mm.CopyFromUser(m, b, at) })
}

// chunkFor picks a buffer for a transfer of n bytes.
func chunkFor(f *fs.File, n uintptr) *bufPool {
	if f.Seekable() && n > smallBuf {
		return &bigBufs
	}
	return &smallBufs
}

// readFile reads from off until the memory is full, the file ends or has no more
// for now, and returns the bytes read.
func readFile(f *fs.File, c *cursor, off int64) (done uintptr, e errno.Errno) {
	pool := chunkFor(f, c.rest)
	buf := pool.get()
	defer pool.put(buf)
	for {
		want := buf.b[:min(c.rest, uintptr(len(buf.b)))]
		n, e := f.ReadAt(want, off)
		if e == 0 && n > 0 {
			var stored int
			if stored, e = c.scatter(want[:n]); e != 0 {
				done += uintptr(stored)
			}
		}
		if e != 0 {
			if done > 0 {
				e = 0
			}
			return done, e
		}
		done += uintptr(n)
		if n < len(want) || c.rest == 0 {
			return done, 0
		}
		if off = off + int64(n); !f.Seekable() {
			off = fs.NoWait
		}
	}
}

// underLimit is how many of n bytes may be written at off: RLIMIT_FSIZE bounds
// regular files. EFBIG, with SIGXFSZ: none.
func underLimit(t *proc.Task, f *fs.File, off int64, n uintptr) (uintptr, errno.Errno) {
	limit := t.Group.Limits.Cur(proc.RlimitFsize)
	if limit == mm.Infinity || f.Inode().Type() != errno.S_IFREG {
		return n, 0
	}
	if f.Flags()&errno.O_APPEND != 0 {
		off = f.Inode().Size()
	}
	if n > 0 && uint64(off) >= limit {
		info := proc.KernelInfo(proc.SIGXFSZ)
		t.Send(&info)
		return 0, errno.EFBIG
	}
	return uintptr(min(uint64(n), limit-min(limit, uint64(off)))), 0
}

// writeFile writes from off on, and returns the bytes written and the offset
// behind them.
func writeFile(t *proc.Task, f *fs.File, c *cursor, off int64) (done uintptr, next int64, e errno.Errno) {
	if c.rest, e = underLimit(t, f, off, c.rest); e != 0 {
		return 0, off, e
	}
	pool := chunkFor(f, c.rest)
	buf := pool.get()
	defer pool.put(buf)
	for {
		want, fault := c.gather(buf.b)
		if fault != 0 && want == 0 {
			if e = f.FaultedWrite(off, c.rest); e != 0 {
				break
			}
			// The memory may be a mapping of the file, which has become longer.
			if want, e = c.gather(buf.b); want == 0 {
				break
			}
		}
		var n int
		var end int64
		n, end, e = f.WriteAt(buf.b[:want], off)
		if n > 0 {
			done += uintptr(n)
			off = end
		}
		if e != 0 || n < want || c.rest == 0 {
			break
		}
	}
	if e == errno.EPIPE {
		sigpipe(t)
	}
	if done > 0 {
		e = 0
	}
	return done, off, e
}

// doRead carries out a read at the file's offset (at nil) or at *at.
func doRead(t *proc.Task, fd uintptr, c *cursor, at int64, positioned bool) (uintptr, errno.Errno) {
	f, e := getFile(t, fd)
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	if positioned && !f.Seekable() {
		return 0, errno.ESPIPE
	}
	if !f.CanRead() {
		return 0, errno.EBADF
	}
	if c.wild {
		return 0, errno.EFAULT
	}
	if positioned {
		return readFile(f, c, at)
	}
	if s := unixsock.Of(f); s != nil {
		return readSocket(s, f, c)
	}
	pos := f.LockPos()
	n, e := readFile(f, c, pos)
	f.UnlockPos(pos + int64(n))
	return n, e
}

func doWrite(t *proc.Task, fd uintptr, c *cursor, at int64, positioned bool) (uintptr, errno.Errno) {
	f, e := getFile(t, fd)
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	if positioned && !f.Seekable() {
		return 0, errno.ESPIPE
	}
	if !f.CanWrite() {
		return 0, errno.EBADF
	}
	if c.wild {
		return 0, errno.EFAULT
	}
	if positioned {
		n, _, e := writeFile(t, f, c, at)
		return n, e
	}
	if s := unixsock.Of(f); s != nil {
		return writeSocket(t, s, f, c)
	}
	pos := f.LockPos()
	n, next, e := writeFile(t, f, c, pos)
	if n == 0 {
		next = pos
	}
	f.UnlockPos(next)
	return n, e
}

// checkFD is the EBADF that comes before all other errors.
func checkFD(t *proc.Task, fd uintptr) errno.Errno {
	_, e := t.Files.Cloexec(fdArg(fd))
	return e
}

func sysRead(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	c := single(t, a[1], a[2])
	return doRead(t, a[0], &c, 0, false)
}

func sysWrite(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	c := single(t, a[1], a[2])
	return doWrite(t, a[0], &c, 0, false)
}

func sysPread(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if int64(a[3]) < 0 {
		return 0, errno.EINVAL
	}
	c := single(t, a[1], a[2])
	return doRead(t, a[0], &c, int64(a[3]), true)
}

func sysPwrite(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if int64(a[3]) < 0 {
		return 0, errno.EINVAL
	}
	c := single(t, a[1], a[2])
	return doWrite(t, a[0], &c, int64(a[3]), true)
}

// vectored runs a transfer of many pieces; the vector waits in a buffer of its own.
func vectored(t *proc.Task, a *Args, at int64, positioned, write bool) (uintptr, errno.Errno) {
	if e := checkFD(t, a[0]); e != 0 {
		return 0, e
	}
	if positioned && at < 0 {
		return 0, errno.EINVAL
	}
	pool := &smallBufs
	if a[2] > smallBuf/iovSize {
		pool = &bigBufs
	}
	buf := pool.get()
	defer pool.put(buf)
	c, e := vector(t, a[1], a[2], buf.b)
	if e != 0 {
		return 0, e
	}
	if write {
		return doWrite(t, a[0], &c, at, positioned)
	}
	return doRead(t, a[0], &c, at, positioned)
}

func sysReadv(t *proc.Task, a *Args) (uintptr, errno.Errno) { return vectored(t, a, 0, false, false) }

func sysWritev(t *proc.Task, a *Args) (uintptr, errno.Errno) { return vectored(t, a, 0, false, true) }

func sysPreadv(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return vectored(t, a, int64(a[3]), true, false)
}

func sysPwritev(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return vectored(t, a, int64(a[3]), true, true)
}

// sysPreadv2: the flags are about devices that this kernel does not have.
func sysPreadv2(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if a[5] != 0 {
		return 0, errno.EOPNOTSUPP
	}
	return vectored(t, a, int64(a[3]), int64(a[3]) != -1, false)
}

// sysPwritev2: as sysPreadv2.
func sysPwritev2(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if a[5] != 0 {
		return 0, errno.EOPNOTSUPP
	}
	return vectored(t, a, int64(a[3]), int64(a[3]) != -1, true)
}
