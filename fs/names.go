package fs

import (
	"weak"

	"yolk/locks"
)

// nameCache knows the dentries of a file system on a disk that are in use, so that
// a name has one dentry however often it is looked up. It keeps none alive: a
// dentry ends when no open file, directory or dentry below it has it any more.
type nameCache struct {
	mu     locks.Mutex // dcache_sem; guards what follows. Changes of names hold the tree lock too
	known  map[nameKey]weak.Pointer[Dentry]
	pruned int // entries of known after the last sweep
}

// nameKey is a name and the directory, by inode number, that it is in.
type nameKey struct {
	dir  uint64
	name string
}

func newNameCache() *nameCache {
	c := &nameCache{known: make(map[nameKey]weak.Pointer[Dentry])}
	c.mu.Init(locks.DcacheSem)
	return c
}

// put enters d, a child of dir.
func (c *nameCache) put(dir, d *Dentry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.putLocked(dir, d)
}

func (c *nameCache) putLocked(dir, d *Dentry) {
	if len(c.known) > 2*c.pruned+256 {
		for k, w := range c.known {
			if w.Value() == nil {
				delete(c.known, k)
			}
		}
		c.pruned = len(c.known)
	}
	c.known[nameKey{dir.inode.ino, d.name}] = weak.Make(d)
}

// drop forgets a name that was removed.
func (c *nameCache) drop(dir *Dentry, name string) {
	c.mu.Lock()
	delete(c.known, nameKey{dir.inode.ino, name})
	c.mu.Unlock()
}

// find returns the dentry of a name, or nil.
func (c *nameCache) find(dir *Dentry, name string) *Dentry {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known[nameKey{dir.inode.ino, name}].Value()
}

// findOrPut returns the dentry of a name, which is a new one of i if there is none.
func (c *nameCache) findOrPut(dir *Dentry, name string, i *Inode) *Dentry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := c.known[nameKey{dir.inode.ino, name}].Value(); d != nil {
		return d
	}
	d := &Dentry{sb: dir.sb, inode: i, name: name, parent: dir}
	c.putLocked(dir, d)
	return d
}

// busy reports whether one of the files is open. c may be nil.
func (c *nameCache) busy() bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range c.known {
		if d := w.Value(); d != nil {
			d.inode.attrLock.Lock()
			refs := d.inode.refs
			d.inode.attrLock.Unlock()
			if refs > 0 {
				return true
			}
		}
	}
	return false
}
