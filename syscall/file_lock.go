package syscall

import (
	"math"
	errno "syscall"

	"yolk/fs"
	"yolk/proc"
)

func init() { Register(73, "flock", sysFlock) }

// sysFlock: EBADF; EINVAL: operation; EAGAIN with LOCK_NB; EINTR.
func sysFlock(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	f, e := getFile(t, a[0])
	if e != 0 {
		return 0, e
	}
	defer f.Put()
	if f.Flags()&fs.OPath != 0 {
		return 0, errno.EBADF
	}
	kind := fs.LockNone
	switch a[1] &^ errno.LOCK_NB {
	case errno.LOCK_SH:
		kind = fs.LockShared
	case errno.LOCK_EX:
		kind = fs.LockExclusive
	case errno.LOCK_UN:
	default:
		return 0, errno.EINVAL
	}
	return 0, f.Flock(kind, a[1]&errno.LOCK_NB == 0)
}

// flockArg is struct flock.
type flockArg struct {
	Kind   int16
	Whence int16
	_      int32
	Start  int64
	Len    int64
	PID    int32
	_      int32
}

// bytes are those that the struct means for file f. EINVAL, EOVERFLOW.
func (l *flockArg) bytes(f *fs.File) (start, end int64, e errno.Errno) {
	switch l.Whence {
	case fs.SeekSet:
	case fs.SeekCur:
		if start, e = f.Lseek(0, fs.SeekCur); e != 0 {
			return 0, 0, e
		}
	case fs.SeekEnd:
		start = f.Inode().Size()
	default:
		return 0, 0, errno.EINVAL
	}
	if l.Start > math.MaxInt64-start {
		return 0, 0, errno.EOVERFLOW
	}
	start += l.Start
	if start < 0 {
		return 0, 0, errno.EINVAL // before adding to it: a sum of two negatives may wrap around
	}
	switch {
	case l.Len == 0:
		end = fs.LockToEnd
	case l.Len > 0 && l.Len-1 > math.MaxInt64-start:
		return 0, 0, errno.EOVERFLOW
	case l.Len > math.MaxInt64-start:
		end = fs.LockToEnd // its last byte is the last that there can be
	case l.Len > 0:
		end = start + l.Len
	case start+l.Len < 0:
		return 0, 0, errno.EINVAL
	default:
		start, end = start+l.Len, start
	}
	return start, end, 0
}

// recordLock carries out F_GETLK, F_SETLK and F_SETLKW, and their F_OFD kin. EFAULT,
// EINVAL; EBADF: not open for that; EAGAIN, EINTR.
func recordLock(t *proc.Task, f *fs.File, cmd int32, addr uintptr) errno.Errno {
	var arg flockArg
	if e := getStruct(t, &arg, addr); e != 0 {
		return e
	}
	kind, owner := fs.LockKind(arg.Kind), t.Files
	if cmd >= fOFDGetlk {
		if arg.PID != 0 {
			return errno.EINVAL
		}
		cmd, owner = cmd-fOFDGetlk+fGetlk, nil
	}
	if kind < fs.LockShared || kind > fs.LockNone || cmd == fGetlk && kind == fs.LockNone {
		return errno.EINVAL
	}
	start, end, e := arg.bytes(f)
	if e != 0 {
		return e
	}
	l := fs.FileLock{Kind: kind, Start: start, End: end, PID: t.PID}
	if cmd != fGetlk {
		if kind == fs.LockShared && !f.CanRead() || kind == fs.LockExclusive && !f.CanWrite() {
			return errno.EBADF
		}
		return f.RecordLock(owner, l, cmd == fSetlkw)
	}
	found := f.TestLock(owner, l)
	arg.Kind = int16(found.Kind)
	if found.Kind != fs.LockNone {
		arg.Whence, arg.Start, arg.Len, arg.PID = fs.SeekSet, found.Start, found.End-found.Start, int32(found.PID)
		if found.End == fs.LockToEnd {
			arg.Len = 0
		}
	}
	return putStruct(t, addr, &arg)
}
