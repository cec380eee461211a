package fs

import (
	"io"
	"strconv"
	"syscall"
)

// ProcFile is one generated file of a process's directory.
type ProcFile struct {
	Name    string
	Mode    uint32 // permission bits
	Private bool   // whoever opens it must be allowed to look into the process
	Gen     func(pid int, w io.Writer) syscall.Errno
	Part    func(pid int, b []byte, at uint64) (text []byte, next uint64, e syscall.Errno) // in place of Gen: appends piece by piece
	Store   func(pid int, p []byte) syscall.Errno                                          // nil: read-only
	Open    func(pid int) (FileOps, syscall.Errno)                                         // in place of Gen: the file's own operations, with offsets
}

// ProcTasks is what /proc asks of package proc. pid may be the ID of any thread.
// The functions hold no spinlock when they call back, and return ESRCH or false
// for a process that is gone.
type ProcTasks struct {
	Self  func() (pid, tid int)       // of the running task; 0 in kernel threads
	Next  func(pid int) int           // the first process beyond pid, 0: none
	Tasks func(pid, tid int) int      // the first thread of pid beyond tid, 0: none
	Alive func(pid int) bool          // whether the process or thread exists
	Owner func(pid int) (u, g uint32) // whom its files belong to
	Look  func(pid int) syscall.Errno // EACCES: the running task may not look into it
	Files []ProcFile
	Link  func(pid int, name string) (*Dentry, syscall.Errno) // exe, cwd, root; EACCES as Look
	FDs   func(pid int) *FDTable                              // with a reference; nil: none
}

// procTasks is set once, before the first program runs.
var procTasks ProcTasks

// SetProcPIDs connects /proc with package proc. Start-up only.
func SetProcPIDs(t ProcTasks) {
	procTasks = t
	root := procFS.root
	for name, text := range map[string]func() string{
		"mounts": func() string { return "self/mounts" },
		"self":   func() string { pid, _ := t.Self(); return strconv.Itoa(pid) },
		"thread-self": func() string {
			pid, tid := t.Self()
			return strconv.Itoa(pid) + "/task/" + strconv.Itoa(tid)
		},
	} {
		root.addKid(name, &Dentry{sb: procFS, inode: procFS.NewInode(syscall.S_IFLNK|0o777, procSelf{text: text})})
	}
}

// procSelf is a link whose text depends on who reads it.
type procSelf struct {
	NoInode
	text func() string
}

// Readlink computes the text.
func (p procSelf) Readlink(*Inode) (string, syscall.Errno) { return p.text(), 0 }

// procEntry makes a dentry for something of a process.
func procEntry(dir *Dentry, name string, pid int, mode uint32, ops InodeOps) *Dentry {
	i := procFS.NewInode(mode, ops)
	if procTasks.Owner != nil {
		i.attr.UID, i.attr.GID = procTasks.Owner(pid)
	}
	return &Dentry{sb: procFS, inode: i, name: name, parent: dir}
}

// number parses a directory's name.
func number(name string) int {
	n, err := strconv.Atoi(name)
	if err != nil || n <= 0 || strconv.Itoa(n) != name {
		return -1
	}
	return n
}

// procRoot is /proc itself.
type procRoot struct{ genDir }

// Lookup finds processes. ENOENT.
func (procRoot) Lookup(dir *Dentry, name string) (*Dentry, syscall.Errno) {
	pid := number(name)
	if pid < 0 || procTasks.Alive == nil || !procTasks.Alive(pid) {
		return nil, syscall.ENOENT
	}
	return procEntry(dir, name, pid, syscall.S_IFDIR|0o555, procDir{pid: pid}), 0
}

// ReadDir lists the processes.
func (procRoot) ReadDir(_ *Dentry, k int, emit func(string, uint64, uint32) bool) {
	if procTasks.Next == nil {
		return
	}
	for pid := procTasks.Next(0); pid != 0; pid = procTasks.Next(pid) {
		if k--; k >= 0 {
			continue
		}
		if !emit(strconv.Itoa(pid), uint64(pid)<<16, syscall.S_IFDIR) {
			return
		}
	}
}

// procDir is /proc/PID or, as a thread's, /proc/PID/task/TID.
type procDir struct {
	genDir
	pid    int
	thread bool
}

var procLinks = []string{"cwd", "root", "exe"}

// Lookup finds the files of a process. ENOENT.
func (p procDir) Lookup(dir *Dentry, name string) (*Dentry, syscall.Errno) {
	pid := p.pid
	for _, l := range procLinks {
		if name == l {
			return procEntry(dir, name, pid, syscall.S_IFLNK|0o777, procLink{pid: pid, name: name}), 0
		}
	}
	switch {
	case name == "fd":
		return procEntry(dir, name, pid, syscall.S_IFDIR|0o500, procFDDir{pid: pid}), 0
	case name == "task" && !p.thread:
		return procEntry(dir, name, pid, syscall.S_IFDIR|0o555, procTaskDir{pid: pid}), 0
	}
	for _, files := range [][]ProcFile{procTasks.Files, mountFiles} {
		for k := range files {
			if pf := &files[k]; pf.Name == name {
				return procEntry(dir, name, pid, syscall.S_IFREG|pf.Mode, pf.forPID(pid)), 0
			}
		}
	}
	return nil, syscall.ENOENT
}

func (pf *ProcFile) forPID(pid int) InodeOps {
	if pf.Open != nil {
		return procOwnFile{file: pf, pid: pid}
	}
	g := &genFile{gen: func(w io.Writer) syscall.Errno { return pf.Gen(pid, w) }}
	if pf.Part != nil {
		g.part = func(b []byte, at uint64) ([]byte, uint64, syscall.Errno) { return pf.Part(pid, b, at) }
	}
	if pf.Private {
		g.check = func() syscall.Errno { return procTasks.Look(pid) }
	}
	if pf.Store != nil {
		g.store = func(p []byte) syscall.Errno { return pf.Store(pid, p) }
	}
	return g
}

// procOwnFile is a file of a process that is not text.
type procOwnFile struct {
	NoInode
	file *ProcFile
	pid  int
}

// Open asks the owner for the operations.
func (p procOwnFile) Open(f *File) (e syscall.Errno) {
	f.kind = kindSeek
	f.ops, e = p.file.Open(p.pid)
	return e
}

// Truncate is what O_TRUNC asks for; there is nothing to cut.
func (procOwnFile) Truncate(*Inode, int64) syscall.Errno { return 0 }

// ReadDir lists the files of a process.
func (p procDir) ReadDir(_ *Dentry, k int, emit func(string, uint64, uint32) bool) {
	ino := uint64(p.pid)<<16 + 1
	list := func(name string, typ uint32) bool {
		ino++
		if k--; k >= 0 {
			return true
		}
		return emit(name, ino, typ)
	}
	for _, name := range procLinks {
		if !list(name, syscall.S_IFLNK) {
			return
		}
	}
	if !list("fd", syscall.S_IFDIR) || !p.thread && !list("task", syscall.S_IFDIR) {
		return
	}
	for _, files := range [][]ProcFile{procTasks.Files, mountFiles} {
		for _, pf := range files {
			if !list(pf.Name, syscall.S_IFREG) {
				return
			}
		}
	}
}

// procTaskDir is /proc/PID/task.
type procTaskDir struct {
	genDir
	pid int
}

// Lookup finds threads. ENOENT.
func (p procTaskDir) Lookup(dir *Dentry, name string) (*Dentry, syscall.Errno) {
	tid := number(name)
	if tid < 0 || procTasks.Tasks(p.pid, tid-1) != tid {
		return nil, syscall.ENOENT
	}
	return procEntry(dir, name, tid, syscall.S_IFDIR|0o555, procDir{pid: tid, thread: true}), 0
}

// ReadDir lists the threads.
func (p procTaskDir) ReadDir(_ *Dentry, k int, emit func(string, uint64, uint32) bool) {
	for tid := procTasks.Tasks(p.pid, 0); tid != 0; tid = procTasks.Tasks(p.pid, tid) {
		if k--; k >= 0 {
			continue
		}
		if !emit(strconv.Itoa(tid), uint64(tid)<<16, syscall.S_IFDIR) {
			return
		}
	}
}

// procLink is exe, cwd or root: it leads straight to the file, whatever its name is now.
type procLink struct {
	NoInode
	pid  int
	name string
}

// Follow gives the place itself.
func (l procLink) Follow(*Inode) (*Dentry, bool, syscall.Errno) {
	d, e := procTasks.Link(l.pid, l.name)
	return d, true, e
}

// Readlink is the path, as it is now.
func (l procLink) Readlink(*Inode) (string, syscall.Errno) {
	d, e := procTasks.Link(l.pid, l.name)
	if e != 0 {
		return "", e
	}
	path, _ := PathOf(Root(), d)
	return path, 0
}

// procFDDir is /proc/PID/fd.
type procFDDir struct {
	genDir
	pid int
}

// file returns an open file of the process with a reference. ENOENT.
func (p procFDDir) file(fd int) (*File, syscall.Errno) {
	t := procTasks.FDs(p.pid)
	if t == nil {
		return nil, syscall.ENOENT
	}
	defer t.Put()
	if f := t.Lookup(fd); f != nil {
		return f, 0
	}
	return nil, syscall.ENOENT
}

// Lookup finds open files. ENOENT.
func (p procFDDir) Lookup(dir *Dentry, name string) (*Dentry, syscall.Errno) {
	fd := number(name)
	if name == "0" {
		fd = 0
	}
	if fd < 0 {
		return nil, syscall.ENOENT
	}
	f, e := p.file(fd)
	if e != 0 {
		return nil, e
	}
	f.Put()
	return procEntry(dir, name, p.pid, syscall.S_IFLNK|0o700, procFD{dir: p, fd: fd}), 0
}

// ReadDir lists the open files.
func (p procFDDir) ReadDir(_ *Dentry, k int, emit func(string, uint64, uint32) bool) {
	t := procTasks.FDs(p.pid)
	if t == nil {
		return
	}
	defer t.Put()
	for fd := t.Next(0); fd >= 0; fd = t.Next(fd + 1) {
		if k--; k >= 0 {
			continue
		}
		if !emit(strconv.Itoa(fd), uint64(p.pid)<<16+uint64(fd)+1000, syscall.S_IFLNK) {
			return
		}
	}
}

// procFD is one open file of a process.
type procFD struct {
	NoInode
	dir procFDDir
	fd  int
}

// Follow gives what the descriptor was opened on. EACCES: the process is another's.
func (p procFD) Follow(*Inode) (*Dentry, bool, syscall.Errno) {
	f, e := p.file()
	if e != 0 {
		return nil, true, e
	}
	defer f.Put()
	return f.dentry, true, 0
}

// Readlink names what the descriptor was opened on. As Follow.
func (p procFD) Readlink(*Inode) (string, syscall.Errno) {
	f, e := p.file()
	if e != 0 {
		return "", e
	}
	defer f.Put()
	path, _ := PathOf(Root(), f.dentry)
	return path, 0
}

func (p procFD) file() (*File, syscall.Errno) {
	if e := procTasks.Look(p.dir.pid); e != 0 {
		return nil, e
	}
	return p.dir.file(p.fd)
}
