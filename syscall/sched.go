package syscall

import (
	errno "syscall"

	"yolk/arch"
	"yolk/mm"
	"yolk/proc"
	"yolk/sched"
)

// Scheduling calls. There is one policy, SCHED_OTHER.

func init() {
	Register(errno.SYS_SCHED_YIELD, "sched_yield", sysSchedYield)
	Register(errno.SYS_SCHED_GETAFFINITY, "sched_getaffinity", sysSchedGetaffinity)
	Register(errno.SYS_SCHED_SETAFFINITY, "sched_setaffinity", sysSchedSetaffinity)
	Register(errno.SYS_SCHED_GETSCHEDULER, "sched_getscheduler", sysSchedGetscheduler)
	Register(errno.SYS_SCHED_SETSCHEDULER, "sched_setscheduler", sysSchedSetscheduler)
	Register(errno.SYS_SCHED_GETPARAM, "sched_getparam", sysSchedGetparam)
	Register(errno.SYS_SCHED_SETPARAM, "sched_setparam", sysSchedSetparam)
	Register(errno.SYS_SCHED_GET_PRIORITY_MAX, "sched_get_priority_max", sysSchedPriority)
	Register(errno.SYS_SCHED_GET_PRIORITY_MIN, "sched_get_priority_min", sysSchedPriority)
	Register(errno.SYS_GETPRIORITY, "getpriority", sysGetpriority)
	Register(errno.SYS_SETPRIORITY, "setpriority", sysSetpriority)
	Register(nrGetcpu, "getcpu", sysGetcpu)
	Register(nrMembarrier, "membarrier", sysMembarrier)
}

const (
	nrGetcpu     = 309
	nrMembarrier = 324
)

func sysSchedYield(t *proc.Task, _ *Args) (uintptr, errno.Errno) {
	t.Sched.Yield()
	return 0, 0
}

// other returns the task with number tid, the caller for 0. EINVAL, ESRCH.
func other(t *proc.Task, tid uintptr) (*proc.Task, errno.Errno) {
	n := int(int32(tid))
	switch {
	case n == 0:
		return t, 0
	case n < 0:
		return nil, errno.EINVAL
	}
	if o := proc.FindTask(n); o != nil {
		return o, 0
	}
	return nil, errno.ESRCH
}

// sysSchedGetaffinity returns the size of the mask. EINVAL: room for less than
// that, ESRCH, EFAULT.
func sysSchedGetaffinity(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if a[1] < 8 || a[1]&7 != 0 {
		return 0, errno.EINVAL
	}
	o, e := other(t, a[0])
	if e != 0 {
		return 0, errno.ESRCH // for a negative number, too
	}
	mask := o.Sched.Allowed()
	return 8, putStruct(t, a[2], &mask)
}

// sysSchedSetaffinity: EINVAL: no CPU that there is; EPERM: a task of another user;
// ESRCH, EFAULT.
func sysSchedSetaffinity(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	var mask uint64
	if e := mm.CopyFromUser(t.MM, structBytes(&mask)[:min(a[1], 8)], a[2]); e != 0 {
		return 0, e
	}
	o, e := other(t, a[0])
	if e != 0 {
		return 0, errno.ESRCH // for a negative number, too
	}
	if !t.MaySchedule(o) {
		return 0, errno.EPERM
	}
	if mask &= sched.AllCPUs(); mask == 0 {
		return 0, errno.EINVAL
	}
	o.SetCPUs(mask)
	return 0, 0
}

// sysSchedGetscheduler: SCHED_OTHER is 0. EINVAL, ESRCH.
func sysSchedGetscheduler(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	_, e := other(t, a[0])
	return 0, e
}

// sysSchedSetscheduler: EINVAL: a policy other than SCHED_OTHER, or a priority,
// which that does not have; EFAULT, ESRCH.
func sysSchedSetscheduler(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if a[1] != 0 {
		return 0, errno.EINVAL
	}
	return sysSchedSetparam(t, &Args{a[0], a[2]})
}

// sysSchedGetparam: EINVAL, ESRCH, EFAULT.
func sysSchedGetparam(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if _, e := other(t, a[0]); e != 0 {
		return 0, e
	}
	var priority int32
	return 0, putStruct(t, a[1], &priority)
}

// sysSchedSetparam: EINVAL: a priority other than 0; EPERM: a task of another user;
// ESRCH, EFAULT.
func sysSchedSetparam(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	var priority int32
	if e := getStruct(t, &priority, a[1]); e != 0 {
		return 0, e
	}
	o, e := other(t, a[0])
	if e != 0 {
		return 0, e
	}
	if priority != 0 {
		return 0, errno.EINVAL
	}
	if !t.MaySchedule(o) {
		return 0, errno.EPERM
	}
	return 0, 0
}

// sysSchedPriority: SCHED_OTHER, BATCH and IDLE have priority 0 only. EINVAL.
func sysSchedPriority(_ *proc.Task, a *Args) (uintptr, errno.Errno) {
	switch a[0] {
	case 0, 3, 5:
		return 0, 0
	}
	return 0, errno.EINVAL
}

const prioProcess = 0

// sysGetpriority returns 20 minus the nice value, as Linux's call does. EINVAL:
// kinds other than PRIO_PROCESS are not kept; ESRCH.
func sysGetpriority(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if a[0] != prioProcess {
		return 0, errno.EINVAL
	}
	o, e := other(t, a[1])
	if e != 0 {
		return 0, errno.ESRCH
	}
	return uintptr(20 - int(o.Nice())), 0
}

// sysSetpriority: EINVAL, ESRCH; EPERM: a task of another user; EACCES: raising the
// priority without the right to.
func sysSetpriority(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if a[0] != prioProcess {
		return 0, errno.EINVAL
	}
	o, e := other(t, a[1])
	if e != 0 {
		return 0, errno.ESRCH
	}
	if !t.MaySchedule(o) {
		return 0, errno.EPERM
	}
	nice := max(-20, min(19, int(int32(a[2]))))
	if nice < int(o.Nice()) && !t.Creds().Capable(proc.CapSysNice) {
		return 0, errno.EACCES
	}
	o.SetNice(nice)
	return 0, 0
}

// sysGetcpu says where the program made the call: in the kernel it may be elsewhere by now. EFAULT.
func sysGetcpu(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	cpu, node := uint32(t.CPU()), uint32(0)
	if a[0] != 0 {
		if e := putStruct(t, a[0], &cpu); e != 0 {
			return 0, e
		}
	}
	if a[1] != 0 {
		return 0, putStruct(t, a[1], &node)
	}
	return 0, 0
}

// Commands of membarrier.
const (
	membarrierQuery             = 0
	membarrierGlobal            = 1 << 0
	membarrierPrivateExpedited  = 1 << 3
	membarrierRegisterExpedited = 1 << 4
)

// sysMembarrier makes all running threads pass a full barrier: the TLB flush of
// the address space interrupts every CPU that runs one, and waits. EINVAL.
func sysMembarrier(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if a[1] != 0 {
		return 0, errno.EINVAL
	}
	switch a[0] {
	case membarrierQuery:
		return membarrierGlobal | membarrierPrivateExpedited | membarrierRegisterExpedited, 0
	case membarrierGlobal, membarrierPrivateExpedited:
		arch.FlushTLBMM(&t.MM.Ctx)
		return 0, 0
	case membarrierRegisterExpedited:
		return 0, 0
	}
	return 0, errno.EINVAL
}
