package proc

import errno "syscall"

// nrRestartSyscall is the call that goes on with an interrupted sleep.
const nrRestartSyscall = 219

// RestartFunc goes on with an interrupted call whose arguments alone would not
// do, such as a relative sleep.
type RestartFunc func(t *Task) (uintptr, errno.Errno)

// SetRestart makes f what restart_syscall calls for t, and returns the code
// that the interrupted call is to return.
func (t *Task) SetRestart(f RestartFunc) errno.Errno {
	t.restart = f
	return ERESTARTRESTARTBLOCK
}

// Restart is the restart_syscall call. EINTR when there is nothing to go on with.
func (t *Task) Restart() (uintptr, errno.Errno) {
	f := t.restart
	if f == nil {
		return 0, errno.EINTR
	}
	return f(t)
}

// finishCall turns the internal restart codes in RAX into what the program
// sees; act is the action about to run, nil when no handler runs. See errno.go
// for the table.
func (t *Task) finishCall(act *SigAction) {
	call := t.call
	t.call = noCall
	if call == noCall {
		return
	}
	again := call
	switch errno.Errno(-t.Ctx.RAX) {
	case ERESTARTSYS:
		if act != nil && act.Flags&SARestart == 0 {
			t.Ctx.RAX = errorResult(errno.EINTR)
			return
		}
	case ERESTARTNOINTR:
	case ERESTARTNOHAND:
		if act != nil {
			t.Ctx.RAX = errorResult(errno.EINTR)
			return
		}
	case ERESTARTRESTARTBLOCK:
		if act != nil {
			t.Ctx.RAX = errorResult(errno.EINTR)
			return
		}
		again = nrRestartSyscall
	default:
		return
	}
	t.Ctx.RAX = again
	t.Ctx.RIP -= 2 // the SYSCALL instruction has two bytes
	t.Ctx.FullRestore = 1
}

// errorResult is what RAX holds when a call failed with e.
func errorResult(e errno.Errno) uint64 { return -uint64(e) }
