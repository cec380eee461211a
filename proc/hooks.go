package proc

import (
	errno "syscall"

	"yolk/fs"
	"yolk/mm"
)

// Connect gives the packages below the functions by which they reach tasks: the
// OOM killer, the terminal, /proc. The kernel calls it once, before Spawn.
func Connect() {
	mm.SetOOMKiller(killUsers)
	mm.SetCurrentMM(func() *mm.MM {
		if t := Current(); t != nil {
			return t.MM
		}
		return nil
	})
	fs.SetTTYHooks(fs.TTYHooks{
		Signal:     func(pgrp int, sig errno.Signal) { SignalGroup(pgrp, int(sig)) },
		Caller:     groupAndSession,
		Background: background,
	})
	fs.SetProcPIDs(procTasks())
}
