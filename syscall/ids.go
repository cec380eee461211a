package syscall

import (
	errno "syscall"

	"yolk/mm"
	"yolk/proc"
)

// Numbers of processes, process groups and sessions.

func init() {
	Register(errno.SYS_GETPID, "getpid", func(t *proc.Task, _ *Args) (uintptr, errno.Errno) { return uintptr(t.PID), 0 })
	Register(errno.SYS_GETTID, "gettid", func(t *proc.Task, _ *Args) (uintptr, errno.Errno) { return uintptr(t.TID), 0 })
	Register(errno.SYS_GETPPID, "getppid", func(t *proc.Task, _ *Args) (uintptr, errno.Errno) {
		return uintptr(t.Group.Parent()), 0
	})
	Register(errno.SYS_GETPGID, "getpgid", func(t *proc.Task, a *Args) (uintptr, errno.Errno) {
		return number(t.Getpgid(int(int32(a[0]))))
	})
	Register(errno.SYS_GETPGRP, "getpgrp", func(t *proc.Task, _ *Args) (uintptr, errno.Errno) { return number(t.Getpgid(0)) })
	Register(errno.SYS_GETSID, "getsid", func(t *proc.Task, a *Args) (uintptr, errno.Errno) {
		return number(t.Getsid(int(int32(a[0]))))
	})
	Register(errno.SYS_SETSID, "setsid", func(t *proc.Task, _ *Args) (uintptr, errno.Errno) { return number(t.Setsid()) })
	Register(errno.SYS_SETPGID, "setpgid", sysSetpgid)
	registerUsers()
}

func number(n int, e errno.Errno) (uintptr, errno.Errno) { return uintptr(n), e }

// sysSetpgid: proc.Task.Setpgid; EINVAL for a negative group, ESRCH for a
// negative process.
func sysSetpgid(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	pid, pgid := int(int32(a[0])), int(int32(a[1]))
	switch {
	case pgid < 0:
		return 0, errno.EINVAL
	case pid < 0:
		return 0, errno.ESRCH
	}
	return 0, t.Setpgid(pid, pgid)
}

// User and group identities. -1 stands for "leave it". The rules for the user
// and the group side are the same, so each call is written once, over an ids.

// ids is one side of the credentials.
type ids struct{ real, effective, saved, fs *uint32 }

func userIDs(c *proc.Creds) ids  { return ids{&c.UID, &c.EUID, &c.SUID, &c.FSUID} }
func groupIDs(c *proc.Creds) ids { return ids{&c.GID, &c.EGID, &c.SGID, &c.FSGID} }

// has reports whether id is one that an unprivileged task may switch to.
func (i ids) has(id uint32) bool { return id == *i.real || id == *i.effective || id == *i.saved }

const keepID = ^uint32(0)

func registerUsers() {
	for _, side := range []struct {
		of                                             func(*proc.Creds) ids
		cap                                            uint
		get, getEff, set, setre, setres, getres, setfs int
		suffix                                         string
	}{
		{userIDs, proc.CapSetUID, errno.SYS_GETUID, errno.SYS_GETEUID, errno.SYS_SETUID, errno.SYS_SETREUID,
			errno.SYS_SETRESUID, errno.SYS_GETRESUID, errno.SYS_SETFSUID, "uid"},
		{groupIDs, proc.CapSetGID, errno.SYS_GETGID, errno.SYS_GETEGID, errno.SYS_SETGID, errno.SYS_SETREGID,
			errno.SYS_SETRESGID, errno.SYS_GETRESGID, errno.SYS_SETFSGID, "gid"},
	} {
		of, privilege := side.of, side.cap
		Register(side.get, "get"+side.suffix, func(t *proc.Task, _ *Args) (uintptr, errno.Errno) {
			return uintptr(*of(t.Creds()).real), 0
		})
		Register(side.getEff, "gete"+side.suffix, func(t *proc.Task, _ *Args) (uintptr, errno.Errno) {
			return uintptr(*of(t.Creds()).effective), 0
		})
		Register(side.set, "set"+side.suffix, func(t *proc.Task, a *Args) (uintptr, errno.Errno) {
			return 0, setID(t, of, privilege, uint32(a[0]))
		})
		Register(side.setre, "setre"+side.suffix, func(t *proc.Task, a *Args) (uintptr, errno.Errno) {
			return 0, setREID(t, of, privilege, uint32(a[0]), uint32(a[1]))
		})
		Register(side.setres, "setres"+side.suffix, func(t *proc.Task, a *Args) (uintptr, errno.Errno) {
			return 0, setRESID(t, of, privilege, [3]uint32{uint32(a[0]), uint32(a[1]), uint32(a[2])})
		})
		Register(side.getres, "getres"+side.suffix, func(t *proc.Task, a *Args) (uintptr, errno.Errno) {
			return 0, getRESID(t, of(t.Creds()), a)
		})
		Register(side.setfs, "setfs"+side.suffix, func(t *proc.Task, a *Args) (uintptr, errno.Errno) {
			return setFSID(t, of, privilege, uint32(a[0])), 0
		})
	}
	Register(errno.SYS_GETGROUPS, "getgroups", sysGetgroups)
	Register(errno.SYS_SETGROUPS, "setgroups", sysSetgroups)
}

// commit puts changed credentials in force. Who gives up user 0 gives up the
// capabilities that go with it, unless PR_SET_KEEPCAPS says otherwise.
func commit(t *proc.Task, c proc.Creds) {
	old := t.Creds()
	wasRoot := old.UID == 0 || old.EUID == 0 || old.SUID == 0
	isRoot := c.UID == 0 || c.EUID == 0 || c.SUID == 0
	if wasRoot && !isRoot && !c.KeepCaps {
		c.CapPermitted, c.CapEffective = 0, 0
	}
	switch {
	case old.EUID == 0 && c.EUID != 0:
		c.CapEffective = 0
	case old.EUID != 0 && c.EUID == 0:
		c.CapEffective = c.CapPermitted
	}
	t.SetCreds(c)
}

// setID is setuid and setgid. EINVAL, EPERM.
func setID(t *proc.Task, of func(*proc.Creds) ids, privilege uint, id uint32) errno.Errno {
	c := *t.Creds()
	i := of(&c)
	switch {
	case id == keepID:
		return errno.EINVAL
	case c.Capable(privilege):
		*i.real, *i.saved = id, id
	case id != *i.real && id != *i.saved:
		return errno.EPERM
	}
	*i.effective, *i.fs = id, id
	commit(t, c)
	return 0
}

// setREID is setreuid and setregid. EPERM.
func setREID(t *proc.Task, of func(*proc.Creds) ids, privilege uint, real, effective uint32) errno.Errno {
	c := *t.Creds()
	i, old := of(&c), of(t.Creds())
	may := c.Capable(privilege)
	if real != keepID {
		if !may && real != *old.real && real != *old.effective {
			return errno.EPERM
		}
		*i.real = real
	}
	if effective != keepID {
		if !may && !old.has(effective) {
			return errno.EPERM
		}
		*i.effective = effective
	}
	if real != keepID || effective != keepID && effective != *old.real {
		*i.saved = *i.effective
	}
	*i.fs = *i.effective
	commit(t, c)
	return 0
}

// setRESID is setresuid and setresgid. EPERM.
func setRESID(t *proc.Task, of func(*proc.Creds) ids, privilege uint, want [3]uint32) errno.Errno {
	c := *t.Creds()
	i, old := of(&c), of(t.Creds())
	for k, p := range []*uint32{i.real, i.effective, i.saved} {
		if want[k] == keepID {
			continue
		}
		if !c.Capable(privilege) && !old.has(want[k]) {
			return errno.EPERM
		}
		*p = want[k]
	}
	*i.fs = *i.effective
	commit(t, c)
	return 0
}

// getRESID is getresuid and getresgid. EFAULT.
func getRESID(t *proc.Task, i ids, a *Args) errno.Errno {
	for k, p := range []*uint32{i.real, i.effective, i.saved} {
		if e := putStruct(t, a[k], p); e != 0 {
			return e
		}
	}
	return 0
}

// setFSID is setfsuid and setfsgid: it returns the old one, come what may.
func setFSID(t *proc.Task, of func(*proc.Creds) ids, privilege uint, id uint32) uintptr {
	c := *t.Creds()
	i := of(&c)
	old := *i.fs
	if id != keepID && (c.Capable(privilege) || i.has(id) || id == old) {
		*i.fs = id
		commit(t, c)
	}
	return uintptr(old)
}

const maxGroups = 65536

// sysGetgroups: EINVAL: too small, EFAULT.
func sysGetgroups(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	n, groups := int(int32(a[0])), t.Creds().Groups
	if n < 0 || n != 0 && n < len(groups) {
		return 0, errno.EINVAL
	}
	for i := range groups[:min(n, len(groups))] {
		if e := putStruct(t, a[1]+uintptr(i)*4, &groups[i]); e != 0 {
			return 0, e
		}
	}
	return uintptr(len(groups)), 0
}

// sysSetgroups: EPERM, EINVAL: too many, EFAULT.
func sysSetgroups(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	c := *t.Creds()
	switch {
	case !c.Capable(proc.CapSetGID):
		return 0, errno.EPERM
	case a[0] > maxGroups:
		return 0, errno.EINVAL
	}
	c.Groups = make([]uint32, a[0])
	for i := range c.Groups {
		if e := mm.CopyFromUser(t.MM, structBytes(&c.Groups[i]), a[1]+uintptr(i)*4); e != 0 {
			return 0, e
		}
	}
	t.SetCreds(c)
	return 0, 0
}
