package syscall

import (
	errno "syscall"

	"yolk/mm"
	"yolk/proc"
)

func init() {
	Register(errno.SYS_PRCTL, "prctl", sysPrctl)
	Register(errno.SYS_CAPGET, "capget", sysCapget)
	Register(errno.SYS_CAPSET, "capset", sysCapset)
	Register(errno.SYS_PERSONALITY, "personality", sysPersonality)
}

// Operations of prctl.
const (
	prSetPdeathsig, prGetPdeathsig           = 1, 2
	prGetDumpable, prSetDumpable             = 3, 4
	prGetKeepcaps, prSetKeepcaps             = 7, 8
	prSetName, prGetName                     = 15, 16
	prCapbsetRead                            = 23
	prSetTimerslack, prGetTimerslack         = 29, 30
	prSetChildSubreaper, prGetChildSubreaper = 36, 37
	prSetNoNewPrivs, prGetNoNewPrivs         = 38, 39
	prSetVMA                                 = 0x53564d41

	timerSlack = 50000
	maxCap     = 40
)

// sysPrctl: EINVAL: unknown operation or value; EFAULT.
func sysPrctl(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	g := t.Group
	switch a[0] {
	case prSetName:
		return 0, setName(t, a[1])
	case prGetName:
		var name [16]byte
		copy(name[:15], t.Comm())
		return 0, putStruct(t, a[1], &name)
	case prSetPdeathsig:
		if a[1] > proc.NSIG {
			return 0, errno.EINVAL
		}
		g.SetFlag(proc.FlagParentDeath, int(a[1]))
	case prGetPdeathsig:
		return 0, putInt(t, a[1], g.Flag(proc.FlagParentDeath))
	case prSetDumpable:
		if a[1] > 1 {
			return 0, errno.EINVAL
		}
		g.SetFlag(proc.FlagDumpable, int(a[1]))
	case prGetDumpable:
		return uintptr(g.Flag(proc.FlagDumpable)), 0
	case prSetChildSubreaper:
		g.SetFlag(proc.FlagSubreaper, int(min(a[1], 1)))
	case prGetChildSubreaper:
		return 0, putInt(t, a[1], g.Flag(proc.FlagSubreaper))
	case prSetTimerslack:
	case prGetTimerslack:
		return timerSlack, 0
	case prCapbsetRead:
		if a[1] > maxCap {
			return 0, errno.EINVAL
		}
		return 1, 0
	default:
		return prctlCreds(t, a)
	}
	return 0, 0
}

// prctlCreds are the operations on credentials.
func prctlCreds(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	c := *t.Creds()
	switch a[0] {
	case prSetKeepcaps:
		if a[1] > 1 {
			return 0, errno.EINVAL
		}
		c.KeepCaps = a[1] == 1
		t.SetCreds(c)
	case prGetKeepcaps:
		return oneIf(c.KeepCaps), 0
	case prSetNoNewPrivs:
		if a[1] != 1 || a[2] != 0 || a[3] != 0 || a[4] != 0 {
			return 0, errno.EINVAL
		}
		c.NoNewPrivs = true
		t.SetCreds(c)
	case prGetNoNewPrivs:
		return oneIf(c.NoNewPrivs), 0
	default:
		return 0, errno.EINVAL // prSetVMA too: names of mappings are not kept
	}
	return 0, 0
}

func oneIf(b bool) uintptr {
	if b {
		return 1
	}
	return 0
}

func putInt(t *proc.Task, addr uintptr, n int) errno.Errno {
	v := int32(n)
	return putStruct(t, addr, &v)
}

// setName is PR_SET_NAME: up to 15 bytes, cut off behind.
func setName(t *proc.Task, addr uintptr) errno.Errno {
	var buf [16]byte
	n, e := mm.CopyStringFromUser(t.MM, addr, buf[:])
	if e == errno.ENAMETOOLONG {
		n, e = len(buf)-1, 0
	}
	if e == 0 {
		t.SetComm(string(buf[:n]))
	}
	return e
}

// capHeader and capData are what capget and capset pass, in version 3.
type (
	capHeader struct {
		Version uint32
		PID     int32
	}
	capData [2]struct{ Effective, Permitted, Inheritable uint32 }
)

const (
	capVersion1 = 0x19980330
	capVersion2 = 0x20071026
	capVersion3 = 0x20080522
)

// capTarget reads and checks the header. EINVAL: an unknown version, and then
// the one known is stored; ESRCH, EFAULT.
func capTarget(t *proc.Task, addr uintptr) (o *proc.Task, words int, e errno.Errno) {
	var h capHeader
	if e := getStruct(t, &h, addr); e != 0 {
		return nil, 0, e
	}
	switch h.Version {
	case capVersion1:
		words = 1
	case capVersion2, capVersion3:
		words = 2
	default:
		h.Version = capVersion3
		if e := putStruct(t, addr, &h); e != 0 {
			return nil, 0, e
		}
		return nil, 0, errno.EINVAL
	}
	o, e = other(t, uintptr(h.PID))
	return o, words, e
}

// sysCapget: EINVAL, ESRCH, EFAULT. Without a place for the data it only checks
// the version.
func sysCapget(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	o, words, e := capTarget(t, a[0])
	if a[1] == 0 && e == errno.EINVAL {
		return 0, 0
	}
	if e != 0 || a[1] == 0 {
		return 0, e
	}
	c := o.Creds()
	var d capData
	for i := range d {
		shift := 32 * i
		d[i].Effective, d[i].Permitted, d[i].Inheritable =
			uint32(c.CapEffective>>shift), uint32(c.CapPermitted>>shift), uint32(c.CapInheritable>>shift)
	}
	return 0, mm.CopyToUser(t.MM, a[1], structBytes(&d)[:12*words])
}

// sysCapset: EINVAL, ESRCH, EFAULT; EPERM: another task, or more than is permitted.
func sysCapset(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	o, words, e := capTarget(t, a[0])
	if e != 0 {
		return 0, e
	}
	if o != t {
		return 0, errno.EPERM
	}
	var d capData
	if e := mm.CopyFromUser(t.MM, structBytes(&d)[:12*words], a[1]); e != 0 {
		return 0, e
	}
	c := *t.Creds()
	old := c
	c.CapEffective = uint64(d[0].Effective) | uint64(d[1].Effective)<<32
	c.CapPermitted = uint64(d[0].Permitted) | uint64(d[1].Permitted)<<32
	c.CapInheritable = uint64(d[0].Inheritable) | uint64(d[1].Inheritable)<<32
	if c.CapPermitted&^old.CapPermitted != 0 || c.CapEffective&^c.CapPermitted != 0 ||
		c.CapInheritable&^(old.CapInheritable|old.CapPermitted) != 0 && !old.Capable(proc.CapSetPCap) {
		return 0, errno.EPERM
	}
	t.SetCreds(c)
	return 0, 0
}

// sysPersonality knows PER_LINUX only, with or without ADDR_NO_RANDOMIZE, and
// returns what was set before; 0xffffffff only asks. EINVAL.
func sysPersonality(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	p := uint32(a[0])
	switch {
	case p == 0xffffffff:
		return uintptr(t.Personality()), 0
	case p&^proc.AddrNoRandomize != 0:
		return 0, errno.EINVAL
	}
	return uintptr(t.SetPersonality(p)), 0
}
