package fs

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// mountOn covers directory d with sb. EBUSY: sb is mounted already; ENOTDIR.
func mountOn(sb *SuperBlock, d *Dentry) syscall.Errno {
	if !d.inode.IsDir() {
		return syscall.ENOTDIR
	}
	mountLock.Lock()
	old := len(mounts)
	mountLock.Unlock()
	room := make([]*SuperBlock, 0, old+8) // memory is not asked for under the lock
	mountLock.Lock()
	defer mountLock.Unlock()
	if sb.covers != nil || d.mounted != nil || len(mounts) >= cap(room) {
		return syscall.EBUSY
	}
	d.mounted, sb.covers = sb.root, d
	mounts = append(append(room, mounts...), sb)
	return 0
}

// Flags of mount(2) and umount2(2) that package fs looks at.
const (
	MSRemount  = 0x20
	MSBind     = 0x1000
	MSMove     = 0x2000
	MNTDetach  = 2
	changeOnly = 1<<17 | 1<<18 | 1<<19 | 1<<20 // MS_UNBINDABLE and so on: propagation
)

// Mount is mount(2). ENODEV: no such file system type; EPERM: not the superuser;
// ENOTBLK, EINVAL, EUCLEAN, EIO: the disk; EBUSY: it, or /proc or /sys, which can be mounted in one place only; EINVAL: a bind or
// move, or options.
func (c Caller) Mount(source string, d *Dentry, fsType string, flags uintptr, options string) syscall.Errno {
	switch {
	case c.Cred.UID != 0:
		return syscall.EPERM
	case flags&(MSRemount|changeOnly) != 0:
		return 0 // there is no option that could change
	case flags&(MSBind|MSMove) != 0:
		return syscall.EINVAL
	}
	switch fsType {
	case "tmpfs", "ramfs":
		mode, limit, e := ramOptions(options)
		if e != 0 {
			return e
		}
		return mountOn(newRamFS(fsType, source, mode, limit), d)
	case "ext2":
		return c.mountDisk(source, d)
	case "proc":
		return mountOn(procFS, d)
	case "sysfs":
		return mountOn(sysFS, d)
	}
	return syscall.ENODEV
}

// ramOptions parses the mount options of tmpfs: mode=OCTAL, size=BYTES with k, m,
// g or %. Others are ignored. limit is in pages. EINVAL.
func ramOptions(options string) (mode uint32, limit int64, e syscall.Errno) {
	mode, limit = 0o1777, rootFS.root.inode.ops.(ramDir).store.limit
	for _, o := range strings.Split(options, ",") {
		key, value, _ := strings.Cut(o, "=")
		switch key {
		case "mode":
			m, err := strconv.ParseUint(value, 8, 12)
			if err != nil {
				return 0, 0, syscall.EINVAL
			}
			mode = uint32(m)
		case "size":
			if limit, e = parseSize(value, limit); e != 0 {
				return 0, 0, e
			}
		}
	}
	return mode, limit, 0
}

// parseSize returns a size in pages; half is what 50% means.
func parseSize(s string, half int64) (int64, syscall.Errno) {
	num := strings.TrimRight(s, "kKmMgG%")
	n, err := strconv.ParseInt(num, 10, 33)
	if err != nil || n < 0 || len(s)-len(num) > 1 {
		return 0, syscall.EINVAL
	}
	switch strings.ToLower(s[len(num):]) {
	case "k":
		n <<= 10
	case "m":
		n <<= 20
	case "g":
		n <<= 30
	case "%":
		return n * half / 50, 0
	}
	return int64(pageRange(n)), 0
}

// Unmount is umount2(2). EINVAL: d is not the root of a mount; EBUSY: something is
// mounted or open inside, and flags has not MNT_DETACH; EPERM: not the superuser.
func (c Caller) Unmount(d *Dentry, flags uintptr) syscall.Errno {
	if c.Cred.UID != 0 {
		return syscall.EPERM
	}
	sb := d.sb
	if d != sb.root {
		return syscall.EINVAL
	}
	if flags&MNTDetach == 0 && (sb.busy(sb.root) || sb.names.busy()) {
		return syscall.EBUSY
	}
	if e := uncover(sb); e != 0 {
		return e
	}
	if _, ok := sb.root.inode.ops.(ramDir); ok {
		sb.discard()
	}
	if sb.disk != nil {
		return sb.disk.close()
	}
	return 0
}

// uncover takes sb off the directory it covers.
func uncover(sb *SuperBlock) syscall.Errno {
	mountLock.Lock()
	defer mountLock.Unlock()
	if sb.covers == nil {
		return syscall.EINVAL
	}
	for _, m := range mounts {
		if m.covers != nil && m.covers.sb == sb {
			return syscall.EBUSY
		}
	}
	sb.covers.mounted, sb.covers = nil, nil
	mounts = slices.DeleteFunc(mounts, func(m *SuperBlock) bool { return m == sb })
	return 0
}

// busy reports whether a file below d is open.
func (sb *SuperBlock) busy(d *Dentry) bool {
	sb.tree.RLock()
	defer sb.tree.RUnlock()
	return anyBelow(d, func(d *Dentry) bool {
		d.inode.attrLock.Lock()
		defer d.inode.attrLock.Unlock()
		return d.inode.refs > 0
	})
}

// anyBelow reports whether f holds for d or a dentry below it. Tree lock held.
func anyBelow(d *Dentry, f func(*Dentry) bool) bool {
	if f(d) {
		return true
	}
	return slices.ContainsFunc(d.order, func(k *Dentry) bool { return anyBelow(k, f) })
}

// discard takes the names of all files of an unmounted file system away: their
// contents go as soon as nobody has them open.
func (sb *SuperBlock) discard() {
	sb.tree.Lock()
	defer sb.tree.Unlock()
	anyBelow(sb.root, func(d *Dentry) bool {
		if !d.inode.IsDir() {
			d.inode.addLinks(-1)
		}
		return false
	})
}

// eachMount calls f for each mount with the path of its root.
func eachMount(f func(id int, sb, parent *SuperBlock, path string)) {
	mountLock.Lock()
	list := mounts
	mountLock.Unlock()
	for k, sb := range list {
		mountLock.Lock()
		covers := sb.covers
		mountLock.Unlock()
		if covers == nil {
			f(k, sb, sb, "/")
			continue
		}
		path, _ := PathOf(Root(), covers)
		f(k, sb, covers.sb, path)
	}
}

// writeMounts is the text of /proc/mounts.
func writeMounts(w io.Writer) {
	eachMount(func(_ int, sb, _ *SuperBlock, path string) {
		fmt.Fprintf(w, "%s %s %s rw,relatime 0 0\n", sb.source, path, sb.fsType)
	})
}

// writeMountinfo is the text of /proc/PID/mountinfo.
func writeMountinfo(w io.Writer) {
	eachMount(func(id int, sb, parent *SuperBlock, path string) {
		fmt.Fprintf(w, "%d %d 0:%d / %s rw,relatime - %s %s rw\n", 20+id, 19+parent.dev, sb.dev, path, sb.fsType, sb.source)
	})
}

// mountFiles are the files about mounts that each process has; all see the same.
var mountFiles = []ProcFile{
	{Name: "mounts", Mode: 0o444, Gen: func(_ int, w io.Writer) syscall.Errno { writeMounts(w); return 0 }},
	{Name: "mountinfo", Mode: 0o444, Gen: func(_ int, w io.Writer) syscall.Errno { writeMountinfo(w); return 0 }},
}

// registerMounts makes the files of /proc about file systems.
func registerMounts() {
	RegisterProc("filesystems", func(w io.Writer) {
		for _, name := range []string{"sysfs", "proc", "tmpfs", "ramfs", "pipefs"} {
			fmt.Fprintf(w, "nodev\t%s\n", name)
		}
		fmt.Fprintf(w, "\text2\n")
	})
}
