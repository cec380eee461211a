package fs

import "syscall"

// dirFile is the FileOps of open directories of every kind.
type dirFile struct{ NoFile }

func openDir(f *File) syscall.Errno {
	f.ops, f.kind = dirFile{}, kindSeek
	return 0
}

// Read refuses.
func (dirFile) Read(*File, []byte, int64) (int, syscall.Errno) { return 0, syscall.EISDIR }

// dynCookie is where the cookies of entries without a dentry start.
const dynCookie = int64(1) << 40

// ReadDir lists ".", "..", the cached children and then those of the file system.
// ENOENT: the directory was removed.
func (dirFile) ReadDir(f *File, pos int64, emit DirEmit) (int64, syscall.Errno) {
	d := f.dentry
	parent := d
	if o := up(d); o != d && o.parent != nil {
		parent = o
	}
	d.sb.tree.RLock()
	defer d.sb.tree.RUnlock()
	if d.gone {
		return pos, syscall.ENOENT
	}
	if d.parent != nil {
		parent = d.parent
	}
	if pos <= 0 {
		if !emit(".", d.inode.ino, syscall.S_IFDIR, 1) {
			return pos, 0
		}
		pos = 1
	}
	if pos == 1 {
		if !emit("..", parent.inode.ino, syscall.S_IFDIR, firstCookie) {
			return pos, 0
		}
		pos = firstCookie
	}
	for k := d.after(pos); k < len(d.order); k++ {
		c := d.order[k]
		if !emit(c.name, c.inode.ino, c.inode.typ, c.seq) {
			return pos, 0
		}
		pos = c.seq
	}
	pos = max(pos, dynCookie)
	d.inode.ops.ReadDir(d, int(pos-dynCookie), func(name string, ino uint64, typ uint32) bool {
		if !emit(name, ino, typ, pos+1) {
			return false
		}
		pos++
		return true
	})
	return pos, 0
}

// End is 0: nobody counts the entries.
func (dirFile) End(*File) (int64, syscall.Errno) { return 0, 0 }

// MoreEntries reports whether a directory has entries from pos on.
func (f *File) MoreEntries(pos int64) bool {
	more := false
	f.ops.ReadDir(f, pos, func(string, uint64, uint32, int64) bool {
		more = true
		return false
	})
	return more
}
