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
	CapIPCLock     = 14
	CapIPCOwner    = 15
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

// SetCreds replaces the task's identities; called by the task itself.
func (t *Task) SetCreds(c Creds) {
	c.cred = &fs.Cred{UID: c.FSUID, GID: c.FSGID, Groups: c.Groups}
	t.creds.Store(&c)
	t.Group.Limits.MM.IPCLock.Store(c.Capable(CapIPCLock))
}

// Caller is the task as fs knows it: where it stands and what it may do.
func (t *Task) Caller() fs.Caller { return fs.Caller{FS: t.FS, Cred: t.Creds().cred} }

// mayAffect reports whether t may send signals to o, or change its limits.
func (t *Task) mayAffect(o *Task) bool {
	a, b := t.Creds(), o.Creds()
	return a.Capable(CapKill) || a.EUID == b.UID || a.EUID == b.SUID || a.UID == b.UID || a.UID == b.SUID
}

// MayLimit reports whether t may look at and change the resource limits of o.
func (t *Task) MayLimit(o *Task) bool {
	a, b := t.Creds(), o.Creds()
	return t.Group == o.Group || a.Capable(CapSysResource) ||
		a.UID == b.UID && a.UID == b.EUID && a.UID == b.SUID && a.GID == b.GID && a.GID == b.EGID && a.GID == b.SGID
}
