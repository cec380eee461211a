package fs

import (
	"sort"
	"strings"
	"syscall"
)

// Dentry is one name of an inode and its place in the tree.
//
// The file systems in RAM keep every dentry below its parent's kids; those on a
// disk keep in sb.names the ones that somebody has; others make one at each lookup. A dentry that was removed stays usable by
// those who still hold it (open files, working directories).
type Dentry struct {
	// Immutable.
	sb    *SuperBlock
	inode *Inode
	anon  bool // names an object outside every tree, "pipe:[7]"

	// Guarded by sb.tree.
	name   string
	parent *Dentry // nil for a root
	gone   bool    // removed from its parent
	seq    int64   // place among its siblings, grows with time: the getdents cookie
	kids   map[string]*Dentry
	order  []*Dentry // kids by seq
	last   int64     // seq of the newest kid ever

	mounted *Dentry // root of the file system mounted here; guarded by mountLock
}

// Inode is what the name stands for.
func (d *Dentry) Inode() *Inode { return d.inode }

// newAnon names an inode outside every tree.
func newAnon(name string, i *Inode) *Dentry {
	return &Dentry{sb: i.sb, inode: i, name: name, anon: true}
}

// firstCookie leaves room for "." and ".." before the children.
const firstCookie = 2

// addKid enters child under name. Tree lock held for writing.
func (d *Dentry) addKid(name string, child *Dentry) {
	if d.sb.names != nil {
		child.name, child.parent, child.gone = name, d, false
		d.sb.names.put(d, child)
		return
	}
	if d.kids == nil {
		d.kids = make(map[string]*Dentry)
		d.last = firstCookie
	}
	d.last++
	child.name, child.parent, child.seq, child.gone = name, d, d.last, false
	d.kids[name] = child
	d.order = append(d.order, child)
}

// delKid takes child out. Tree lock held for writing.
func (d *Dentry) delKid(child *Dentry) {
	if d.sb.names != nil {
		d.sb.names.drop(d, child.name)
		child.gone = true
		return
	}
	delete(d.kids, child.name)
	if k := d.after(child.seq - 1); k < len(d.order) && d.order[k] == child {
		d.order = append(d.order[:k], d.order[k+1:]...)
	}
	child.gone = true
}

// empty reports whether a directory has no entries. Tree lock held. EIO, EUCLEAN.
func (d *Dentry) empty() (bool, syscall.Errno) {
	if len(d.kids) != 0 {
		return false, 0
	}
	return d.inode.ops.Empty(d.inode)
}

// after is the index of the first kid with a cookie beyond seq.
func (d *Dentry) after(seq int64) int {
	return sort.Search(len(d.order), func(k int) bool { return d.order[k].seq > seq })
}

// kid finds an entry. Tree lock held. ENOENT.
func (d *Dentry) kid(name string) (*Dentry, syscall.Errno) {
	if c := d.kids[name]; c != nil {
		return c, 0
	}
	return d.inode.ops.Lookup(d, name)
}

// removed reports whether d was taken out of its directory. Takes the tree lock.
func (d *Dentry) removed() bool {
	d.sb.tree.RLock()
	defer d.sb.tree.RUnlock()
	return d.gone
}

// within reports whether d is dir or lies below it. Tree lock held.
func (d *Dentry) within(dir *Dentry) bool {
	for ; d != nil; d = d.parent {
		if d == dir {
			return true
		}
	}
	return false
}

// PathOf is the path from root to d, " (deleted)" appended if it has none any
// more, and whether d can be reached from root at all. Takes tree locks for reading.
func PathOf(root, d *Dentry) (path string, reachable bool) {
	if d.anon {
		return d.name, true
	}
	var parts []string
	deleted := false
	for d != root {
		if d == d.sb.root {
			o := up(d)
			if o == d {
				break
			}
			d = o
			continue
		}
		sb := d.sb
		sb.tree.RLock()
		parts = append(parts, d.name)
		deleted = deleted || d.gone
		d = d.parent
		sb.tree.RUnlock()
	}
	reachable = d == root
	for l, r := 0, len(parts)-1; l < r; l, r = l+1, r-1 {
		parts[l], parts[r] = parts[r], parts[l]
	}
	path = "/" + strings.Join(parts, "/")
	if deleted {
		path += " (deleted)"
	}
	return path, reachable
}
