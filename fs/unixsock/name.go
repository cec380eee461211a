package unixsock

import (
	"fmt"
	"syscall"

	"yolk/fs"
)

// Name is what a socket is found by: a path, or an abstract name, which begins with a
// NUL. The empty Name is that of a socket without one.
type Name string

// Abstract reports whether the name is in no file system.
func (n Name) Abstract() bool { return n != "" && n[0] == 0 }

// binding is a name in use. Immutable, but for its place in the tables.
type binding struct {
	name Name
	path *fs.SocketName // of a name in a file system, else nil
}

// abstractKey is an abstract name, of which each type of socket has its own.
type abstractKey struct {
	typ  int
	name Name
}

// names are those that can be found. Guarded by connLock.
var names = struct {
	abstract map[abstractKey]*Socket
	paths    map[*fs.Inode]*Socket
	auto     uint32 // the last name that the kernel chose
}{map[abstractKey]*Socket{}, map[*fs.Inode]*Socket{}, 0}

// Name is the socket's own name.
func (s *Socket) Name() Name {
	if b := s.name.Load(); b != nil {
		return b.name
	}
	return ""
}

// PeerName is getpeername(2). ENOTCONN.
func (s *Socket) PeerName() (Name, syscall.Errno) {
	p := s.peer.Load()
	if p == nil {
		return "", syscall.ENOTCONN
	}
	return p.Name(), 0
}

// Bind is bind(2): name is not empty. EINVAL: it has a name already; EADDRINUSE; of a
// path also what mknod(2) says. Takes tree locks and connLock; may sleep.
func (s *Socket) Bind(c fs.Caller, name Name) syscall.Errno {
	if !s.startBind() {
		return syscall.EINVAL
	}
	b := &binding{name: name}
	if !name.Abstract() {
		var e syscall.Errno
		if b.path, e = c.MakeSocket(string(name), s.file.Inode().Attr().Mode); e != 0 {
			s.endBind(nil)
			return e
		}
	}
	return s.endBind(b)
}

// startBind reserves the right to name s, and says if it could be had.
func (s *Socket) startBind() bool {
	connLock.Lock()
	defer connLock.Unlock()
	if s.name.Load() != nil || s.binds {
		return false
	}
	s.binds = true
	return true
}

// endBind gives s its name, nil for none. EADDRINUSE.
func (s *Socket) endBind(b *binding) syscall.Errno {
	connLock.Lock()
	defer connLock.Unlock()
	s.binds = false
	switch {
	case b == nil:
		return 0
	case b.path != nil:
		names.paths[b.path.Inode()] = s
	default:
		key := abstractKey{s.typ, b.name}
		if names.abstract[key] != nil {
			return syscall.EADDRINUSE
		}
		names.abstract[key] = s
	}
	s.name.Store(b)
	return 0
}

// autoNames is how many names the kernel can choose from.
const autoNames = 1 << 20

// Autobind is bind(2) without a name: the kernel chooses an abstract one, unless s has
// one. ENOSPC: all are taken; EINVAL: another bind is under way. Takes connLock.
func (s *Socket) Autobind() syscall.Errno {
	connLock.Lock()
	defer connLock.Unlock()
	if s.name.Load() != nil {
		return 0
	}
	if s.binds {
		return syscall.EINVAL
	}
	for range autoNames {
		names.auto = (names.auto + 1) % autoNames
		name := Name(fmt.Sprintf("\x00%05x", names.auto))
		key := abstractKey{s.typ, name}
		if names.abstract[key] == nil {
			names.abstract[key] = s
			s.name.Store(&binding{name: name})
			return 0
		}
	}
	return syscall.ENOSPC
}

// nameForCreds gives s a name if it wants to know who sends: it must be possible to answer.
func (s *Socket) nameForCreds() syscall.Errno {
	if s.opts.passCred.Load() && s.name.Load() == nil {
		return s.Autobind()
	}
	return 0
}

// unbind takes s's name out of the tables and returns what has to be released once
// connLock, which is held, is not. The name stays that of what s has sent.
func (s *Socket) unbind() *fs.SocketName {
	b := s.name.Load()
	switch {
	case b == nil:
		return nil
	case b.path == nil:
		if key := (abstractKey{s.typ, b.name}); names.abstract[key] == s {
			delete(names.abstract, key)
		}
		return nil
	case names.paths[b.path.Inode()] != s: // of the listener, which s came from
		return nil
	}
	delete(names.paths, b.path.Inode())
	return b.path
}

// find returns the socket that c finds under a name. ECONNREFUSED: there is none;
// EPROTOTYPE: it is of another type; of a path also what leads there. Takes tree locks and connLock; may sleep.
func find(c fs.Caller, name Name, typ int) (*Socket, syscall.Errno) {
	var inode *fs.Inode
	if !name.Abstract() {
		var e syscall.Errno
		if inode, e = c.FindSocket(string(name)); e != 0 {
			return nil, e
		}
	}
	connLock.Lock()
	defer connLock.Unlock()
	s := names.abstract[abstractKey{typ, name}]
	if inode != nil {
		s = names.paths[inode]
	}
	switch {
	case s == nil:
		return nil, syscall.ECONNREFUSED
	case s.typ != typ:
		return nil, syscall.EPROTOTYPE
	}
	return s, 0
}
