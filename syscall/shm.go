package syscall

import (
	errno "syscall"

	"yolk/mm"
	"yolk/proc"
)

// System V shared memory: decoding, and who may do what. Segments are mm's.

func init() {
	Register(errno.SYS_SHMGET, "shmget", sysShmget)
	Register(errno.SYS_SHMAT, "shmat", sysShmat)
	Register(errno.SYS_SHMCTL, "shmctl", sysShmctl)
	Register(errno.SYS_SHMDT, "shmdt", sysShmdt)
}

// The commands of shmctl(2).
const (
	ipcRmid    = 0
	ipcSet     = 1
	ipcStat    = 2
	ipcInfo    = 3
	shmLock    = 11
	shmUnlock  = 12
	shmStat    = 13
	shmInfo    = 14
	shmStatAny = 15
)

// shmHugeTLB asks for huge pages; there are none.
const shmHugeTLB = 0o4000

// ipcCred is the task as mm judges it.
func ipcCred(t *proc.Task) *mm.IPCCred {
	c := t.Creds()
	return &mm.IPCCred{
		UID: c.EUID, GID: c.EGID, Groups: c.Groups, PID: int32(t.PID),
		IPCOwner: c.Capable(proc.CapIPCOwner), SysAdmin: c.Capable(proc.CapSysAdmin), MayLock: c.Capable(proc.CapIPCLock),
		LockLimit: t.MM.Limits.Memlock.Load(),
	}
}

// sysShmget: EINVAL huge pages, of which no size is known; else mm.ShmGet.
func sysShmget(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	key, size, flags := int32(a[0]), uint64(a[1]), int(int32(a[2]))
	if flags&shmHugeTLB != 0 {
		return 0, errno.EINVAL
	}
	id, e := mm.ShmGet(key, size, flags, ipcCred(t))
	return uintptr(id), e
}

// sysShmat: mm.ShmAt.
func sysShmat(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	c := ipcCred(t)
	t.MM.MmapSem.Lock()
	defer t.MM.MmapSem.Unlock()
	return mm.ShmAt(t.MM, int(int32(a[0])), a[1], int(int32(a[2])), c)
}

// sysShmdt: mm.ShmDt.
func sysShmdt(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	return 0, locked(t.MM, func() errno.Errno { return mm.ShmDt(t.MM, a[0]) })
}

// ipc64Perm is struct ipc64_perm, shmid64DS struct shmid64_ds.
type ipc64Perm struct {
	Key                  int32
	UID, GID, CUID, CGID uint32
	Mode                 uint32
	Seq                  uint16
	_                    [6]byte
	_                    [2]uint64
}

type shmid64DS struct {
	Perm                ipc64Perm
	Segsz               uint64
	ATime, DTime, CTime int64
	CPID, LPID          int32
	Nattch              uint64
	_                   [2]uint64
}

// shminfo64 is what IPC_INFO returns, shmInfoDS what SHM_INFO does.
type shminfo64 struct {
	Max, Min, Mni, Seg, All uint64
	_                       [4]uint64
}

type shmInfoDS struct {
	Used                      int32
	_                         int32
	Tot, RSS, Swp, Tries, Out uint64
}

// sysShmctl: EINVAL unknown command, negative number, no such segment; EFAULT;
// EIDRM; EACCES, EPERM, ENOMEM of the command, see mm.
func sysShmctl(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	id, cmd, buf := int(int32(a[0])), int(int32(a[1])), a[2]
	if id < 0 || cmd < 0 {
		return 0, errno.EINVAL
	}
	c := ipcCred(t)
	switch cmd {
	case ipcRmid:
		return 0, mm.ShmRemove(id, c)
	case ipcSet:
		var ds shmid64DS
		if e := getStruct(t, &ds, buf); e != 0 {
			return 0, e
		}
		return 0, mm.ShmSet(id, ds.Perm.UID, ds.Perm.GID, ds.Perm.Mode, c)
	case shmLock, shmUnlock:
		return 0, mm.ShmSetLocked(id, cmd == shmLock, c)
	case ipcStat:
		st, e := mm.ShmStatByID(id, c)
		if e != 0 {
			return 0, e
		}
		return 0, putShmStat(t, buf, &st)
	case shmStat, shmStatAny:
		st, e := mm.ShmStatByPlace(id, cmd == shmStatAny, c)
		if e != 0 {
			return 0, e
		}
		return uintptr(st.ID), putShmStat(t, buf, &st)
	case ipcInfo, shmInfo:
		return putShmInfo(t, buf, cmd)
	}
	return 0, errno.EINVAL
}

func putShmStat(t *proc.Task, buf uintptr, st *mm.ShmStat) errno.Errno {
	return putStruct(t, buf, &shmid64DS{
		Perm: ipc64Perm{
			Key: st.Key, UID: st.UID, GID: st.GID, CUID: st.CUID, CGID: st.CGID, Mode: st.Mode, Seq: st.Seq,
		},
		Segsz: st.Size, ATime: st.ATime, DTime: st.DTime, CTime: st.CTime,
		CPID: st.CPID, LPID: st.LPID, Nattch: uint64(st.Nattch),
	})
}

// putShmInfo answers IPC_INFO and SHM_INFO, both of which return the last place of
// the table that has a segment.
func putShmInfo(t *proc.Task, buf uintptr, cmd int) (uintptr, errno.Errno) {
	i := mm.ShmStatAll()
	l := &mm.ShmLimits
	last := uintptr(max(i.Highest, 0))
	if cmd == ipcInfo {
		return last, putStruct(t, buf, &shminfo64{
			Max: l.Max.Load(), Min: 1, Mni: l.Mni.Load(), Seg: l.Mni.Load(), All: l.All.Load(),
		})
	}
	return last, putStruct(t, buf, &shmInfoDS{
		Used: int32(i.Used), Tot: uint64(i.Tot), RSS: uint64(i.RSS), Swp: uint64(i.Swp),
		Tries: uint64(i.Tries), Out: uint64(i.Out),
	})
}
