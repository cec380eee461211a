package fs

import (
	"strings"
	"syscall"
)

// Limits of path resolution, as on Linux.
const (
	NameMax  = 255
	PathMax  = 4096
	maxLinks = 40
)

// Caller is for whom paths are resolved: its root and working directory, and the
// rights it has. Its methods, in this file and in open.go, namespace.go and
// attr.go, are the path-taking system calls. at is where a relative path starts,
// nil for the working directory. All of them may sleep and take tree locks.
type Caller struct {
	FS   *Context
	Cred *Cred
}

// walk is one resolution under way.
type walk struct {
	root  *Dentry
	cred  *Cred
	links int // symbolic links followed so far
}

// begin starts a resolution and says where relative paths start.
func (c Caller) begin(at *Dentry) (walk, *Dentry) {
	root, cwd := c.FS.Dirs()
	if at == nil {
		at = cwd
	}
	return walk{root: root, cred: c.Cred}, at
}

// Resolve finds what path names. follow says whether a symbolic link at its end
// is followed (a trailing slash follows it anyway).
// ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG.
func (c Caller) Resolve(at *Dentry, path string, follow bool) (*Dentry, syscall.Errno) {
	w, at := c.begin(at)
	return w.full(at, path, follow)
}

func (w *walk) full(at *Dentry, path string, follow bool) (*Dentry, syscall.Errno) {
	dir, last, slash, e := w.parent(at, path)
	if e != 0 {
		return nil, e
	}
	d, e := w.step(dir, last, follow || slash)
	if e == 0 && slash && !d.inode.IsDir() {
		return nil, syscall.ENOTDIR
	}
	return d, e
}

// parent resolves all of path but its last component, and returns that, and
// whether slashes follow it. The last component of "/" is ".".
func (w *walk) parent(at *Dentry, path string) (dir *Dentry, last string, slash bool, e syscall.Errno) {
	switch {
	case path == "":
		return nil, "", false, syscall.ENOENT
	case len(path) >= PathMax:
		return nil, "", false, syscall.ENAMETOOLONG
	case path[0] == '/':
		at = w.root
	}
	for {
		path = strings.TrimLeft(path, "/")
		if path == "" {
			return at, ".", true, 0
		}
		name := path
		rest := ""
		if k := strings.IndexByte(path, '/'); k >= 0 {
			name, rest = path[:k], path[k:]
		}
		if strings.Trim(rest, "/") == "" {
			return at, name, rest != "", 0
		}
		if at, e = w.step(at, name, true); e != 0 {
			return nil, "", false, e
		}
		path = rest
	}
}

// searchable checks that names may be looked up in d. ENOTDIR, EACCES.
func (w *walk) searchable(d *Dentry) syscall.Errno {
	if !d.inode.IsDir() {
		return syscall.ENOTDIR
	}
	return d.inode.permission(w.cred, MayExec)
}

// step goes from directory d to the entry name.
func (w *walk) step(d *Dentry, name string, follow bool) (*Dentry, syscall.Errno) {
	if e := w.searchable(d); e != 0 {
		return nil, e
	}
	switch {
	case name == ".":
		return d, 0
	case name == "..":
		return w.dotdot(d), 0
	case len(name) > NameMax:
		return nil, syscall.ENAMETOOLONG
	}
	d.sb.tree.RLock()
	child, e := d.kid(name)
	d.sb.tree.RUnlock()
	if e != 0 {
		return nil, e
	}
	child = down(child)
	if follow && child.inode.typ == syscall.S_IFLNK {
		return w.follow(d, child)
	}
	return child, 0
}

// dotdot is the parent of d, which is d itself at the caller's root.
func (w *walk) dotdot(d *Dentry) *Dentry {
	if d == w.root {
		return d
	}
	d = up(d)
	d.sb.tree.RLock()
	defer d.sb.tree.RUnlock()
	if d == w.root || d.parent == nil {
		return d
	}
	return down(d.parent)
}

// follow resolves the symbolic link in directory d.
func (w *walk) follow(d, link *Dentry) (*Dentry, syscall.Errno) {
	if w.links++; w.links > maxLinks {
		return nil, syscall.ELOOP
	}
	if to, ok, e := link.inode.ops.Follow(link.inode); ok || e != 0 {
		return to, e
	}
	text, e := link.inode.ops.Readlink(link.inode)
	if e != 0 {
		return nil, e
	}
	return w.full(d, text, true)
}
