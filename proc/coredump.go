package proc

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	errno "syscall"
	"time"

	"yolk/arch"
	"yolk/fs"
	"yolk/mm"
)

// Core files: what a signal whose default action is to dump core leaves of a
// process, where RLIMIT_CORE lets it. See core(5).

// corePattern is /proc/sys/kernel/core_pattern.
var corePattern atomic.Pointer[string]

// maxCorePattern is the longest pattern, as in Linux.
const maxCorePattern = 127

// CorePattern returns the pattern of core files' names.
func CorePattern() string {
	if p := corePattern.Load(); p != nil {
		return *p
	}
	return "core"
}

// SetCorePattern sets it. EINVAL: too long, or a program to pipe to, which there
// is no way to start from here.
func SetCorePattern(p string) errno.Errno {
	if len(p) > maxCorePattern || strings.HasPrefix(p, "|") {
		return errno.EINVAL
	}
	corePattern.Store(&p)
	return 0
}

// expandCore puts values for the % of a pattern; those unknown disappear.
func expandCore(pattern string, value func(byte) string) string {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch {
		case pattern[i] != '%':
			b.WriteByte(pattern[i])
		case i+1 < len(pattern):
			i++
			b.WriteString(value(pattern[i]))
		}
	}
	return b.String()
}

// coreName is the name of the file for signal sig.
func (t *Task) coreName(sig int) string {
	c := t.Creds()
	return expandCore(CorePattern(), func(which byte) string {
		switch which {
		case '%':
			return "%"
		case 'p', 'P':
			return strconv.Itoa(t.PID)
		case 'i', 'I':
			return strconv.Itoa(t.TID)
		case 'u':
			return strconv.Itoa(int(c.UID))
		case 'g':
			return strconv.Itoa(int(c.GID))
		case 's':
			return strconv.Itoa(sig)
		case 't':
			return strconv.FormatInt(time.Now().Unix(), 10)
		case 'c':
			return strconv.FormatUint(t.Group.Limits.Cur(RlimitCore), 10)
		case 'e':
			return strings.ReplaceAll(t.Comm(), "/", "!")
		case 'h':
			return "yolk"
		}
		return ""
	})
}

// mayDump reports whether the process leaves a core file if sig kills it. As in
// Linux, room for less than a page is room for nothing.
func (g *ThreadGroup) mayDump(sig int) bool {
	return coreSignals.Has(sig) && g.Limits.Cur(RlimitCore) >= arch.PageSize && g.Flag(FlagDumpable) == 1
}

// dumpCore writes the core file for signal sig; the wait status says so then.
// Called by the task that took the signal, when the group's exit has begun: its
// other threads may still be on their way out. No lock held; sleeps.
func (t *Task) dumpCore(sig int) {
	f, e := t.openCore(t.coreName(sig))
	if e != 0 {
		return
	}
	defer f.Put()
	d := coreWriter{t: t, f: f, limit: t.Group.Limits.Cur(RlimitCore)}
	d.write(sig)
	t.Group.sigLock.Lock()
	defer t.Group.sigLock.Unlock()
	if !t.Group.killed {
		t.Group.exitCode |= coreDumped
	}
}

// openCore opens a core file anew. ELOOP: the name is a symbolic link; EPERM: it is
// no regular file, or has other names; else as open(2).
func (t *Task) openCore(name string) (*fs.File, errno.Errno) {
	f, e := t.Caller().Open(nil, name, errno.O_CREAT|errno.O_RDWR|errno.O_NOFOLLOW|errno.O_NONBLOCK, 0o600)
	if e != 0 {
		return nil, e
	}
	st := f.Inode().Stat()
	if st.Mode&errno.S_IFMT != errno.S_IFREG || st.Nlink != 1 {
		f.Put()
		return nil, errno.EPERM
	}
	if e := f.Truncate(0); e != 0 {
		f.Put()
		return nil, e
	}
	return f, 0
}

// coreWriter writes one core file.
type coreWriter struct {
	t     *Task
	f     *fs.File
	limit uint64 // RLIMIT_CORE
	off   int64
	page  [arch.PageSize]byte
}

// Write appends p; io.ErrShortWrite at the limit or when the disk is full.
func (d *coreWriter) Write(p []byte) (int, error) {
	if uint64(d.off)+uint64(len(p)) > d.limit {
		return 0, io.ErrShortWrite
	}
	for done := 0; done < len(p); {
		n, _, e := d.f.WriteAt(p[done:], d.off)
		if e != 0 || n == 0 {
			return done, io.ErrShortWrite
		}
		done += n
		d.off += int64(n)
	}
	return len(p), nil
}

// write makes the file: headers, notes, and the memory. What is beyond the limit
// is missing, and what comes after SIGKILL.
func (d *coreWriter) write(sig int) {
	m := d.t.MM
	segments := mm.CoreSegments(m, d.t.Group.Limits.coreFilter.Load())
	head := d.t.coreHead(sig, segments)
	if _, err := d.Write(head); err != nil || head == nil {
		return
	}
	for i := range segments {
		s := &segments[i]
		for addr := s.Start; addr < s.Start+s.Dump; addr += arch.PageSize {
			if d.t.Group.gotKilled() || !d.putPage(m, addr) {
				return
			}
		}
	}
	d.f.Truncate(d.off) // pages at the end may have been skipped
}

// putPage appends a page, or skips what is zeros.
func (d *coreWriter) putPage(m *mm.MM, addr uintptr) bool {
	if !mm.CorePage(m, addr, &d.page) {
		d.off += arch.PageSize
		return uint64(d.off) <= d.limit
	}
	_, err := d.Write(d.page[:])
	return err == nil
}

// gotKilled reports whether SIGKILL has come: then nothing is waited for any more.
func (g *ThreadGroup) gotKilled() bool {
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	return g.killed
}

// writeCoreFilter writes /proc/PID/coredump_filter.
func writeCoreFilter(w io.Writer, t *Task) {
	fmt.Fprintf(w, "%08x\n", t.Group.Limits.coreFilter.Load())
}

// storeCoreFilter takes what is written to coredump_filter. ESRCH; EINVAL: no number.
func storeCoreFilter(pid int, p []byte) errno.Errno {
	t := FindTask(pid)
	if t == nil {
		return errno.ESRCH
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(p)), 0, 32)
	if err != nil {
		return errno.EINVAL
	}
	t.Group.Limits.coreFilter.Store(uint32(n) & (mm.CoreHugePrivate<<1 - 1))
	return 0
}
