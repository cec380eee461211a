package proc

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	errno "syscall"

	"yolk/mm"
)

// The files of /proc/PID that steer the OOM killer.

// writeOOMScore writes /proc/PID/oom_score; 0 for a process without memory.
func writeOOMScore(w io.Writer, t *Task) {
	var score int64
	if m := t.GrabMM(); m != nil {
		score = mm.OOMScore(m)
		mm.MMPut(m)
	}
	fmt.Fprintln(w, score)
}

// writeOOMScoreAdj writes /proc/PID/oom_score_adj.
func writeOOMScoreAdj(w io.Writer, t *Task) { fmt.Fprintln(w, t.Group.Limits.MM.OOMScoreAdj.Load()) }

// storeOOMScoreAdj takes what is written to oom_score_adj. ESRCH; EINVAL: not a
// number from -1000 to 1000; EACCES: lower than the privileged have set it last.
func storeOOMScoreAdj(pid int, p []byte) errno.Errno {
	t, self := FindTask(pid), Current()
	if t == nil || self == nil {
		return errno.ESRCH
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(p)), 10, 32)
	if err != nil || n < mm.OOMScoreAdjMin || n > mm.OOMScoreAdjMax {
		return errno.EINVAL
	}
	if !t.Group.Limits.setOOMScoreAdj(int32(n), self.Creds().Capable(CapSysResource)) {
		return errno.EACCES
	}
	return 0
}

// setOOMScoreAdj reports whether the caller may set it so, and then does. What the
// privileged set is how low others may go.
func (l *Limits) setOOMScoreAdj(n int32, privileged bool) bool {
	l.lock.Lock()
	defer l.lock.Unlock()
	if privileged {
		l.oomAdjMin.Store(n)
	}
	if n < l.oomAdjMin.Load() {
		return false
	}
	l.MM.OOMScoreAdj.Store(n)
	return true
}
