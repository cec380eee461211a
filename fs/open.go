package fs

import "syscall"

// oTmpfile is O_TMPFILE without O_DIRECTORY, which is part of it.
const oTmpfile = 0x400000

// accessWanted are the rights an open with these flags asks for.
func accessWanted(flags uint32) uint32 {
	want := uint32(0)
	switch flags & syscall.O_ACCMODE {
	case syscall.O_RDONLY:
		want = MayRead
	case syscall.O_WRONLY:
		want = MayWrite
	default:
		want = MayRead | MayWrite
	}
	if flags&syscall.O_TRUNC != 0 {
		want |= MayWrite
	}
	return want
}

// Open is open(2): the open file has one reference, the caller's.
// Errno as in open(2).
func (c Caller) Open(at *Dentry, path string, flags, mode uint32) (*File, syscall.Errno) {
	if flags&oTmpfile != 0 {
		return nil, syscall.EOPNOTSUPP
	}
	if flags&OPath != 0 {
		flags &= OPath | syscall.O_DIRECTORY | syscall.O_NOFOLLOW | syscall.O_CLOEXEC
	}
	d, created, e := c.openTarget(at, path, flags, mode)
	if e != 0 {
		return nil, e
	}
	if !created {
		if e := c.mayOpen(d, flags); e != 0 {
			return nil, e
		}
	}
	return openDentry(d, flags, created)
}

// openTarget finds what is to be opened, and with O_CREAT makes it if it is missing.
func (c Caller) openTarget(at *Dentry, path string, flags, mode uint32) (d *Dentry, created bool, e syscall.Errno) {
	w, at := c.begin(at)
	for {
		dir, last, slash, e := w.parent(at, path)
		if e != 0 {
			return nil, false, e
		}
		d, e := w.step(dir, last, false)
		if e == syscall.ENOENT && flags&syscall.O_CREAT != 0 {
			if slash {
				return nil, false, syscall.EISDIR
			}
			d, e = c.create(dir, last, syscall.S_IFREG|mode&^c.FS.Umask()&0o7777, 0, "")
			if e == syscall.EEXIST && flags&syscall.O_EXCL == 0 {
				continue // somebody else was faster
			}
			return d, e == 0, e
		}
		switch {
		case e != 0:
			return nil, false, e
		case flags&(syscall.O_CREAT|syscall.O_EXCL) == syscall.O_CREAT|syscall.O_EXCL:
			return nil, false, syscall.EEXIST
		case d.inode.typ != syscall.S_IFLNK:
			if (slash || flags&syscall.O_DIRECTORY != 0) && !d.inode.IsDir() {
				return nil, false, syscall.ENOTDIR
			}
			return d, false, 0
		case flags&syscall.O_NOFOLLOW != 0 && !slash:
			if flags&OPath != 0 {
				return d, false, 0
			}
			return nil, false, syscall.ELOOP
		}
		if w.links++; w.links > maxLinks {
			return nil, false, syscall.ELOOP
		}
		if to, ok, e := d.inode.ops.Follow(d.inode); ok || e != 0 {
			return to, false, e
		}
		text, e := d.inode.ops.Readlink(d.inode)
		if e != 0 {
			return nil, false, e
		}
		if slash {
			text += "/"
		}
		at, path = dir, text
	}
}

// mayOpen checks that an existing file may be opened with flags.
func (c Caller) mayOpen(d *Dentry, flags uint32) syscall.Errno {
	i := d.inode
	if flags&OPath != 0 {
		return 0
	}
	want := accessWanted(flags)
	if i.IsDir() && (want&MayWrite != 0 || flags&syscall.O_CREAT != 0) {
		return syscall.EISDIR
	}
	if e := i.permission(c.Cred, want); e != 0 {
		return e
	}
	if flags&syscall.O_NOATIME != 0 && !i.owns(c.Cred) {
		return syscall.EPERM
	}
	return 0
}

// openDentry makes the open file of d, after all checks.
func openDentry(d *Dentry, flags uint32, created bool) (*File, syscall.Errno) {
	const forget = syscall.O_CREAT | syscall.O_EXCL | syscall.O_TRUNC | syscall.O_NOCTTY | syscall.O_CLOEXEC
	f, e := newFile(d, flags&^forget|syscall.O_LARGEFILE)
	if e != 0 {
		return nil, e
	}
	if flags&OPath != 0 {
		f.ops = pathFile{}
		return f, 0
	}
	if e = d.inode.startWrite(f); e == 0 {
		if e = d.inode.ops.Open(f); e != 0 {
			d.inode.endWrite(f)
		}
	}
	if e == 0 && flags&syscall.O_TRUNC != 0 && !created && d.inode.typ == syscall.S_IFREG {
		if e = d.inode.truncate(0); e != 0 {
			f.Put()
			return nil, e
		}
	}
	if e != 0 {
		f.inode.put()
		return nil, e
	}
	return f, 0
}

// pathFile is a file opened with O_PATH: it only stands for its place.
type pathFile struct{ NoFile }

// Read refuses.
func (pathFile) Read(*File, []byte, int64) (int, syscall.Errno) { return 0, syscall.EBADF }

// Ioctl refuses.
func (pathFile) Ioctl(*File, uint32, UserMem, uintptr) (uintptr, syscall.Errno) {
	return 0, syscall.EBADF
}

// startWrite counts f among the writers of a regular file. ETXTBSY: it is being executed.
func (i *Inode) startWrite(f *File) syscall.Errno {
	if i.typ != syscall.S_IFREG || !f.CanWrite() {
		return 0
	}
	return i.addWriter()
}

func (i *Inode) endWrite(f *File) {
	if i.typ == syscall.S_IFREG && f.CanWrite() {
		i.removeWriter()
	}
}

// addWriter keeps i from being executed until removeWriter. ETXTBSY: it is already.
func (i *Inode) addWriter() syscall.Errno {
	i.attrLock.Lock()
	defer i.attrLock.Unlock()
	if i.writers < 0 {
		return syscall.ETXTBSY
	}
	i.writers++
	return 0
}

func (i *Inode) removeWriter() {
	i.attrLock.Lock()
	i.writers--
	i.attrLock.Unlock()
}

// truncate cuts a regular file that need not be open for writing: truncate(2), and
// O_TRUNC. ETXTBSY: it is being executed; else what the file system gives.
func (i *Inode) truncate(size int64) syscall.Errno {
	if e := i.addWriter(); e != 0 {
		return e
	}
	defer i.removeWriter()
	return i.ops.Truncate(i, size)
}

// DenyWrite keeps writers away from f while it is executed (deny_write_access).
// ETXTBSY: it is open for writing. AllowWrite ends it.
func (f *File) DenyWrite() syscall.Errno {
	f.inode.attrLock.Lock()
	defer f.inode.attrLock.Unlock()
	if f.inode.writers > 0 {
		return syscall.ETXTBSY
	}
	f.inode.writers--
	return 0
}

// AllowWrite takes a DenyWrite back.
func (f *File) AllowWrite() {
	f.inode.attrLock.Lock()
	f.inode.writers++
	f.inode.attrLock.Unlock()
}

// OpenExec opens path for execve: a regular file that c may execute.
// EACCES: it is not, or may not be.
func (c Caller) OpenExec(at *Dentry, path string) (*File, syscall.Errno) {
	d, e := c.Resolve(at, path, true)
	if e != 0 {
		return nil, e
	}
	return c.OpenExecDentry(d)
}

// OpenExecDentry is OpenExec for what was found already (AT_EMPTY_PATH).
func (c Caller) OpenExecDentry(d *Dentry) (*File, syscall.Errno) {
	if d.inode.typ != syscall.S_IFREG {
		return nil, syscall.EACCES
	}
	if e := d.inode.permission(c.Cred, MayExec); e != 0 {
		return nil, e
	}
	return openDentry(d, syscall.O_RDONLY, false)
}
