package syscall

import (
	errno "syscall"
	"time"

	"yolk/fs"
	"yolk/fs/unixsock"
	"yolk/proc"
)

func init() {
	Register(44, "sendto", sysSendto)
	Register(45, "recvfrom", sysRecvfrom)
	Register(46, "sendmsg", sysSendmsg)
	Register(47, "recvmsg", sysRecvmsg)
	Register(299, "recvmmsg", sysRecvmmsg)
	Register(307, "sendmmsg", sysSendmmsg)
}

// Flags of sendmsg and recvmsg beyond those of package syscall of the standard library.
const msgWaitForOne = 0x10000

// msghdr is struct msghdr.
type msghdr struct {
	Name       uint64
	NameLen    int32
	_          int32
	Iov        uint64
	IovLen     uint64
	Control    uint64
	ControlLen uint64
	Flags      int32
	_          int32
}

// Offsets in it, and the size of a struct mmsghdr, which has a length after it.
const (
	msgNameLen    = 8
	msgControlLen = 40
	msgFlags      = 48
	mmsgLen       = 56
	mmsgSize      = 64
)

// outgoing is a message on its way from a program.
type outgoing struct {
	unixsock.Message
	to    unixsock.Name
	named bool
	quiet bool // MSG_NOSIGNAL
}

// newOutgoing: EOPNOTSUPP: urgent data, which there is none of.
func newOutgoing(t *proc.Task, s *unixsock.Socket, f *fs.File, flags uint32) (o outgoing, e errno.Errno) {
	if flags&errno.MSG_OOB != 0 {
		return o, errno.EOPNOTSUPP
	}
	o.Cred = senderOf(t)
	o.UID = o.Cred.UID
	o.Wait = s.SendWait(nonblocking(f) || flags&errno.MSG_DONTWAIT != 0)
	o.quiet = flags&errno.MSG_NOSIGNAL != 0
	return o, 0
}

// address is the name argument of a sending call. A stream says by itself that it
// takes none. EINVAL, EFAULT.
func (o *outgoing) address(t *proc.Task, s *unixsock.Socket, addr, n uintptr) errno.Errno {
	raw, e := getSockaddr(t, addr, n)
	if e != 0 || len(raw) == 0 {
		return e
	}
	o.named = true
	if s.Type() == unixsock.Datagram {
		o.to, e = parseName(raw)
	}
	return e
}

// sendSocket sends what c stands for, and ends o.
func sendSocket(t *proc.Task, s *unixsock.Socket, c *cursor, o *outgoing) (done uintptr, e errno.Errno) {
	if s.Packets() {
		done, e = sendPacket(t, s, c, o)
	} else if done, e = sendStream(s, c, o); e == errno.EPIPE && !o.quiet {
		sigpipe(t)
	}
	o.Close()
	return done, e
}

// sendStream sends until the memory ends, or the other side takes no more.
func sendStream(s *unixsock.Socket, c *cursor, o *outgoing) (done uintptr, e errno.Errno) {
	if e := s.Ready(o.named); e != 0 {
		return 0, e
	}
	buf := smallBufs.get()
	defer smallBufs.put(buf)
	for c.rest > 0 && e == 0 {
		n, want := 0, 0
		if want, e = c.gather(buf.b); want > 0 {
			n, e = s.Give(buf.b[:want], &o.Message)
		}
		done += uintptr(n)
	}
	if done > 0 {
		e = 0
	}
	return done, e
}

// sendPacket sends all in one message, or nothing.
func sendPacket(t *proc.Task, s *unixsock.Socket, c *cursor, o *outgoing) (uintptr, errno.Errno) {
	n := int(c.rest)
	p, e := s.NewPacket(n, &o.Message, o.named)
	if e != 0 {
		return 0, e
	}
	if _, e = c.gather(p.Bytes()); e == 0 {
		e = s.Send(t.Caller(), p, &o.Message, o.to, o.named)
	}
	if e != 0 {
		p.Done()
		return 0, e
	}
	return uintptr(n), 0
}

// recvSocket receives into what c stands for. flags are those that the program gets back.
func recvSocket(s *unixsock.Socket, c *cursor, r *unixsock.Receipt, how uint32) (n uintptr, flags uint32, e errno.Errno) {
	r.Peek = how&errno.MSG_PEEK != 0
	switch {
	case how&errno.MSG_OOB == 0 && s.Packets():
		return recvPacket(s, c, r, how)
	case how&errno.MSG_OOB == 0:
		n, e = recvStream(s, c, r, how)
		return n, 0, e
	case s.Packets():
		return 0, 0, errno.EOPNOTSUPP
	}
	return 0, 0, errno.EINVAL
}

// recvStream receives what is there, or waits for some of it; with MSG_WAITALL for all,
// unless it only peeks.
func recvStream(s *unixsock.Socket, c *cursor, r *unixsock.Receipt, how uint32) (done uintptr, e errno.Errno) {
	target := 1
	if !r.Peek {
		target = s.Lowat(how&errno.MSG_WAITALL != 0, int(c.rest))
	}
	buf := smallBufs.get()
	defer smallBufs.put(buf)
	for !r.End {
		want := buf.b[:min(c.rest, uintptr(len(buf.b)))]
		var n int
		n, e = s.Take(want, r, int(done) < target)
		if n == 0 {
			break
		}
		n, e = c.scatter(want[:n])
		done += uintptr(n)
		if e != 0 || c.rest == 0 {
			break
		}
	}
	if done > 0 {
		e = 0
	}
	return done, e
}

// recvPacket receives one message, or as much of it as there is room for.
func recvPacket(s *unixsock.Socket, c *cursor, r *unixsock.Receipt, how uint32) (uintptr, uint32, errno.Errno) {
	p, e := s.Receive(r)
	if p == nil {
		return 0, 0, e
	}
	defer p.Done()
	b, flags := p.Bytes(), uint32(0)
	n := len(b)
	if uintptr(n) > c.rest {
		n, flags = int(c.rest), errno.MSG_TRUNC
	}
	if _, e := c.scatter(b[:n]); e != 0 {
		return 0, 0, e
	}
	if how&errno.MSG_TRUNC != 0 {
		n = len(b)
	}
	return uintptr(n), flags, 0
}

// dropFiles closes those that came with a message and nobody takes.
func dropFiles(r *unixsock.Receipt) {
	for _, f := range r.Files {
		f.Put()
	}
	r.Files = nil
}

// readSocket and writeSocket are read(2) and write(2).
func readSocket(s *unixsock.Socket, f *fs.File, c *cursor) (uintptr, errno.Errno) {
	if c.rest == 0 {
		return 0, 0
	}
	r := unixsock.Receipt{Wait: s.RecvWait(nonblocking(f))}
	n, _, e := recvSocket(s, c, &r, 0)
	dropFiles(&r)
	return n, e
}

func writeSocket(t *proc.Task, s *unixsock.Socket, f *fs.File, c *cursor) (uintptr, errno.Errno) {
	o, _ := newOutgoing(t, s, f, 0)
	return sendSocket(t, s, c, &o)
}

// sysSendto: as send(2).
func sysSendto(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	c := single(t, a[1], a[2])
	s, f, e := sockArg(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	if c.wild {
		return 0, errno.EFAULT
	}
	o, e := newOutgoing(t, s, f, uint32(a[3]))
	if e == 0 && a[4] != 0 {
		e = o.address(t, s, a[4], a[5])
	}
	if e != 0 {
		return 0, e
	}
	return sendSocket(t, s, &c, &o)
}

// sysRecvfrom: as recv(2).
func sysRecvfrom(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	c := single(t, a[1], a[2])
	s, f, e := sockArg(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	if c.wild {
		return 0, errno.EFAULT
	}
	flags := uint32(a[3])
	r := unixsock.Receipt{Wait: s.RecvWait(nonblocking(f) || flags&errno.MSG_DONTWAIT != 0)}
	n, _, e := recvSocket(s, &c, &r, flags)
	dropFiles(&r)
	if e == 0 && a[4] != 0 {
		e = putSockaddr(t, a[4], a[5], r.Name, 0)
	}
	return n, e
}

// msgCursor is the cursor of a message's pieces. EMSGSIZE: too many; as vector. The buffer holds
// the vector until the caller gives it back.
func msgCursor(t *proc.Task, h *msghdr) (cursor, *bufPool, *ioBuf, errno.Errno) {
	if h.IovLen > maxIov {
		return cursor{}, nil, nil, errno.EMSGSIZE
	}
	pool := &smallBufs
	if h.IovLen > smallBuf/iovSize {
		pool = &bigBufs
	}
	buf := pool.get()
	c, e := vector(t, uintptr(h.Iov), uintptr(h.IovLen), buf.b)
	if e != 0 {
		pool.put(buf)
	}
	return c, pool, buf, e
}

// sendMsg sends the message at user address addr. As sendmsg(2).
func sendMsg(t *proc.Task, s *unixsock.Socket, f *fs.File, addr uintptr, flags uint32) (uintptr, errno.Errno) {
	var h msghdr
	if e := getStruct(t, &h, addr); e != 0 {
		return 0, e
	}
	if h.NameLen < 0 {
		return 0, errno.EINVAL
	}
	o, e := newOutgoing(t, s, f, flags)
	if e == 0 && h.Name != 0 {
		e = o.address(t, s, uintptr(h.Name), uintptr(min(h.NameLen, sockaddrRoom)))
	}
	if e != 0 {
		return 0, e
	}
	c, pool, buf, e := msgCursor(t, &h)
	if e != 0 {
		return 0, e
	}
	defer pool.put(buf)
	if h.ControlLen > 0 {
		if e := getControl(t, &o, uintptr(h.Control), uintptr(h.ControlLen)); e != 0 {
			return 0, e
		}
	}
	return sendSocket(t, s, &c, &o)
}

// sysSendmsg: as sendmsg(2).
func sysSendmsg(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	s, f, e := sockArg(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	return sendMsg(t, s, f, a[1], uint32(a[2]))
}

// sysSendmmsg: the number of messages sent; an error only if it is none.
func sysSendmmsg(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	s, f, e := sockArg(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	sent := uintptr(0)
	for ; sent < min(uintptr(uint32(a[2])), maxIov); sent++ {
		at := a[1] + sent*mmsgSize
		n, e := sendMsg(t, s, f, at, uint32(a[3]))
		if e == 0 {
			size := uint32(n)
			e = putStruct(t, at+mmsgLen, &size)
		}
		if e != 0 && sent == 0 {
			return 0, e
		}
		if e != 0 {
			break
		}
	}
	return sent, 0
}

// recvMsg receives a message as the header at user address addr says. As recvmsg(2).
func recvMsg(t *proc.Task, s *unixsock.Socket, f *fs.File, addr uintptr, how uint32) (uintptr, errno.Errno) {
	var h msghdr
	if e := getStruct(t, &h, addr); e != 0 {
		return 0, e
	}
	if h.NameLen < 0 {
		return 0, errno.EINVAL
	}
	c, pool, buf, e := msgCursor(t, &h)
	if e != 0 {
		return 0, e
	}
	defer pool.put(buf)
	r := unixsock.Receipt{Wait: s.RecvWait(nonblocking(f) || how&errno.MSG_DONTWAIT != 0)}
	n, flags, e := recvSocket(s, &c, &r, how)
	if e == 0 && h.Name != 0 {
		e = putSockaddr(t, uintptr(h.Name), addr+msgNameLen, r.Name, 0)
	}
	if e != 0 {
		dropFiles(&r)
		return 0, e
	}
	used, cut := putControl(t, s, &h, &r, how&errno.MSG_CMSG_CLOEXEC != 0)
	flags |= cut | how&errno.MSG_CMSG_CLOEXEC
	if e = putStruct(t, addr+msgFlags, &flags); e == 0 {
		e = putStruct(t, addr+msgControlLen, &used)
	}
	return n, e
}

// sysRecvmsg: as recvmsg(2).
func sysRecvmsg(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	s, f, e := sockArg(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	return recvMsg(t, s, f, a[1], uint32(a[2]))
}

// sysRecvmmsg: the number of messages received; an error only if it is none. The
// timeout is looked at after each, as on Linux.
func sysRecvmmsg(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	var end time.Time
	if a[4] != 0 {
		d, e := getDuration(t, a[4])
		if e != 0 {
			return 0, e
		}
		end = time.Now().Add(d)
	}
	s, f, e := sockArg(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	flags := uint32(a[3])
	got := uintptr(0)
	for got < min(uintptr(uint32(a[2])), maxIov) {
		at := a[1] + got*mmsgSize
		n, e := recvMsg(t, s, f, at, flags&^msgWaitForOne)
		if e == 0 {
			size := uint32(n)
			e = putStruct(t, at+mmsgLen, &size)
		}
		if e != 0 && got == 0 {
			return 0, e
		}
		if e != 0 {
			break
		}
		got++
		if flags&msgWaitForOne != 0 {
			flags |= errno.MSG_DONTWAIT
		}
		if a[4] != 0 && !time.Now().Before(end) {
			break
		}
	}
	if a[4] != 0 {
		left := specOf(max(time.Until(end), 0))
		if e := putStruct(t, a[4], &left); e != 0 {
			return 0, e
		}
	}
	return got, 0
}
