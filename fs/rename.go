package fs

import "syscall"

// Flags of renameat2.
const (
	RenameNoReplace = 1
	RenameExchange  = 2
)

// Rename is renameat2(2).
func (c Caller) Rename(oldAt *Dentry, oldPath string, newAt *Dentry, newPath string, flags uint32) syscall.Errno {
	if flags&^(RenameNoReplace|RenameExchange) != 0 || flags == RenameNoReplace|RenameExchange {
		return syscall.EINVAL
	}
	w, oldAt := c.begin(oldAt)
	oldDir, oldName, oldSlash, e := w.parent(oldAt, oldPath)
	if e == 0 {
		e = w.searchable(oldDir)
	}
	if e != 0 {
		return e
	}
	w, newAt = c.begin(newAt)
	newDir, newName, newSlash, e := w.parent(newAt, newPath)
	if e == 0 {
		e = w.searchable(newDir)
	}
	switch {
	case e != 0:
		return e
	case oldDir.sb != newDir.sb:
		return syscall.EXDEV
	case isDots(oldName), isDots(newName):
		return syscall.EBUSY
	case len(newName) > NameMax:
		return syscall.ENAMETOOLONG
	}
	r := renaming{c, oldDir, newDir, oldName, newName, oldSlash || newSlash, flags}
	oldDir.sb.tree.Lock()
	replaced, e := r.run()
	oldDir.sb.tree.Unlock()
	if replaced != nil {
		replaced.addLinks(-1) // may free the contents: not under the tree lock
	}
	return e
}

func isDots(name string) bool { return name == "." || name == ".." }

// renaming is one rename under way, with its paths resolved.
type renaming struct {
	c                Caller
	oldDir, newDir   *Dentry
	oldName, newName string
	slash            bool // a path ended in a slash: only a directory will do
	flags            uint32
}

// run does the rename under the tree lock. It returns the inode that lost its
// name to it, unless that is a directory.
func (r *renaming) run() (replaced *Inode, e syscall.Errno) {
	src, e := r.oldDir.kid(r.oldName)
	if e != 0 {
		return nil, e
	}
	dst, e := r.newDir.kid(r.newName)
	if e != 0 && e != syscall.ENOENT {
		return nil, e
	}
	if e == syscall.ENOENT {
		dst = nil
	}
	if e := r.check(src, dst); e != 0 {
		return nil, e
	}
	if dst != nil && dst.inode == src.inode {
		return nil, 0 // two names of one file: nothing happens
	}
	if e := r.newDir.inode.ops.Rename(src, r.newDir, r.newName, dst, r.flags == RenameExchange); e != 0 {
		return nil, e
	}
	switch {
	case r.flags == RenameExchange:
		r.move(src, r.oldDir, r.newDir, r.newName, dst)
		r.move(dst, r.newDir, r.oldDir, r.oldName, nil)
		return nil, 0
	case dst != nil && dst.inode.IsDir():
		r.newDir.removeDir(dst)
	case dst != nil:
		r.newDir.delKid(dst)
		replaced = dst.inode
	}
	r.move(src, r.oldDir, r.newDir, r.newName, nil)
	return replaced, 0
}

// check applies the rules of rename(2) to the two entries; dst may be nil.
func (r *renaming) check(src, dst *Dentry) syscall.Errno {
	if e := r.c.mayRemove(r.oldDir, src); e != 0 {
		return e
	}
	if dst != nil {
		if r.flags == RenameNoReplace {
			return syscall.EEXIST
		}
		if e := r.c.mayRemove(r.newDir, dst); e != 0 {
			return e
		}
	} else if e := r.newDir.inode.permission(r.c.Cred, MayWrite|MayExec); e != 0 {
		return e
	}
	dir := src.inode.IsDir()
	switch {
	case r.newDir.gone, dst == nil && r.flags == RenameExchange:
		return syscall.ENOENT
	case r.slash && !dir:
		return syscall.ENOTDIR
	case r.newDir.within(src):
		return syscall.EINVAL
	case dst == nil:
		return 0
	case r.oldDir.within(dst):
		if r.flags == RenameExchange {
			return syscall.EINVAL
		}
		return syscall.ENOTEMPTY
	case r.flags == RenameExchange:
		return 0
	case dst.inode.IsDir() && !dir:
		return syscall.EISDIR
	case dir && !dst.inode.IsDir():
		return syscall.ENOTDIR
	}
	if dir {
		if empty, e := dst.empty(); e != 0 || !empty {
			return orNotEmpty(e)
		}
	}
	return 0
}

// move takes d from one directory to the other. In an exchange, out is the entry
// that leaves the name free and will be moved next.
func (r *renaming) move(d, from, to *Dentry, name string, out *Dentry) {
	if !d.gone {
		from.delKid(d)
	}
	if out != nil {
		to.delKid(out)
	}
	to.addKid(name, d)
	if d.inode.IsDir() && from != to {
		from.inode.addLinks(-1)
		to.inode.addLinks(1)
	}
	from.inode.modified()
	to.inode.modified()
	d.inode.addLinks(0) // dates the change
}
