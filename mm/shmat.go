package mm

import (
	"syscall"

	"yolk/arch"
)

// Flags of shmat.
const (
	ShmRdOnly = 0o10000
	ShmRnd    = 0o20000
	ShmRemap  = 0o40000
	ShmExec   = 0o100000
)

// shmatRequest is a call of ShmAt on its way through the checks.
type shmatRequest struct {
	addr  uintptr
	flags int
	prot  VMFlags
	mode  uint32 // permission asked for
}

// ShmAt (sys_shmat) attaches a segment and returns the address. MmapSem held, no
// spinlock; may sleep. EINVAL no such segment, address, or range in use without
// SHM_REMAP; EIDRM; EACCES; EAGAIN locked limit; ENOMEM limits, no room.
func ShmAt(m *MM, id int, addr uintptr, flags int, c *IPCCred) (uintptr, syscall.Errno) {
	r := shmatRequest{addr: addr, flags: flags, prot: VMRead | VMMayRead | VMMayExec | VMShared | VMMayShare | VMShm, mode: 0o444}
	if e := r.check(id); e != 0 {
		return 0, e
	}
	shmd := allocVMA(m)
	if shmd == nil {
		return 0, syscall.ENOMEM
	}
	if e := r.attach(shmd, id, c); e != 0 {
		freeVMA(shmd)
		return 0, e
	}
	length := uintptr(shmd.VMFile.(*shmFrames).pages) << arch.PageShift
	if e := r.shmMap(m, shmd, length); e != 0 {
		closeVMA(shmd)
		return 0, e
	}
	if m.defFlags&vmLockedBits == VMLocked {
		makePagesPresent(m, r.addr, r.addr+length)
	}
	return r.addr, 0
}

// check is what needs no segment.
func (r *shmatRequest) check(id int) syscall.Errno {
	if id < 0 {
		return syscall.EINVAL
	}
	if r.addr&^arch.PageMask != 0 {
		if r.flags&ShmRnd == 0 {
			return syscall.EINVAL
		}
		r.addr &= arch.PageMask
	}
	if r.addr == 0 && r.flags&ShmRemap != 0 {
		return syscall.EINVAL
	}
	if r.flags&ShmRdOnly == 0 {
		r.prot |= VMWrite | VMMayWrite
		r.mode |= 0o222
	}
	if r.flags&ShmExec != 0 {
		r.prot |= VMExec
		r.mode |= 0o111
	}
	return 0
}

// attach makes shmd one of the segment's attaches, so that neither the segment
// nor its pages go while it is being mapped. In 1999 that came after shm_map, whose
// merge_segments may free shmd; here shmd is in no list yet. The opposite of it is
// closeVMA.
func (r *shmatRequest) attach(shmd *VMA, id int, c *IPCCred) syscall.Errno {
	now := nowSeconds()
	shmLock.Lock()
	defer shmLock.Unlock()
	s, e := shmByID(id)
	if e != 0 {
		return e
	}
	if !s.permits(c, r.mode) {
		return syscall.EACCES
	}
	shmd.VMFile, shmd.VMOps, shmd.PrivateData = s.o, &shmOps, s
	s.o.GetFile()
	s.insertAttach(shmd)
	s.ATime, s.LPID = now, c.PID
	return 0
}

// shmMap (shm_map) finds room for shmd and puts it into the list; then it may have
// become part of its neighbour. MmapSem held; may sleep.
func (r *shmatRequest) shmMap(m *MM, shmd *VMA, length uintptr) syscall.Errno {
	pages := int64(length >> arch.PageShift)
	flags := r.prot | m.defFlags
	if e := r.place(m, length); e != 0 {
		return e
	}
	if flags&VMLocked != 0 && !mayLock(m, pages) {
		return syscall.EAGAIN
	}
	if m.mapCount > maxMapCount() || !mayExpand(m, flags, pages-mappedIn(m, r.addr, r.addr+length)) {
		return syscall.ENOMEM
	}
	if r.flags&ShmRemap != 0 {
		if e := DoMunmap(m, r.addr, length); e != 0 {
			return e
		}
	}
	shmd.setRange(r.addr, r.addr+length, 0)
	shmd.setFlags(flags)
	vmlistModifyLock(m)
	insertVMStruct(m, shmd)
	mergeSegments(m, r.addr, r.addr+length)
	vmlistModifyUnlock(m)
	accountVMA(m, flags, pages)
	return 0
}

// place settles the address.
func (r *shmatRequest) place(m *MM, length uintptr) syscall.Errno {
	if r.addr == 0 {
		var ok bool
		if r.addr, ok = getUnmappedArea(m, 0, length, 0); !ok {
			return syscall.ENOMEM
		}
		return 0
	}
	if r.addr+length < r.addr {
		if r.flags&ShmRemap != 0 {
			return syscall.ENOMEM
		}
		return syscall.EINVAL
	}
	if r.flags&ShmRemap == 0 && findIntersection(m, r.addr, r.addr+length) != nil {
		return syscall.EINVAL
	}
	if length > arch.TaskSize || r.addr > arch.TaskSize-length {
		return syscall.ENOMEM
	}
	return 0
}

// ShmDt (sys_shmdt) detaches the segment that was attached at addr, as far as its
// pieces are still there. MmapSem held, no spinlock; may sleep. EINVAL: there is
// none. (2.3 returned 0 then.)
func ShmDt(m *MM, addr uintptr) syscall.Errno {
	if addr&^arch.PageMask != 0 {
		return syscall.EINVAL
	}
	var o *shmFrames
	at := addr
	for {
		v := FindVMA(m, at)
		if v == nil {
			break
		}
		start, end := v.VMStart, v.VMEnd
		at = end
		if o != nil && uint64(start-addr)>>arch.PageShift >= o.pages {
			break
		}
		if v.VMOps != &shmOps || start < addr || uint64(start-addr)>>arch.PageShift != v.VMPgoff || o != nil && v.VMFile != File(o) {
			continue
		}
		if o == nil {
			o = v.VMFile.(*shmFrames)
			o.GetFile() // for its size
			defer o.FPut()
		}
		DoMunmap(m, start, end-start) // a sealed piece stays, and nobody is told, as in Linux
	}
	if o == nil {
		return syscall.EINVAL
	}
	return 0
}
