package proc

import errno "syscall"

// Flags of sigaltstack.
const (
	SSOnStack    = 1
	SSDisable    = 2
	ssAutodisarm = -1 << 31
	minSigStack  = 2048
)

// AltStack is stack_t as programs pass it.
type AltStack = userStack

// altStack is the stack for handlers with SA_ONSTACK; size 0 is none.
type altStack struct {
	sp, size uintptr
	disarm   bool // SS_AUTODISARM: gone while a handler runs on it
}

// contains reports whether sp lies on the alternate stack.
func (a *altStack) contains(sp uint64) bool {
	return a.size != 0 && uintptr(sp) > a.sp && uintptr(sp)-a.sp <= a.size
}

// user is the stack as programs see it; rsp is where they are now.
func (a *altStack) user(rsp uint64) userStack {
	u := userStack{SP: uint64(a.sp), Size: uint64(a.size)}
	switch {
	case a.size == 0:
		u.Flags = SSDisable
	case a.disarm:
		u.Flags = ssAutodisarm
	case a.contains(rsp):
		u.Flags = SSOnStack
	}
	return u
}

// restore puts back the stack saved in a signal frame; nonsense is ignored, as
// on Linux.
func (a *altStack) restore(u *userStack) { a.set(u) }

// set checks u and makes it the alternate stack. EINVAL for unknown flags,
// ENOMEM for a stack too small. Where it lies shows when a frame is to be written
// there.
func (a *altStack) set(u *userStack) errno.Errno {
	mode := u.Flags &^ ssAutodisarm
	switch mode {
	case SSDisable:
		*a = altStack{}
		return 0
	case 0, SSOnStack:
	default:
		return errno.EINVAL
	}
	if u.Size < minSigStack {
		return errno.ENOMEM
	}
	*a = altStack{uintptr(u.SP), uintptr(u.Size), u.Flags&ssAutodisarm != 0}
	return 0
}

// SetAltStack is sigaltstack: it returns the stack in use and, with set,
// replaces it. EPERM while running on it, EINVAL, ENOMEM.
func (t *Task) SetAltStack(set *AltStack) (old AltStack, e errno.Errno) {
	old = t.altStack.user(t.Ctx.RSP)
	if set == nil {
		return old, 0
	}
	if t.altStack.contains(t.Ctx.RSP) && !t.altStack.disarm {
		return old, errno.EPERM
	}
	return old, t.altStack.set(set)
}
