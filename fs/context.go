package fs

import (
	"sync/atomic"
	"syscall"

	"yolk/locks"
)

// Context is where a task stands in the file systems (fs_struct): its root and
// working directory and its umask.
type Context struct {
	refs atomic.Int32 // tasks that share it

	lock  locks.SpinLock // guards what follows
	root  *Dentry
	cwd   *Dentry
	umask uint32
}

// NewContext returns the context of the first task: / and umask 022.
func NewContext() *Context { return newContext(Root(), Root(), 0o022) }

func newContext(root, cwd *Dentry, umask uint32) *Context {
	c := &Context{root: root, cwd: cwd, umask: umask}
	c.refs.Store(1)
	c.lock.Init(locks.FsLock)
	return c
}

// Get takes another reference, for a task that shares the context (CLONE_FS).
func (c *Context) Get() *Context {
	c.refs.Add(1)
	return c
}

// Put drops a reference.
func (c *Context) Put() { c.refs.Add(-1) }

// Copy returns a context of its own with the same contents, for fork.
func (c *Context) Copy() *Context {
	root, cwd := c.Dirs()
	return newContext(root, cwd, c.Umask())
}

// Dirs are the root and the working directory.
func (c *Context) Dirs() (root, cwd *Dentry) {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.root, c.cwd
}

// Umask are the permission bits that new files do not get.
func (c *Context) Umask() uint32 {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.umask
}

// SetUmask is umask(2).
func (c *Context) SetUmask(mask uint32) (old uint32) {
	c.lock.Lock()
	defer c.lock.Unlock()
	old, c.umask = c.umask, mask&0o777
	return old
}

// setRoot and setCwd are the ends of chroot and chdir, after all checks.
func (c *Context) setRoot(d *Dentry) {
	c.lock.Lock()
	c.root = d
	c.lock.Unlock()
}

func (c *Context) setCwd(d *Dentry) {
	c.lock.Lock()
	c.cwd = d
	c.lock.Unlock()
}

// Getcwd is the path of the working directory, with "(unreachable)" before it
// when it lies outside the root. ENOENT: the directory was removed.
func (c *Context) Getcwd() (string, syscall.Errno) {
	root, cwd := c.Dirs()
	if cwd.removed() {
		return "", syscall.ENOENT
	}
	path, ok := PathOf(root, cwd)
	if !ok {
		return "(unreachable)" + path, 0
	}
	return path, 0
}
