package proc

import "yolk/fs"

// Creds are the user and group identities of a task. They are never changed in
// place: SetCreds replaces them.
type Creds struct {
	UID, EUID, SUID, FSUID uint32
	GID, EGID, SGID, FSGID uint32
	Groups                 []uint32
	CapPermitted           uint64
	CapEffective           uint64
	CapInheritable         uint64
	NoNewPrivs             bool
	KeepCaps               bool // PR_SET_KEEPCAPS

	cred *fs.Cred // the part that fs looks at
}

// Capabilities that the kernel asks about.
const (
	CapKill        = 5
	CapSetGID      = 6
	CapSetUID      = 7
	CapSetPCap     = 8
	CapNetAdmin    = 12
	CapIPCLock     = 14
	CapIPCOwner    = 15
	CapSysRawIO    = 17
	CapSysPtrace   = 19
	CapSysAdmin    = 21
	CapSysBoot     = 22
	CapSysNice     = 23
	CapSysResource = 24

	// allCaps is every capability that Linux 6.1 knows.
	allCaps = 1<<41 - 1
)

func rootCreds() *Creds {
	c := &Creds{CapPermitted: allCaps, CapEffective: allCaps}
	c.cred = fs.RootCred
	return c
}

// Capable reports whether the task has a capability in force.
func (c *Creds) Capable(which uint) bool { return c.CapEffective>>which&1 != 0 }

// Creds returns the task's identities, which do not change under the caller.
func (t *Task) Creds() *Creds { return t.creds.Load() }

// SetCreds replaces the task's identities; called by the task itself. Who becomes
// somebody else keeps in memory what the former one knew, so others may no longer
// look into the process. Source: Linux's commit_creds.
func (t *Task) SetCreds(c Creds) {
	old := t.Creds()
	if c.EUID != old.EUID || c.EGID != old.EGID || c.FSUID != old.FSUID || c.FSGID != old.FSGID || c.CapPermitted&^old.CapPermitted != 0 {
		t.Group.SetFlag(FlagDumpable, 0)
		t.Group.SetFlag(FlagParentDeath, 0)
	}
	c.cred = &fs.Cred{UID: c.FSUID, GID: c.FSGID, Groups: c.Groups}
	t.creds.Store(&c)
	t.Group.Limits.MM.IPCLock.Store(c.Capable(CapIPCLock))
	t.Group.Limits.MM.RawIO.Store(c.Capable(CapSysRawIO))
}

// Caller is the task as fs knows it: where it stands and what it may do.
func (t *Task) Caller() fs.Caller { return fs.Caller{FS: t.FS, Cred: t.Creds().cred} }

// mayAffect reports whether t may send signals to o, or change its limits.
func (t *Task) mayAffect(o *Task) bool {
	a, b := t.Creds(), o.Creds()
	return a.Capable(CapKill) || a.EUID == b.UID || a.EUID == b.SUID || a.UID == b.UID || a.UID == b.SUID
}

// MaySchedule reports whether t may change how o is scheduled.
func (t *Task) MaySchedule(o *Task) bool {
	a, b := t.Creds(), o.Creds()
	return a.Capable(CapSysNice) || a.EUID == b.UID || a.EUID == b.EUID
}

// execCreds puts in force what an exec makes of the identities: without being root a
// program starts with no capabilities, whatever the one before it had kept.
func (t *Task) execCreds() {
	c := *t.Creds()
	c.SUID, c.FSUID, c.SGID, c.FSGID = c.EUID, c.EUID, c.EGID, c.EGID
	c.KeepCaps = false
	switch {
	case c.EUID == 0:
		c.CapPermitted, c.CapEffective = allCaps, allCaps
	case c.UID == 0:
		c.CapPermitted, c.CapEffective = allCaps, 0
	default:
		c.CapPermitted, c.CapEffective = 0, 0
	}
	t.SetCreds(c)
}

// overNproc reports whether t's user has as many tasks as RLIMIT_NPROC permits. Root and
// those who administer are not counted. Source: Linux's copy_process.
func (t *Task) overNproc() bool {
	treeLock.AssertHeld()
	c := t.Creds()
	if c.UID == 0 || c.Capable(CapSysResource) || c.Capable(CapSysAdmin) {
		return false
	}
	limit, n := t.Group.Limits.Cur(RlimitNproc), uint64(0)
	for _, e := range pids.hash {
		for ; e != nil; e = e.next {
			if e.task != nil && e.task.Creds().UID == c.UID {
				n++
			}
		}
	}
	return n >= limit
}

// MayLimit reports whether t may look at and change the resource limits of o.
func (t *Task) MayLimit(o *Task) bool {
	a, b := t.Creds(), o.Creds()
	return t.Group == o.Group || a.Capable(CapSysResource) ||
		a.UID == b.UID && a.UID == b.EUID && a.UID == b.SUID && a.GID == b.GID && a.GID == b.EGID && a.GID == b.SGID
}
