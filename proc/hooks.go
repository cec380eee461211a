package proc

import (
	"fmt"
	"io"
	"sync"
	errno "syscall"

	"yolk/fs"
	"yolk/mm"
)

// connect gives the packages below the functions by which they reach tasks: the
// OOM killer, the terminal, /proc. The first Spawn calls it, so that they are in
// place before there is a task.
var connect = sync.OnceFunc(func() {
	mm.SetOOMKiller(killUsers)
	mm.SetCurrentMM(func() *mm.MM {
		if t := Current(); t != nil {
			return t.MM
		}
		return nil
	})
	mm.SetCurrentPID(func() int {
		if t := Current(); t != nil {
			return t.PID
		}
		return 0
	})
	fs.SetTTYHooks(fs.TTYHooks{
		Signal:     func(pgrp int, sig errno.Signal) { SignalGroup(pgrp, int(sig)) },
		Caller:     groupAndSession,
		Background: background,
	})
	fs.SetProcPIDs(procTasks())
	for name, v := range map[string]int{"pid_max": PIDMax, "threads-max": ThreadsMax(), "tainted": 0} {
		fs.RegisterProc("sys/kernel/"+name, func(w io.Writer) { fmt.Fprintln(w, v) })
	}
})
