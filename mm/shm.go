package mm

import (
	"fmt"
	"sync/atomic"
	"syscall"

	"yolk/arch"
)

// System V segments: shared-memory objects under a number and a key. shmLock
// guards all of them. A segment lives until IPC_RMID, or if it is attached then,
// until the last detach; its object and pages until nobody refers to them.

// shmSegment is one segment (shmid_kernel). Guarded by shmLock but for o and ID,
// which are fixed.
type shmSegment struct {
	ShmStat
	o        *shmFrames // one reference is the table's
	attaches *VMA       // shm_attach list, through nextShare; Nattch is its length
	lockUID  uint32     // who locked it: the pages count for them
}

// ShmStat is what there is to say about a segment.
type ShmStat struct {
	IPCPerm
	ID                  int
	Size                uint64 // bytes
	ATime, DTime, CTime int64  // seconds
	CPID, LPID          int32  // who made it, who attached or detached last
	Nattch              int
	RSS, Swp            int // pages in memory and in swap
}

// Bits of a segment's Mode beside the permissions.
const (
	ShmDest   = 0o1000 // to be destroyed at the last detach
	ShmLocked = 0o2000 // not to be swapped
)

// ShmLimits are shmmax, shmall and shmmni, which /proc/sys/kernel can change.
var ShmLimits struct {
	Max, All, Mni atomic.Uint64 // bytes of one segment, pages of all, segments
	NextID        atomic.Int64  // shm_next_id: the number that the next segment should get; -1: any
}

const (
	ipcMni      = 32768 // ids are place + ipcMni * sequence number
	ipcMinCycle = 64    // places that are used in turn before any is reused
	ipcMaxSeq   = 0xffff
)

// shmIDs is the table of segments (shm_ids); guarded by shmLock.
var shmIDs struct {
	places []*shmSegment
	inUse  int
	last   int // place given last
	seq    uint16
	pages  uint64 // shm_tot
}

// currentPID names the process that runs; 0 outside of any.
var currentPID = func() int { return 0 }

// SetCurrentPID says how to find the process that runs. Start-up only.
func SetCurrentPID(f func() int) { currentPID = f }

// shmOps are the methods of an attached segment.
var shmOps = VMOps{Open: shmOpen, Close: shmClose, Nopage: shmNopage, Resident: shmResident, Swapout: KeepPage}

// initShm forgets all shared memory.
func initShm() {
	shmObjects.head, shmObjects.swap.o, shmObjects.unuse.o = nil, nil, nil
	shmObjects.n, shmObjects.rss, shmObjects.swp, shmObjects.tables = 0, 0, 0, 0
	shmIDs.places, shmIDs.inUse, shmIDs.last, shmIDs.seq, shmIDs.pages = nil, 0, -1, 0, 0
	ShmLimits.Max.Store(^uint64(0) - 1<<24)
	ShmLimits.All.Store(^uint64(0) - 1<<24)
	ShmLimits.Mni.Store(4096)
	ShmLimits.NextID.Store(-1)
}

// shmByID returns the segment of a number. EINVAL: there is none; EIDRM: it is
// gone, and its place another's. shmLock held.
func shmByID(id int) (*shmSegment, syscall.Errno) {
	if id < 0 || id%ipcMni >= len(shmIDs.places) || shmIDs.places[id%ipcMni] == nil {
		return nil, syscall.EINVAL
	}
	s := shmIDs.places[id%ipcMni]
	if s.ID != id {
		return nil, syscall.EIDRM
	}
	return s, 0
}

// shmByKey returns the segment of a key, or nil. shmLock held.
func shmByKey(key int32) *shmSegment {
	for _, s := range shmIDs.places {
		if s != nil && s.Key == key && key != IPCPrivate {
			return s
		}
	}
	return nil
}

// ShmGet (sys_shmget) returns the number of the segment with that key, or of a
// new one. No lock held; may sleep. EINVAL size; EEXIST, EACCES of an old
// segment; ENOENT; ENOSPC too many, or too many pages; ENOMEM.
func ShmGet(key int32, size uint64, flags int, c *IPCCred) (int, syscall.Errno) {
	if id, e := shmGetOld(key, size, flags, c); e != syscall.ENOENT || key != IPCPrivate && flags&IPCCreat == 0 {
		return id, e
	}
	pages := size>>arch.PageShift + (size&(arch.PageSize-1)+arch.PageSize-1)>>arch.PageShift
	switch {
	case size == 0 || size > ShmLimits.Max.Load():
		return 0, syscall.EINVAL
	case pages > ShmLimits.All.Load():
		return 0, syscall.ENOSPC
	case pages > maxShmPages || flags&shmNoReserve == 0 && !enoughMemory(int64(pages)):
		return 0, syscall.ENOMEM
	}
	o := newShmFrames(pages, fmt.Sprintf("/SYSV%08x (deleted)", uint32(key)))
	if o == nil {
		return 0, syscall.ENOMEM
	}
	s := &shmSegment{o: o}
	s.Size, s.CPID, s.CTime = size, c.PID, nowSeconds()
	s.IPCPerm = IPCPerm{Key: key, UID: c.UID, GID: c.GID, CUID: c.UID, CGID: c.GID, Mode: uint32(flags) & 0o777}
	if !growPlaces() {
		o.FPut()
		return 0, syscall.ENOMEM
	}
	shmLock.Lock()
	e := s.enter()
	shmLock.Unlock()
	switch e {
	case 0:
		return s.ID, 0
	case syscall.EEXIST: // somebody was faster: it is an old segment now
		o.FPut()
		return shmGetOld(key, size, flags, c)
	}
	o.FPut()
	return 0, e
}

const shmNoReserve = 0o10000

// shmGetOld is ShmGet of a segment that exists. ENOENT: it does not.
func shmGetOld(key int32, size uint64, flags int, c *IPCCred) (int, syscall.Errno) {
	shmLock.Lock()
	defer shmLock.Unlock()
	s := shmByKey(key)
	switch {
	case s == nil:
		return 0, syscall.ENOENT
	case flags&(IPCCreat|IPCExcl) == IPCCreat|IPCExcl:
		return 0, syscall.EEXIST
	case s.Size < size:
		return 0, syscall.EINVAL
	case !s.permits(c, uint32(flags)):
		return 0, syscall.EACCES
	}
	return s.ID, 0
}

// growPlaces keeps room in the table for one more segment than there are, as
// nothing may be allocated under shmLock. False without memory. May sleep.
func growPlaces() bool {
	for {
		shmLock.Lock()
		n, need := len(shmIDs.places), max(ipcMinCycle, (shmIDs.inUse+1)*3/2)
		if id := ShmLimits.NextID.Load(); id >= 0 {
			need = max(need, int(id)%ipcMni+2)
		}
		shmLock.Unlock()
		if n >= need {
			return true
		}
		places := MakeSlice[*shmSegment](min(need*2, ipcMni))
		if places == nil {
			return false
		}
		shmLock.Lock()
		if len(shmIDs.places) < len(places) {
			copy(places, shmIDs.places)
			shmIDs.places = places
		}
		shmLock.Unlock()
	}
}

// enter gives a new segment its number (shm_addid). EEXIST the key is taken;
// ENOSPC. shmLock held.
func (s *shmSegment) enter() syscall.Errno {
	if shmByKey(s.Key) != nil {
		return syscall.EEXIST
	}
	n := len(shmIDs.places)
	if uint64(shmIDs.inUse) >= ShmLimits.Mni.Load() || shmIDs.inUse >= n || shmIDs.pages+s.o.pages > ShmLimits.All.Load() {
		return syscall.ENOSPC
	}
	at := s.choosePlace(n)
	s.ID = at + ipcMni*int(s.Seq)
	s.o.ino = uint64(s.ID)
	shmIDs.places[at] = s
	shmIDs.inUse++
	shmIDs.pages += s.o.pages
	return 0
}

// choosePlace returns a free one of n places, which there is, and sets the
// sequence number: those that shm_next_id asks for, or the first place behind it;
// else the next in turn. shmLock held.
func (s *shmSegment) choosePlace(n int) int {
	at := shmIDs.last
	id := ShmLimits.NextID.Swap(-1)
	if id >= 0 {
		at = int(id)%ipcMni - 1
	}
	for {
		if at = (at + 1) % n; shmIDs.places[at] == nil {
			break
		}
	}
	if id >= 0 {
		s.Seq = uint16(id / ipcMni)
		return at
	}
	if at <= shmIDs.last {
		shmIDs.seq = (shmIDs.seq + 1) % ipcMaxSeq
	}
	shmIDs.last = at
	s.Seq = shmIDs.seq
	return at
}

// leave takes a segment out of the table. The caller drops the table's reference
// to the object when it has released shmLock, which is held.
func (s *shmSegment) leave() {
	shmIDs.places[s.ID%ipcMni] = nil
	shmIDs.inUse--
	shmIDs.pages -= s.o.pages
}

// insertAttach counts v, an attached piece of s (insert_attach). shmLock held.
func (s *shmSegment) insertAttach(v *VMA) {
	assertShm("attaches are counted")
	v.prevShare, v.nextShare = nil, s.attaches
	if s.attaches != nil {
		s.attaches.prevShare = v
	}
	s.attaches = v
	s.Nattch++
}

// removeAttach undoes insertAttach (remove_attach). shmLock held.
func (s *shmSegment) removeAttach(v *VMA) {
	assertShm("attaches are counted")
	if v.prevShare != nil {
		v.prevShare.nextShare = v.nextShare
	} else {
		s.attaches = v.nextShare
	}
	if v.nextShare != nil {
		v.nextShare.prevShare = v.prevShare
	}
	v.nextShare, v.prevShare = nil, nil
	s.Nattch--
}

// shmOpen is the Open of a copy of an attached vma: fork, or a split (shm_open).
func shmOpen(v *VMA) {
	s := v.PrivateData.(*shmSegment)
	pid, now := int32(currentPID()), nowSeconds()
	shmLock.Lock()
	s.insertAttach(v)
	s.ATime, s.LPID = now, pid
	shmLock.Unlock()
}

// shmClose is the Close of an attached vma (shm_close). The last one takes a
// segment that IPC_RMID has marked with it.
func shmClose(v *VMA) {
	s := v.PrivateData.(*shmSegment)
	pid, now := int32(currentPID()), nowSeconds()
	shmLock.Lock()
	s.removeAttach(v)
	s.DTime, s.LPID = now, pid
	dead := s.Nattch == 0 && s.Mode&ShmDest != 0
	if dead {
		s.leave()
	}
	shmLock.Unlock()
	if dead {
		s.o.FPut()
	}
}
