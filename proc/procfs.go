package proc

import (
	"fmt"
	"io"
	errno "syscall"

	"yolk/fs"
	"yolk/mm"
)

// What /proc shows of processes.

// procTasks is what the file system asks for.
func procTasks() fs.ProcTasks {
	return fs.ProcTasks{
		Self:  selfNumbers,
		Next:  nextPID,
		Tasks: nextTID,
		Alive: func(pid int) bool { return FindTask(pid) != nil },
		Owner: owner,
		Look:  func(pid int) errno.Errno { _, e := look(pid); return e },
		Link:  procLink,
		FDs:   procFDs,
		Files: []fs.ProcFile{
			{Name: "cmdline", Mode: 0o444, Part: partOf(findTask, cmdlinePart)},
			{Name: "environ", Mode: 0o400, Private: true, Part: partOf(look, environPart)},
			{Name: "comm", Mode: 0o644, Gen: withTask(writeComm), Store: storeComm},
			{Name: "maps", Mode: 0o444, Private: true, Part: partOf(look, mm.AppendMaps)},
			{Name: "smaps", Mode: 0o444, Private: true, Part: partOf(look, mm.AppendSmaps)},
			{Name: "smaps_rollup", Mode: 0o444, Private: true, Part: partOf(look, rollupPart)},
			{Name: "pagemap", Mode: 0o400, Open: openPagemap},
			{Name: "mem", Mode: 0o600, Open: openMem},
			{Name: "oom_score", Mode: 0o444, Gen: withTask(writeOOMScore)},
			{Name: "oom_score_adj", Mode: 0o644, Gen: withTask(writeOOMScoreAdj), Store: storeOOMScoreAdj},
			{Name: "stat", Mode: 0o444, Gen: withTask(writeStat)},
			{Name: "statm", Mode: 0o444, Gen: withMM(func(w io.Writer, m *mm.MM) { mm.WriteStatm(w, m) })},
			{Name: "status", Mode: 0o444, Gen: withTask(writeStatus)},
			{Name: "syscall", Mode: 0o400, Private: true, Gen: withTask(writeSyscall)},
			{Name: "coredump_filter", Mode: 0o644, Gen: withTask(writeCoreFilter), Store: storeCoreFilter},
			{Name: "limits", Mode: 0o444, Gen: withTask(writeLimits)},
		},
	}
}

// withTask makes a generator of one that wants the task. ESRCH.
func withTask(f func(w io.Writer, t *Task)) func(int, io.Writer) errno.Errno {
	return func(pid int, w io.Writer) errno.Errno {
		t := FindTask(pid)
		if t == nil {
			return errno.ESRCH
		}
		f(w, t)
		return 0
	}
}

// withMM makes a generator of one that wants the address space; a task without
// one has an empty file. ESRCH.
func withMM(f func(w io.Writer, m *mm.MM)) func(int, io.Writer) errno.Errno {
	return withTask(func(w io.Writer, t *Task) {
		if m := t.GrabMM(); m != nil {
			f(w, m)
			mm.MMPut(m)
		}
	})
}

// partOf makes a generator of pieces of one that wants the address space and a place in
// it; a task without one has an empty file. find says whose it is, and may refuse: the
// number may have become another's since the file was opened.
func partOf(find func(int) (*Task, errno.Errno), f partFunc) func(int, []byte, uint64) ([]byte, uint64, errno.Errno) {
	return func(pid int, b []byte, at uint64) ([]byte, uint64, errno.Errno) {
		t, e := find(pid)
		if e != 0 {
			return b, 0, e
		}
		var next uintptr
		if m := t.GrabMM(); m != nil {
			b, next = f(b, m, uintptr(at))
			mm.MMPut(m)
		}
		return b, uint64(next), 0
	}
}

// partFunc appends the piece of a text that begins at the place at, and returns the
// place of the next, 0 behind the last.
type partFunc func(b []byte, m *mm.MM, at uintptr) (text []byte, next uintptr)

// rollupPart is all of it.
func rollupPart(b []byte, m *mm.MM, _ uintptr) ([]byte, uintptr) { return mm.AppendRollup(b, m), 0 }

// findTask is FindTask. ESRCH.
func findTask(pid int) (*Task, errno.Errno) {
	if t := FindTask(pid); t != nil {
		return t, 0
	}
	return nil, errno.ESRCH
}

func selfNumbers() (pid, tid int) {
	if t := Current(); t != nil {
		return t.PID, t.TID
	}
	return 0, 0
}

// nextPID returns the lowest process number above pid, 0 when there is none.
func nextPID(pid int) int {
	next := 0
	treeLock.Lock()
	defer treeLock.Unlock()
	groupsLocked(func(g *ThreadGroup) bool {
		if g.PID > pid && (next == 0 || g.PID < next) {
			next = g.PID
		}
		return true
	})
	return next
}

// nextTID returns the lowest thread number of process pid above tid.
func nextTID(pid, tid int) int {
	t := FindTask(pid)
	if t == nil {
		return 0
	}
	g := t.Group
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	next := 0
	for _, o := range g.threads {
		if o.TID > tid && (next == 0 || o.TID < next) {
			next = o.TID
		}
	}
	return next
}

// look returns the task with number pid, if the running task may look into it: the
// kernel itself may. ESRCH, EACCES.
func look(pid int) (*Task, errno.Errno) {
	o, t := FindTask(pid), Current()
	switch {
	case o == nil:
		return nil, errno.ESRCH
	case t != nil && !t.MayAccess(o):
		return nil, errno.EACCES
	}
	return o, 0
}

// owner is the user of a process; of one that others may not look into, root, but for
// the process itself.
func owner(pid int) (uid, gid uint32) {
	o, t := FindTask(pid), Current()
	if o == nil || o.Group.Flag(FlagDumpable) != 1 && t != nil && t.Group != o.Group {
		return 0, 0
	}
	c := o.Creds()
	return c.EUID, c.EGID
}

// procLink returns where exe, cwd or root of a process leads. ENOENT: it has none;
// ESRCH, EACCES.
func procLink(pid int, name string) (*fs.Dentry, errno.Errno) {
	t, e := look(pid)
	if e != 0 {
		return nil, e
	}
	g := t.Group
	g.sigLock.Lock()
	exe, c := g.exe, t.FS
	if c != nil {
		c.Get()
	}
	g.sigLock.Unlock()
	if c != nil {
		defer c.Put()
	}
	switch {
	case name == "exe" && exe != nil:
		return exe.Dentry(), 0
	case name == "exe" || c == nil:
		return nil, errno.ENOENT
	}
	root, cwd := c.Dirs()
	if name == "root" {
		return root, 0
	}
	return cwd, 0
}

// procFDs returns the descriptor table with a reference, nil when it is gone.
func procFDs(pid int) *fs.FDTable {
	t := FindTask(pid)
	if t == nil {
		return nil
	}
	t.Group.sigLock.Lock()
	defer t.Group.sigLock.Unlock()
	if t.Files == nil {
		return nil
	}
	return t.Files.Get()
}

// appendRange appends user memory [from, to) of m, as far as it is there.
func appendRange(b []byte, m *mm.MM, from, to uintptr) []byte {
	const step = 256
	for from < to {
		n := min(to-from, step)
		k := len(b)
		b = append(b, make([]byte, n)...)
		if mm.CopyFromUser(m, b[k:], from) != 0 {
			return b[:k]
		}
		from += n
	}
	return b
}

// argumentPiece bounds what is shown of the arguments at a time.
const argumentPiece = 4096

// rangePart appends the piece at offset at of user memory [from, to).
func rangePart(b []byte, m *mm.MM, from, to, at uintptr) ([]byte, uintptr) {
	if from += at; from >= to {
		return b, 0
	}
	b = appendRange(b, m, from, min(to, from+argumentPiece))
	if to-from <= argumentPiece {
		return b, 0
	}
	return b, at + argumentPiece
}

func cmdlinePart(b []byte, m *mm.MM, at uintptr) ([]byte, uintptr) {
	return rangePart(b, m, m.ArgStart, m.ArgEnd, at)
}

func environPart(b []byte, m *mm.MM, at uintptr) ([]byte, uintptr) {
	return rangePart(b, m, m.EnvStart, m.EnvEnd, at)
}

func writeComm(w io.Writer, t *Task) { fmt.Fprintln(w, t.Comm()) }

// storeComm renames a thread of the caller's process. EINVAL: another's.
func storeComm(pid int, p []byte) errno.Errno {
	t, self := FindTask(pid), Current()
	if t == nil || self == nil || t.Group != self.Group {
		return errno.EINVAL
	}
	for len(p) > 0 && p[len(p)-1] == '\n' {
		p = p[:len(p)-1]
	}
	t.SetComm(string(p))
	return 0
}

// limitNames are the lines of /proc/PID/limits.
var limitNames = [numRlimits]struct{ name, unit string }{
	{"Max cpu time", "seconds"}, {"Max file size", "bytes"}, {"Max data size", "bytes"}, {"Max stack size", "bytes"},
	{"Max core file size", "bytes"}, {"Max resident set", "bytes"}, {"Max processes", "processes"}, {"Max open files", "files"},
	{"Max locked memory", "bytes"}, {"Max address space", "bytes"}, {"Max file locks", "locks"}, {"Max pending signals", "signals"},
	{"Max msgqueue size", "bytes"}, {"Max nice priority", ""}, {"Max realtime priority", ""}, {"Max realtime timeout", "us"},
}

func writeLimits(w io.Writer, t *Task) {
	fmt.Fprintf(w, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units")
	text := func(v uint64) string {
		if v == mm.Infinity {
			return "unlimited"
		}
		return fmt.Sprint(v)
	}
	for i, l := range limitNames {
		r := t.Group.Limits.Get(i)
		fmt.Fprintf(w, "%-25s %-20s %-20s ", l.name, text(r.Cur), text(r.Max))
		if l.unit != "" {
			fmt.Fprintf(w, "%-10s", l.unit)
		}
		fmt.Fprintln(w)
	}
}
