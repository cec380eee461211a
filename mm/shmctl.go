package mm

import (
	"fmt"
	"io"
	"syscall"
	"time"

	"yolk/arch"
)

func nowSeconds() int64 { return time.Now().Unix() }

// ShmStatByID describes a segment (IPC_STAT). EINVAL, EIDRM; EACCES not readable.
func ShmStatByID(id int, c *IPCCred) (st ShmStat, e syscall.Errno) {
	shmLock.Lock()
	defer shmLock.Unlock()
	s, e := shmByID(id)
	if e != 0 {
		return st, e
	}
	if !s.permits(c, 0o444) {
		return st, syscall.EACCES
	}
	return s.stat(), 0
}

// ShmStatByPlace describes the segment at a place of the table (SHM_STAT); with
// any to everybody (SHM_STAT_ANY). EINVAL: there is none; EACCES.
func ShmStatByPlace(place int, any bool, c *IPCCred) (st ShmStat, e syscall.Errno) {
	shmLock.Lock()
	defer shmLock.Unlock()
	place %= ipcMni
	if place < 0 || place >= len(shmIDs.places) || shmIDs.places[place] == nil {
		return st, syscall.EINVAL
	}
	s := shmIDs.places[place]
	if !any && !s.permits(c, 0o444) {
		return st, syscall.EACCES
	}
	return s.stat(), 0
}

// stat is a snapshot. shmLock held.
func (s *shmSegment) stat() ShmStat {
	st := s.ShmStat
	st.RSS, st.Swp = s.o.rss, s.o.swp
	return st
}

// ShmSet changes owner and permissions (IPC_SET). EINVAL, EIDRM; EPERM neither
// owner nor creator nor CAP_SYS_ADMIN.
func ShmSet(id int, uid, gid, mode uint32, c *IPCCred) syscall.Errno {
	now := nowSeconds()
	shmLock.Lock()
	defer shmLock.Unlock()
	s, e := shmByID(id)
	if e != 0 {
		return e
	}
	if !s.owns(c) && !c.SysAdmin {
		return syscall.EPERM
	}
	s.UID, s.GID, s.CTime = uid, gid, now
	s.Mode = s.Mode&^0o777 | mode&0o777
	return 0
}

// ShmRemove gives up a segment (IPC_RMID): now, or at the last detach, when it
// has no key any more. EINVAL, EIDRM, EPERM as ShmSet. May sleep.
func ShmRemove(id int, c *IPCCred) syscall.Errno {
	shmLock.Lock()
	s, e := shmByID(id)
	if e == 0 && !s.owns(c) && !c.SysAdmin {
		e = syscall.EPERM
	}
	dead := false
	if e == 0 {
		if dead = s.Nattch == 0; dead {
			s.leave()
		} else {
			s.Mode |= ShmDest
			s.Key = IPCPrivate
		}
	}
	shmLock.Unlock()
	if dead {
		s.o.FPut()
	}
	return e
}

// ShmSetLocked keeps a segment's pages from being swapped out, or no longer
// (SHM_LOCK, SHM_UNLOCK). What is in swap comes back as it is used. EINVAL,
// EIDRM; EPERM neither owner nor CAP_IPC_LOCK, or a limit of 0; ENOMEM the limit
// for all that the user has locked.
func ShmSetLocked(id int, lock bool, c *IPCCred) syscall.Errno {
	shmLock.Lock()
	defer shmLock.Unlock()
	s, e := shmByID(id)
	if e != 0 {
		return e
	}
	if !c.MayLock && (!s.owns(c) || lock && c.LockLimit == 0) {
		return syscall.EPERM
	}
	if !lock {
		s.Mode &^= ShmLocked
		s.o.unswapped = false
		return 0
	}
	if s.Mode&ShmLocked != 0 {
		return 0 // 2.3: EINVAL
	}
	if !c.MayLock && shmLockedBy(c.UID)+s.o.pages > c.LockLimit>>arch.PageShift {
		return syscall.ENOMEM
	}
	s.Mode |= ShmLocked
	s.lockUID = c.UID
	s.o.unswapped = true
	return 0
}

// shmLockedBy counts the pages that a user has locked. shmLock held.
func shmLockedBy(uid uint32) (pages uint64) {
	for _, s := range shmIDs.places {
		if s != nil && s.Mode&ShmLocked != 0 && s.lockUID == uid {
			pages += s.o.pages
		}
	}
	return pages
}

// ShmInfo is what there is to say about all segments (SHM_INFO).
type ShmInfo struct {
	Used       int // segments
	Highest    int // last place that has one, -1 for none
	Tot        int // pages
	RSS, Swp   int // of them in memory, in swap
	Tries, Out int // steals tried and done
}

// ShmStatAll adds up what all segments have.
func ShmStatAll() ShmInfo {
	shmLock.Lock()
	defer shmLock.Unlock()
	i := ShmInfo{Used: shmIDs.inUse, Highest: -1, Tot: int(shmIDs.pages)}
	i.Tries, i.Out = int(VMStat(ShmSwapTry)), int(VMStat(ShmSwapOut))
	for at, s := range shmIDs.places {
		if s != nil {
			i.Highest = at
			i.RSS += s.o.rss
			i.Swp += s.o.swp
		}
	}
	return i
}

// WriteSysvipcShm writes /proc/sysvipc/shm.
func WriteSysvipcShm(w io.Writer) {
	fmt.Fprintln(w, "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap")
	everybody := &IPCCred{}
	for at, last := 0, ShmStatAll().Highest; at <= last; at++ {
		s, e := ShmStatByPlace(at, true, everybody)
		if e != 0 {
			continue
		}
		fmt.Fprintf(w, "%10d %10d  %4o %21d %5d %5d  %5d %5d %5d %5d %5d %10d %10d %10d %21d %21d\n",
			s.Key, s.ID, s.Mode, s.Size, s.CPID, s.LPID, s.Nattch, s.UID, s.GID, s.CUID, s.CGID,
			s.ATime, s.DTime, s.CTime, s.RSS<<arch.PageShift, s.Swp<<arch.PageShift)
	}
}
