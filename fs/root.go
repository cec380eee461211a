package fs

import (
	"syscall"

	"yolk/mm"
)

// Root is the root directory of the system. Before Init it is an empty one.
func Root() *Dentry { return rootFS.root }

var rootFS = newRamFS("tmpfs", "tmpfs", 0o755, 0)

// Init makes the root file system from archive, a newc cpio whose bytes must stay
// as they are for ever, and mounts /dev, /proc, /sys and /tmp's like. The error
// says what of the archive could not be used; the system is usable nonetheless.
// Start-up only, after mm.Init.
func Init(archive []byte) error {
	limit := int64(mm.TotalPages()) / 2
	rootFS = newRamFS("tmpfs", "tmpfs", 0o755, limit)
	mountRoot(rootFS)
	err := unpackCpio(rootFS.root, archive)
	c := rootCaller()
	for _, dir := range []string{"dev", "proc", "sys", "root", "dev/shm"} {
		c.Mkdir(nil, dir, 0o755)
	}
	for _, dir := range []string{"tmp", "dev/shm"} {
		c.Mkdir(nil, dir, 0o777)
		if d, e := c.Resolve(nil, dir, true); e == 0 {
			c.Chmod(d.inode, 0o1777)
		}
	}
	makeDev(c)
	registerMounts()
	registerCPUs()
	registerKSM()
	for _, m := range []struct {
		sb *SuperBlock
		at string
	}{{procFS, "/proc"}, {sysFS, "/sys"}} {
		if d, e := c.Resolve(nil, m.at, true); e == 0 {
			mountOn(m.sb, d)
		}
	}
	return err
}

// rootCaller is the kernel itself: all rights, and umask 0.
func rootCaller() Caller { return Caller{FS: newContext(Root(), Root(), 0), Cred: RootCred} }

// makeNode makes a device node, replacing what the archive may have there.
func makeNode(path string, mode uint32, rdev uint64) {
	c := rootCaller()
	c.Unlink(nil, path)
	c.Mknod(nil, path, mode, rdev)
}

// makeDev fills /dev.
func makeDev(c Caller) {
	for _, n := range []struct {
		name         string
		major, minor uint32
	}{
		{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9},
		{"tty", 5, 0}, {"console", 5, 1},
	} {
		makeNode("/dev/"+n.name, syscall.S_IFCHR|0o666, Makedev(n.major, n.minor))
	}
	for name, target := range map[string]string{
		"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	} {
		c.Symlink(target, nil, "/dev/"+name)
	}
}
