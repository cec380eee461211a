package syscall

import (
	"encoding/binary"
	errno "syscall"

	"yolk/fs"
	"yolk/fs/unixsock"
	"yolk/mm"
	"yolk/proc"
)

// What lies beside the bytes of a message: struct cmsghdr, and behind it descriptors
// (SCM_RIGHTS) or a struct ucred (SCM_CREDENTIALS).

const (
	cmsgHeader = 16
	credSize   = 12
	maxScmFDs  = 253   // SCM_MAX_FD
	maxControl = 20480 // net.core.optmem_max
)

func cmsgAlign(n int) int { return (n + 7) &^ 7 }

// getControl takes a message's control buffer apart. The files it names are in flight then, and
// o's. ENOBUFS: it is too long; EINVAL, EFAULT, EBADF; EPERM: another's identity; ETOOMANYREFS.
func getControl(t *proc.Task, o *outgoing, addr, n uintptr) errno.Errno {
	if n > maxControl {
		return errno.ENOBUFS
	}
	pool := &smallBufs
	if n > smallBuf {
		pool = &bigBufs
	}
	buf := pool.get()
	defer pool.put(buf)
	b := buf.b[:n]
	if e := mm.CopyFromUser(t.MM, b, addr); e != 0 {
		return e
	}
	var files []*fs.File
	for len(b) >= cmsgHeader {
		size := binary.LittleEndian.Uint64(b)
		level, typ := int32(binary.LittleEndian.Uint32(b[8:])), int32(binary.LittleEndian.Uint32(b[12:]))
		e := errno.Errno(0)
		switch {
		case size < cmsgHeader || size > uint64(len(b)):
			e = errno.EINVAL
		case level != errno.SOL_SOCKET:
		case typ == errno.SCM_RIGHTS:
			files, e = getRights(t, files, b[cmsgHeader:size])
		case typ == errno.SCM_CREDENTIALS:
			o.Cred, e = getCred(t, b[cmsgHeader:size])
		default:
			e = errno.EINVAL
		}
		if e != 0 {
			putFiles(files)
			return e
		}
		b = b[min(cmsgAlign(int(size)), len(b)):]
	}
	if len(files) == 0 {
		return 0
	}
	c := t.Creds()
	unlimited := c.Capable(proc.CapSysResource) || c.Capable(proc.CapSysAdmin)
	if e := unixsock.Launch(files, o.UID, maxFiles(t), unlimited); e != 0 {
		putFiles(files)
		return e
	}
	o.Files = files
	return 0
}

func putFiles(files []*fs.File) {
	for _, f := range files {
		f.Put()
	}
}

// getRights adds the files that descriptors in b name. EINVAL: too many; EBADF.
func getRights(t *proc.Task, files []*fs.File, b []byte) ([]*fs.File, errno.Errno) {
	if len(files)+len(b)/4 > maxScmFDs {
		return files, errno.EINVAL
	}
	for ; len(b) >= 4; b = b[4:] {
		f := t.Files.Lookup(int(int32(binary.LittleEndian.Uint32(b))))
		if f == nil {
			return files, errno.EBADF
		}
		files = append(files, f)
	}
	return files, 0
}

// getCred is an identity that t gives itself. EINVAL; EPERM: it is none of its own.
func getCred(t *proc.Task, b []byte) (unixsock.Cred, errno.Errno) {
	var c unixsock.Cred
	if len(b) != credSize {
		return c, errno.EINVAL
	}
	copy(structBytes(&c), b)
	own := t.Creds()
	switch {
	case c.UID == fs.NoID || c.GID == fs.NoID:
		return c, errno.EINVAL
	case int(c.PID) != t.PID && !own.Capable(proc.CapSysAdmin),
		c.UID != own.UID && c.UID != own.EUID && c.UID != own.SUID && !own.Capable(proc.CapSetUID),
		c.GID != own.GID && c.GID != own.EGID && c.GID != own.SGID && !own.Capable(proc.CapSetGID):
		return c, errno.EPERM
	}
	return c, 0
}

// control is a control buffer that is being filled.
type control struct {
	t          *proc.Task
	addr, left uintptr
	used       uint64
}

// room is how many bytes of data fit behind a header.
func (c *control) room() int {
	if c.left < cmsgHeader {
		return 0
	}
	return int(c.left) - cmsgHeader
}

// put adds a header and data, which fit. That the memory is not there is no error, as on Linux.
func (c *control) put(typ uint32, data []byte) {
	b := c.t.Scratch[:cmsgHeader]
	binary.LittleEndian.PutUint64(b, uint64(cmsgHeader+len(data)))
	binary.LittleEndian.PutUint32(b[8:], errno.SOL_SOCKET)
	binary.LittleEndian.PutUint32(b[12:], typ)
	if mm.CopyToUser(c.t.MM, c.addr, b) != 0 || mm.CopyToUser(c.t.MM, c.addr+cmsgHeader, data) != 0 {
		return
	}
	n := min(uintptr(cmsgHeader+cmsgAlign(len(data))), c.left)
	c.addr, c.left, c.used = c.addr+n, c.left-n, c.used+uint64(n)
}

// putControl gives the program what came beside the bytes, as far as h has room for it, and
// closes the files that it has not. It returns the bytes used, and MSG_CTRUNC if that was too few.
func putControl(t *proc.Task, s *unixsock.Socket, h *msghdr, r *unixsock.Receipt, cloexec bool) (used uint64, flags uint32) {
	defer dropFiles(r)
	c := control{t: t, addr: uintptr(h.Control), left: uintptr(h.ControlLen)}
	if c.addr == 0 {
		c.left = 0
	}
	if s.PassCred() && r.Any {
		data := structBytes(&r.Cred)
		if n := c.room(); n < len(data) {
			data, flags = data[:n], errno.MSG_CTRUNC
		}
		if c.left >= cmsgHeader {
			c.put(errno.SCM_CREDENTIALS, data)
		}
	}
	if len(r.Files) > 0 && !c.putRights(r, cloexec) {
		flags = errno.MSG_CTRUNC
	}
	return c.used, flags
}

// putRights gives the program descriptors for r's files, and leaves those in r that it has
// no room for, in its table or in the buffer. False: there are some.
func (c *control) putRights(r *unixsock.Receipt, cloexec bool) bool {
	t, n := c.t, min(c.room()/4, len(r.Files))
	buf := smallBufs.get()
	defer smallBufs.put(buf)
	done := 0
	for ; done < n; done++ {
		fd, e := t.Files.Install(r.Files[done], 0, maxFiles(t), cloexec)
		if e != 0 {
			break
		}
		binary.LittleEndian.PutUint32(buf.b[4*done:], uint32(fd))
	}
	r.Files = r.Files[done:]
	if done > 0 {
		c.put(errno.SCM_RIGHTS, buf.b[:4*done])
	}
	return len(r.Files) == 0
}
