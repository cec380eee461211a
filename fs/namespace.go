package fs

import "syscall"

// create makes a new entry of directory dir; mode has its S_IFMT bits and is
// umasked already. EEXIST, EACCES, ENOENT (dir was removed), ENOSPC.
func (c Caller) create(dir *Dentry, name string, mode uint32, rdev uint64, target string) (*Dentry, syscall.Errno) {
	if len(name) > NameMax {
		return nil, syscall.ENAMETOOLONG
	}
	dir.sb.tree.Lock()
	defer dir.sb.tree.Unlock()
	if _, e := dir.kid(name); e != syscall.ENOENT {
		if e == 0 {
			e = syscall.EEXIST
		}
		return nil, e
	}
	if dir.gone {
		return nil, syscall.ENOENT
	}
	if e := dir.inode.permission(c.Cred, MayWrite|MayExec); e != 0 {
		return nil, e
	}
	i, e := dir.inode.ops.Make(dir, mode, rdev, target)
	if e != 0 {
		return nil, e
	}
	parent := dir.inode.Attr()
	i.attr.UID, i.attr.GID = c.Cred.UID, c.Cred.GID
	if parent.Mode&syscall.S_ISGID != 0 {
		i.attr.GID = parent.GID
		if i.IsDir() {
			i.attr.Mode |= syscall.S_ISGID
		}
	}
	links := 0
	if i.IsDir() {
		links = 1 // its own ".", and its ".."
	}
	i.addLinks(links)
	if e := dir.inode.ops.Enter(dir, name, i); e != 0 {
		i.addLinks(-1 - links)
		return nil, e
	}
	d := &Dentry{sb: dir.sb, inode: i}
	dir.addKid(name, d)
	if i.IsDir() {
		dir.inode.addLinks(1)
	}
	dir.inode.modified()
	return d, 0
}

// newEntry resolves path to the place of an entry to be made. EEXIST: "." or "..".
func (c Caller) newEntry(at *Dentry, path string, dir bool) (*Dentry, string, syscall.Errno) {
	w, at := c.begin(at)
	parent, last, slash, e := w.parent(at, path)
	if e != 0 {
		return nil, "", e
	}
	if e := w.searchable(parent); e != 0 {
		return nil, "", e
	}
	if last == "." || last == ".." {
		return nil, "", syscall.EEXIST
	}
	if slash && !dir {
		if _, e := w.step(parent, last, false); e == 0 {
			return nil, "", syscall.EEXIST
		}
		return nil, "", syscall.ENOENT
	}
	return parent, last, 0
}

// Mkdir is mkdir(2).
func (c Caller) Mkdir(at *Dentry, path string, mode uint32) syscall.Errno {
	dir, name, e := c.newEntry(at, path, true)
	if e == 0 {
		_, e = c.create(dir, name, syscall.S_IFDIR|mode&^c.FS.Umask()&0o1777, 0, "")
	}
	return e
}

// Mknod is mknod(2). EPERM: a device, and not the superuser; EINVAL.
func (c Caller) Mknod(at *Dentry, path string, mode uint32, rdev uint64) syscall.Errno {
	typ := mode & syscall.S_IFMT
	switch typ {
	case 0:
		typ = syscall.S_IFREG
	case syscall.S_IFREG, syscall.S_IFIFO, syscall.S_IFSOCK:
	case syscall.S_IFCHR, syscall.S_IFBLK:
		if c.Cred.UID != 0 {
			return syscall.EPERM
		}
	case syscall.S_IFDIR:
		return syscall.EPERM
	default:
		return syscall.EINVAL
	}
	dir, name, e := c.newEntry(at, path, false)
	if e == 0 {
		_, e = c.create(dir, name, typ|mode&^c.FS.Umask()&0o7777, rdev, "")
	}
	return e
}

// Symlink is symlink(2).
func (c Caller) Symlink(target string, at *Dentry, path string) syscall.Errno {
	if target == "" {
		return syscall.ENOENT
	}
	dir, name, e := c.newEntry(at, path, false)
	if e == 0 {
		_, e = c.create(dir, name, syscall.S_IFLNK|0o777, 0, target)
	}
	return e
}

// Link makes path another name of old. EPERM: a directory; EXDEV.
func (c Caller) Link(old *Dentry, at *Dentry, path string) syscall.Errno {
	dir, name, e := c.newEntry(at, path, false)
	if e != 0 {
		return e
	}
	if len(name) > NameMax {
		return syscall.ENAMETOOLONG
	}
	dir.sb.tree.Lock()
	defer dir.sb.tree.Unlock()
	if _, e := dir.kid(name); e != syscall.ENOENT {
		if e == 0 {
			e = syscall.EEXIST
		}
		return e
	}
	switch {
	case old.sb != dir.sb:
		return syscall.EXDEV
	case old.inode.IsDir():
		return syscall.EPERM
	case dir.gone, old.inode.Attr().Nlink == 0:
		return syscall.ENOENT
	}
	if e := dir.inode.permission(c.Cred, MayWrite|MayExec); e != 0 {
		return e
	}
	if e := dir.inode.ops.Remove(dir, old); e != 0 { // a tree that lets nothing go takes nothing in
		return e
	}
	if e := dir.inode.ops.Enter(dir, name, old.inode); e != 0 {
		return e
	}
	old.inode.addLinks(1)
	dir.addKid(name, &Dentry{sb: dir.sb, inode: old.inode})
	dir.inode.modified()
	return 0
}

// mayRemove checks that c may take victim out of dir. Tree lock held.
func (c Caller) mayRemove(dir, victim *Dentry) syscall.Errno {
	if e := dir.inode.permission(c.Cred, MayWrite|MayExec); e != 0 {
		return e
	}
	if sticky(c.Cred, dir.inode, victim.inode) {
		return syscall.EPERM
	}
	if down(victim) != victim {
		return syscall.EBUSY
	}
	return dir.inode.ops.Remove(dir, victim)
}

// Unlink is unlink(2). EISDIR: a directory; EBUSY: a mount point.
func (c Caller) Unlink(at *Dentry, path string) syscall.Errno {
	w, at := c.begin(at)
	dir, name, slash, e := w.parent(at, path)
	if e == 0 {
		e = w.searchable(dir)
	}
	if e != 0 {
		return e
	}
	if name == "." || name == ".." {
		return syscall.EISDIR
	}
	dir.sb.tree.Lock()
	victim, e := dir.kid(name)
	if e == 0 {
		e = c.mayRemove(dir, victim)
	}
	if e == 0 && victim.inode.IsDir() {
		e = syscall.EISDIR
	}
	if e == 0 && slash {
		e = syscall.ENOTDIR
	}
	if e == 0 {
		e = dir.inode.ops.Leave(dir, victim)
	}
	if e == 0 {
		dir.delKid(victim)
		dir.inode.modified()
	}
	dir.sb.tree.Unlock()
	if e == 0 {
		victim.inode.addLinks(-1) // may free the contents: not under the tree lock
	}
	return e
}

// Rmdir is rmdir(2). ENOTEMPTY; EINVAL: "."; EBUSY: a root or mount point.
func (c Caller) Rmdir(at *Dentry, path string) syscall.Errno {
	w, at := c.begin(at)
	dir, name, slash, e := w.parent(at, path)
	if e == 0 {
		e = w.searchable(dir)
	}
	switch {
	case e != 0:
		return e
	case name == "." && slash && dir == w.root:
		return syscall.EBUSY
	case name == ".":
		return syscall.EINVAL
	case name == "..":
		return syscall.ENOTEMPTY
	}
	dir.sb.tree.Lock()
	defer dir.sb.tree.Unlock()
	victim, e := dir.kid(name)
	if e != 0 {
		return e
	}
	if e := c.mayRemove(dir, victim); e != 0 {
		return e
	}
	if !victim.inode.IsDir() {
		return syscall.ENOTDIR
	}
	if empty, e := victim.empty(); e != 0 || !empty {
		return orNotEmpty(e)
	}
	if e := dir.inode.ops.Leave(dir, victim); e != 0 {
		return e
	}
	dir.removeDir(victim)
	dir.inode.modified()
	return 0
}

// orNotEmpty is e, or ENOTEMPTY if there is no error.
func orNotEmpty(e syscall.Errno) syscall.Errno {
	if e == 0 {
		return syscall.ENOTEMPTY
	}
	return e
}

// removeDir takes an empty directory out. Tree lock held for writing.
func (d *Dentry) removeDir(victim *Dentry) {
	d.delKid(victim)
	victim.inode.addLinks(-2)
	d.inode.addLinks(-1)
}

// Readlink is readlink(2). EINVAL: no symbolic link.
func (c Caller) Readlink(d *Dentry) (string, syscall.Errno) {
	if d.inode.typ != syscall.S_IFLNK {
		return "", syscall.EINVAL
	}
	return d.inode.ops.Readlink(d.inode)
}

// Chdir makes d the working directory. ENOTDIR, EACCES.
func (c Caller) Chdir(d *Dentry) syscall.Errno {
	w := walk{cred: c.Cred}
	if e := w.searchable(d); e != 0 {
		return e
	}
	c.FS.setCwd(d)
	return 0
}

// Chroot makes d the root. EPERM: not the superuser.
func (c Caller) Chroot(d *Dentry) syscall.Errno {
	w := walk{cred: c.Cred}
	if e := w.searchable(d); e != 0 {
		return e
	}
	if c.Cred.UID != 0 {
		return syscall.EPERM
	}
	c.FS.setRoot(d)
	return 0
}
