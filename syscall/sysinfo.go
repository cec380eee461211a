package syscall

import (
	errno "syscall"
	"time"

	"yolk/arch"
	"yolk/mm"
	"yolk/proc"
)

// What the system tells of itself.

func init() {
	Register(errno.SYS_UNAME, "uname", sysUname)
	Register(errno.SYS_SYSINFO, "sysinfo", sysSysinfo)
	Register(nrGetrandom, "getrandom", sysGetrandom)
	Register(errno.SYS_SETHOSTNAME, "sethostname", sysDenyNames)
	Register(errno.SYS_SETDOMAINNAME, "setdomainname", sysDenyNames)
}

// nrGetrandom is younger than the standard library's table.
const nrGetrandom = 318

// Release is what uname and /proc/version give as the kernel's version: that of
// the Linux whose calls are here.
const Release = "6.1.0-yolk"

// Version is the rest of what uname says.
const Version = "#1 SMP Yolk"

type utsname [6][65]byte

// sysUname: EFAULT.
func sysUname(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	var u utsname
	for i, s := range [...]string{"Linux", "yolk", Release, Version, "x86_64", "(none)"} {
		copy(u[i][:], s)
	}
	return 0, putStruct(t, a[0], &u)
}

// sysDenyNames: the names are fixed. EPERM.
func sysDenyNames(*proc.Task, *Args) (uintptr, errno.Errno) { return 0, errno.EPERM }

type sysinfo struct {
	Uptime                                  int64
	Loads                                   [3]uint64
	TotalRAM, FreeRAM, SharedRAM, BufferRAM uint64
	TotalSwap, FreeSwap                     uint64
	Procs, _                                uint16
	_                                       uint32
	TotalHigh, FreeHigh                     uint64
	Unit                                    uint32
	_                                       uint32
}

// sysSysinfo: EFAULT.
func sysSysinfo(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	m := mm.Meminfo()
	s := sysinfo{
		Uptime:   int64((proc.Uptime() + time.Second - 1) / time.Second),
		TotalRAM: uint64(m.Total) * arch.PageSize, FreeRAM: uint64(m.Free) * arch.PageSize,
		TotalSwap: uint64(m.TotalSwap) * arch.PageSize, FreeSwap: uint64(m.FreeSwap) * arch.PageSize,
		Procs: uint16(proc.Count()), Unit: 1,
	}
	return 0, putStruct(t, a[0], &s)
}

const grndKnown = 7 // GRND_NONBLOCK, GRND_RANDOM, GRND_INSECURE

// sysGetrandom: EINVAL, EFAULT. It never waits: the CPU has the entropy.
func sysGetrandom(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if a[2]&^grndKnown != 0 {
		return 0, errno.EINVAL
	}
	length := min(a[1], 1<<31-1)
	if a[0]+length < a[0] || a[0]+length > arch.TaskSize {
		return 0, errno.EFAULT
	}
	for done := uintptr(0); done < length; {
		b := t.Scratch[:min(length-done, uintptr(len(t.Scratch)))]
		arch.Random(b)
		if e := mm.CopyToUser(t.MM, a[0]+done, b); e != 0 {
			if done > 0 {
				return done, 0
			}
			return 0, e
		}
		done += uintptr(len(b))
		if t.SignalPending() {
			return done, 0
		}
	}
	return length, 0
}
