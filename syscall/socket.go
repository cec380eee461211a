package syscall

import (
	"encoding/binary"
	errno "syscall"

	"yolk/fs"
	"yolk/fs/unixsock"
	"yolk/mm"
	"yolk/proc"
)

func init() {
	Register(41, "socket", sysSocket)
	Register(42, "connect", sysConnect)
	Register(43, "accept", sysAccept)
	Register(48, "shutdown", sysShutdown)
	Register(49, "bind", sysBind)
	Register(50, "listen", sysListen)
	Register(51, "getsockname", sysGetsockname)
	Register(52, "getpeername", sysGetpeername)
	Register(53, "socketpair", sysSocketpair)
	Register(288, "accept4", sysAccept4)
	unixsock.SetSelf(func() unixsock.Cred {
		if t := proc.Current(); t != nil {
			return senderOf(t)
		}
		return unixsock.Cred{}
	})
}

// senderOf is whom t's messages come from, unless they say another.
func senderOf(t *proc.Task) unixsock.Cred {
	c := t.Creds()
	return unixsock.Cred{PID: int32(t.PID), UID: c.UID, GID: c.GID}
}

// peerOf is what SO_PEERCRED tells of t.
func peerOf(t *proc.Task) unixsock.Cred {
	c := t.Creds()
	return unixsock.Cred{PID: int32(t.PID), UID: c.EUID, GID: c.EGID}
}

// sockArg returns the socket behind a descriptor, and its open file with a reference.
// EBADF, ENOTSOCK.
func sockArg(t *proc.Task, fd uintptr) (*unixsock.Socket, *fs.File, errno.Errno) {
	f, e := getFile(t, fd)
	if e != 0 {
		return nil, nil, e
	}
	s := unixsock.Of(f)
	switch {
	case f.Flags()&fs.OPath != 0:
		e = errno.EBADF
	case s == nil:
		e = errno.ENOTSOCK
	default:
		return s, f, 0
	}
	f.Put()
	return nil, nil, e
}

// nonblocking reports O_NONBLOCK.
func nonblocking(f *fs.File) bool { return f.Flags()&errno.O_NONBLOCK != 0 }

// sockType takes the flags out of a type argument. EINVAL.
func sockType(a uintptr) (typ int, nonblock uint32, cloexec bool, e errno.Errno) {
	const mask, types = 0xf, 11 // SOCK_TYPE_MASK, SOCK_MAX
	flags := uint32(a) &^ mask
	typ = int(a & mask)
	if flags&^(errno.SOCK_CLOEXEC|errno.SOCK_NONBLOCK) != 0 || typ >= types {
		e = errno.EINVAL
	}
	return typ, flags & errno.SOCK_NONBLOCK, flags&errno.SOCK_CLOEXEC != 0, e
}

// family checks the first and third arguments of socket and socketpair. EAFNOSUPPORT:
// there is no family but AF_UNIX; EPROTONOSUPPORT.
func family(af, protocol uintptr) errno.Errno {
	if int32(af) != errno.AF_UNIX {
		return errno.EAFNOSUPPORT
	}
	if p := int32(protocol); p != 0 && p != errno.AF_UNIX {
		return errno.EPROTONOSUPPORT
	}
	return 0
}

// sysSocket: EINVAL, EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EMFILE, ENFILE.
func sysSocket(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	typ, nonblock, cloexec, e := sockType(a[1])
	if known := family(a[0], a[2]); known != 0 && (e == 0 || known == errno.EAFNOSUPPORT) {
		e = known
	}
	if e != 0 {
		return 0, e
	}
	f, e := unixsock.New(t.Caller().Cred, typ, nonblock)
	if e != 0 {
		return 0, e
	}
	return installFile(t, f, cloexec)
}

// sysSocketpair: as sysSocket; EFAULT.
func sysSocketpair(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	typ, nonblock, cloexec, e := sockType(a[1])
	if known := family(a[0], a[2]); known != 0 && (e == 0 || known == errno.EAFNOSUPPORT) {
		e = known
	}
	if e != 0 {
		return 0, e
	}
	f, g, e := unixsock.NewPair(t.Caller().Cred, typ, nonblock, peerOf(t))
	if e != 0 {
		return 0, e
	}
	return 0, installPair(t, f, g, a[3], cloexec)
}

// sysBind: EINVAL, EADDRINUSE, EFAULT, and what mknod says.
func sysBind(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	s, f, e := sockArg(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	raw, e := getSockaddr(t, a[1], a[2])
	if e != 0 {
		return 0, e
	}
	if len(raw) == familySize && familyOf(raw) == errno.AF_UNIX {
		return 0, s.Autobind()
	}
	name, e := parseName(raw)
	if e != 0 {
		return 0, e
	}
	return 0, s.Bind(t.Caller(), name)
}

// sysListen: EINVAL, EOPNOTSUPP.
func sysListen(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	s, f, e := sockArg(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	return 0, s.Listen(int(int32(a[1])), peerOf(t))
}

// sysConnect: as unixsock.Connect; EFAULT, EINVAL.
func sysConnect(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	s, f, e := sockArg(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	raw, e := getSockaddr(t, a[1], a[2])
	if e != 0 {
		return 0, e
	}
	if len(raw) >= familySize && familyOf(raw) == errno.AF_UNSPEC {
		return 0, s.Disconnect()
	}
	name, e := parseName(raw)
	if e != 0 {
		return 0, e
	}
	return 0, s.Connect(t.Caller(), name, peerOf(t), s.SendWait(nonblocking(f)))
}

func sysAccept(t *proc.Task, a *Args) (uintptr, errno.Errno) { return accept4(t, a, 0) }

func sysAccept4(t *proc.Task, a *Args) (uintptr, errno.Errno) { return accept4(t, a, uint32(a[3])) }

// accept4: EINVAL, EOPNOTSUPP, EMFILE, EFAULT; as unixsock.Accept.
func accept4(t *proc.Task, a *Args, flags uint32) (uintptr, errno.Errno) {
	if flags&^(errno.SOCK_CLOEXEC|errno.SOCK_NONBLOCK) != 0 {
		return 0, errno.EINVAL
	}
	s, f, e := sockArg(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	if !t.Files.HasRoom(maxFiles(t)) { // what cannot get a descriptor is left in the queue
		return 0, errno.EMFILE
	}
	file, end, e := s.Accept(t.Caller().Cred, flags&errno.SOCK_NONBLOCK, s.RecvWait(nonblocking(f)))
	if e != 0 {
		return 0, e
	}
	if a[1] != 0 {
		name, _ := end.PeerName()
		if e := putSockaddr(t, a[1], a[2], name, familySize); e != 0 {
			file.Put()
			return 0, e
		}
	}
	return installFile(t, file, flags&errno.SOCK_CLOEXEC != 0)
}

// sysShutdown: EINVAL.
func sysShutdown(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	s, f, e := sockArg(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	return 0, s.Shutdown(int(int32(a[1])))
}

// sysGetsockname: EFAULT, EINVAL.
func sysGetsockname(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	s, f, e := sockArg(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	return 0, putSockaddr(t, a[1], a[2], s.Name(), familySize)
}

// sysGetpeername: ENOTCONN, EFAULT, EINVAL.
func sysGetpeername(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	s, f, e := sockArg(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	name, e := s.PeerName()
	if e != 0 {
		return 0, e
	}
	return 0, putSockaddr(t, a[1], a[2], name, familySize)
}

// Sizes in struct sockaddr_un.
const (
	familySize   = 2
	maxSockaddr  = 110 // all of it
	sockaddrRoom = 128 // struct sockaddr_storage
)

func familyOf(raw []byte) uint16 { return binary.LittleEndian.Uint16(raw) }

// getSockaddr copies an address in, to t.Scratch. EINVAL: its length; EFAULT.
func getSockaddr(t *proc.Task, addr, n uintptr) ([]byte, errno.Errno) {
	if int32(n) < 0 || int32(n) > sockaddrRoom {
		return nil, errno.EINVAL
	}
	raw := t.Scratch[:uint32(n)]
	return raw, mm.CopyFromUser(t.MM, raw, addr)
}

// parseName is the name in an address. EINVAL: it is none of AF_UNIX, or empty.
func parseName(raw []byte) (unixsock.Name, errno.Errno) {
	if len(raw) <= familySize || len(raw) > maxSockaddr || familyOf(raw) != errno.AF_UNIX {
		return "", errno.EINVAL
	}
	path := raw[familySize:]
	if path[0] != 0 { // a path ends at the first NUL, an abstract name has any bytes
		for k, c := range path {
			if c == 0 {
				path = path[:k]
				break
			}
		}
	}
	return unixsock.Name(path), 0
}

// putSockaddr stores the address of name as far as the memory at addr is said, at lenAt,
// to reach, and its length there. unnamed is how long the address without a name is.
// EINVAL, EFAULT.
func putSockaddr(t *proc.Task, addr, lenAt uintptr, name unixsock.Name, unnamed int) errno.Errno {
	var room int32
	if e := getStruct(t, &room, lenAt); e != 0 {
		return e
	}
	if room < 0 {
		return errno.EINVAL
	}
	n := formatName(t.Scratch[:], name, unnamed)
	if e := mm.CopyToUser(t.MM, addr, t.Scratch[:min(n, int(room))]); e != 0 {
		return e
	}
	size := int32(n)
	return putStruct(t, lenAt, &size)
}

// formatName makes the address of name in b, and returns its length.
func formatName(b []byte, name unixsock.Name, unnamed int) int {
	binary.LittleEndian.PutUint16(b, errno.AF_UNIX)
	if name == "" {
		return unnamed
	}
	n := familySize + copy(b[familySize:], name)
	if !name.Abstract() {
		b[n] = 0
		n++
	}
	return n
}
