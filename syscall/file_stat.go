package syscall

import (
	"encoding/binary"
	errno "syscall"

	"yolk/fs"
	"yolk/mm"
	"yolk/proc"
)

func init() {
	Register(4, "stat", sysStat)
	Register(5, "fstat", sysFstat)
	Register(6, "lstat", sysLstat)
	Register(21, "access", sysAccess)
	Register(89, "readlink", sysReadlink)
	Register(137, "statfs", sysStatfs)
	Register(138, "fstatfs", sysFstatfs)
	Register(262, "newfstatat", sysNewfstatat)
	Register(267, "readlinkat", sysReadlinkat)
	Register(269, "faccessat", sysFaccessat)
	Register(332, "statx", sysStatx)
	Register(439, "faccessat2", sysFaccessat2)
}

// encoder lays out a struct for the program.
type encoder struct {
	b [256]byte
	n int
}

func (x *encoder) u16(v uint16) { binary.LittleEndian.PutUint16(x.b[x.n:], v); x.n += 2 }
func (x *encoder) u32(v uint32) { binary.LittleEndian.PutUint32(x.b[x.n:], v); x.n += 4 }
func (x *encoder) u64(v uint64) { binary.LittleEndian.PutUint64(x.b[x.n:], v); x.n += 8 }

// store copies out the struct, which has size bytes. EFAULT.
func (x *encoder) store(t *proc.Task, addr uintptr, size int) errno.Errno {
	return mm.CopyToUser(t.MM, addr, x.b[:size])
}

const (
	statSize   = 144
	statxSize  = 256
	statfsSize = 120
)

// putStat stores struct stat. EFAULT.
func putStat(t *proc.Task, addr uintptr, s *fs.Stat) errno.Errno {
	var x encoder
	x.u64(s.Dev)
	x.u64(s.Ino)
	x.u64(uint64(s.Nlink))
	x.u32(s.Mode)
	x.u32(s.UID)
	x.u32(s.GID)
	x.u32(0)
	x.u64(s.Rdev)
	x.u64(uint64(s.Size))
	x.u64(uint64(s.Blksize))
	x.u64(uint64(s.Blocks))
	for _, m := range [...]fs.Time{s.Atime, s.Mtime, s.Ctime} {
		x.u64(uint64(m.Sec))
		x.u64(uint64(m.Nsec))
	}
	return x.store(t, addr, statSize)
}

func statAt(t *proc.Task, dirfd, path, buf, flags uintptr) (uintptr, errno.Errno) {
	if flags&^(atSymlinkNoFollow|atEmptyPath|atNoAutomount) != 0 {
		return 0, errno.EINVAL
	}
	d, e := resolveAt(t, dirfd, path, flags)
	if e != 0 {
		return 0, e
	}
	s := d.Inode().Stat()
	return 0, putStat(t, buf, &s)
}

func sysStat(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return statAt(t, cwdArg, a[0], a[1], 0)
}

func sysLstat(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return statAt(t, cwdArg, a[0], a[1], atSymlinkNoFollow)
}

func sysNewfstatat(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return statAt(t, a[0], a[1], a[2], a[3])
}

func sysFstat(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	f, e := getFile(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	s := f.Inode().Stat()
	return 0, putStat(t, a[1], &s)
}

// statxBasic is STATX_BASIC_STATS, what this kernel fills in.
const statxBasic = 0x7ff

func sysStatx(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	flags := a[2]
	// AT_STATX_FORCE_SYNC and AT_STATX_DONT_SYNC mean nothing here, both together are wrong.
	if flags&^(atSymlinkNoFollow|atEmptyPath|atNoAutomount|0x6000) != 0 || flags&0x6000 == 0x6000 || a[3]&0x80000000 != 0 {
		return 0, errno.EINVAL
	}
	d, e := resolveAt(t, a[0], a[1], flags)
	if e != 0 {
		return 0, e
	}
	s := d.Inode().Stat()
	var x encoder
	x.u32(statxBasic)
	x.u32(uint32(s.Blksize))
	x.u64(0)
	x.u32(s.Nlink)
	x.u32(s.UID)
	x.u32(s.GID)
	x.u16(uint16(s.Mode))
	x.u16(0)
	x.u64(s.Ino)
	x.u64(uint64(s.Size))
	x.u64(uint64(s.Blocks))
	x.u64(0)
	for _, m := range [...]fs.Time{s.Atime, {}, s.Ctime, s.Mtime} {
		x.u64(uint64(m.Sec))
		x.u32(uint32(m.Nsec))
		x.u32(0)
	}
	for _, dev := range [...]uint64{s.Rdev, s.Dev} {
		x.u32(uint32(dev >> 8 & 0xfff))
		x.u32(uint32(dev&0xff | dev>>12&0xfff00))
	}
	return 0, x.store(t, a[4], statxSize)
}

func putStatfs(t *proc.Task, addr uintptr, s *fs.Statfs) errno.Errno {
	const blockSize = 4096
	var x encoder
	x.u64(uint64(s.Magic))
	x.u64(blockSize)
	x.u64(s.Blocks)
	x.u64(s.Free)
	x.u64(s.Free)
	x.u64(s.Blocks) // inodes: as many as blocks
	x.u64(s.Free)
	x.u64(s.Dev)
	x.u64(fs.NameMax)
	x.u64(blockSize)
	x.u64(0x20) // ST_VALID
	return x.store(t, addr, statfsSize)
}

func sysStatfs(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	d, e := resolveAt(t, cwdArg, a[0], 0)
	if e != 0 {
		return 0, e
	}
	s := d.Statfs()
	return 0, putStatfs(t, a[1], &s)
}

func sysFstatfs(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	f, e := getFile(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	s := f.Dentry().Statfs()
	return 0, putStatfs(t, a[1], &s)
}

// accessAt is access(2): the real ids count, unless flags has AT_EACCESS.
func accessAt(t *proc.Task, dirfd, path, mode, flags uintptr) (uintptr, errno.Errno) {
	if mode&^7 != 0 || flags&^(atSymlinkNoFollow|atEmptyPath|atEaccess) != 0 {
		return 0, errno.EINVAL
	}
	c := t.Caller()
	if flags&atEaccess == 0 {
		real := t.Creds()
		c.Cred = &fs.Cred{UID: real.UID, GID: real.GID, Groups: real.Groups}
	}
	d, e := resolveAt(t, dirfd, path, flags&^atEaccess)
	if e != 0 {
		return 0, e
	}
	return 0, c.Access(d, uint32(mode))
}

func sysAccess(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return accessAt(t, cwdArg, a[0], a[1], 0)
}

func sysFaccessat(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return accessAt(t, a[0], a[1], a[2], 0)
}

func sysFaccessat2(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return accessAt(t, a[0], a[1], a[2], a[3])
}

func readlinkAt(t *proc.Task, dirfd, path, buf, size uintptr) (uintptr, errno.Errno) {
	if int32(size) <= 0 {
		return 0, errno.EINVAL
	}
	d, e := resolveAt(t, dirfd, path, atSymlinkNoFollow|atEmptyPath)
	if e != 0 {
		return 0, e
	}
	if fdArg(dirfd) == atFdcwd && d.Inode().IsDir() {
		// An empty path names the directory only with a descriptor.
		if p, e := pathArg(t, path); e != 0 || p == "" {
			return 0, errno.ENOENT
		}
	}
	text, e := t.Caller().Readlink(d)
	if e != 0 {
		return 0, e
	}
	n := min(len(text), int(int32(size)))
	return uintptr(n), mm.CopyToUser(t.MM, buf, []byte(text[:n]))
}

func sysReadlink(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return readlinkAt(t, cwdArg, a[0], a[1], a[2])
}

func sysReadlinkat(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return readlinkAt(t, a[0], a[1], a[2], a[3])
}
