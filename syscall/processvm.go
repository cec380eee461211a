package syscall

import (
	"encoding/binary"
	errno "syscall"

	"yolk/arch"
	"yolk/mm"
	"yolk/proc"
)

// Calls that copy straight between two processes.
const (
	nrProcessVMReadv  = 310
	nrProcessVMWritev = 311
)

func init() {
	Register(nrProcessVMReadv, "process_vm_readv", func(t *proc.Task, a *Args) (uintptr, errno.Errno) {
		return processVM(t, a, false)
	})
	Register(nrProcessVMWritev, "process_vm_writev", func(t *proc.Task, a *Args) (uintptr, errno.Errno) {
		return processVM(t, a, true)
	})
}

// processVM: EINVAL: flags, too many pieces; EFAULT; ESRCH: no such process;
// EPERM: not permitted to look into it. A fault after some bytes ends the call
// with what was copied by then.
func processVM(t *proc.Task, a *Args, write bool) (uintptr, errno.Errno) {
	pid, flags := int(int32(a[0])), a[5]
	if flags != 0 {
		return 0, errno.EINVAL
	}
	var local, remote segments
	if e := local.load(t, a[1], a[2]); e != 0 {
		return 0, e
	}
	if local.reach() {
		return 0, errno.EFAULT
	}
	if local.empty() {
		return 0, 0
	}
	if e := remote.load(t, a[3], a[4]); e != 0 {
		return 0, e
	}
	if remote.empty() {
		return 0, 0
	}
	o := proc.FindTask(pid)
	if o == nil {
		return 0, errno.ESRCH
	}
	if !t.MayAccess(o) {
		return 0, errno.EPERM
	}
	m := o.GrabMM()
	if m == nil {
		return 0, errno.ESRCH
	}
	defer mm.MMPut(m)
	return copyAcross(t.MM, m, &local, &remote, write)
}

// copyAcross copies piece by piece through a page of kernel memory. EFAULT when
// not a byte could be copied.
func copyAcross(own, other *mm.MM, local, remote *segments, write bool) (done uintptr, e errno.Errno) {
	buf := make([]byte, arch.PageSize)
	for local.next() && remote.next() {
		n := min(local.left, remote.left, uintptr(len(buf)), arch.PageSize-remote.addr%arch.PageSize)
		if write && mm.CopyFromUser(own, buf[:n], local.addr) != 0 {
			break
		}
		// n does not cross a page of the other's: it is all or nothing.
		if mm.AccessProcessVM(other, remote.addr, buf[:n], write) == 0 {
			break
		}
		if !write && mm.CopyToUser(own, local.addr, buf[:n]) != 0 {
			break
		}
		done += n
		local.advance(n)
		remote.advance(n)
	}
	if done == 0 {
		return 0, errno.EFAULT
	}
	return done, 0
}

// segments is a vector of pieces of memory and a place in it.
type segments struct {
	vec        []byte // struct iovec of the pieces to come
	addr, left uintptr
}

// load copies a vector of count pieces. EINVAL, EFAULT.
func (s *segments) load(t *proc.Task, addr, count uintptr) errno.Errno {
	if count > maxIov {
		return errno.EINVAL
	}
	s.vec = make([]byte, count*iovSize)
	if e := mm.CopyFromUser(t.MM, s.vec, addr); e != 0 {
		return e
	}
	for at := uintptr(0); at < count; at++ {
		if _, n := s.piece(at); int64(n) < 0 {
			return errno.EINVAL
		}
	}
	return 0
}

func (s *segments) piece(n uintptr) (addr, size uintptr) {
	le, at := binary.LittleEndian, n*iovSize
	return uintptr(le.Uint64(s.vec[at:])), uintptr(le.Uint64(s.vec[at+8:]))
}

// reach reports whether a piece reaches out of user space.
func (s *segments) reach() bool {
	for n := range uintptr(len(s.vec)) / iovSize {
		if addr, size := s.piece(n); size > 0 && (addr+size < addr || addr+size > arch.TaskSize) {
			return true
		}
	}
	return false
}

// empty reports whether no piece has a byte.
func (s *segments) empty() bool {
	for n := range uintptr(len(s.vec)) / iovSize {
		if _, size := s.piece(n); size != 0 {
			return false
		}
	}
	return true
}

// next finds the piece that has bytes left; false at the end.
func (s *segments) next() bool {
	for s.left == 0 {
		if len(s.vec) == 0 {
			return false
		}
		s.addr, s.left = s.piece(0)
		s.vec = s.vec[iovSize:]
	}
	return true
}

func (s *segments) advance(n uintptr) {
	s.addr += n
	s.left -= n
}
