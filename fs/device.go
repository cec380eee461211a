package fs

import (
	"syscall"
)

// Makedev is the device number of major and minor, in Linux's encoding.
func Makedev(major, minor uint32) uint64 {
	return uint64(minor&0xff) | uint64(major&0xfff)<<8 | uint64(minor&^0xff)<<12
}

// devices are the openers of device nodes: by S_IFCHR or S_IFBLK and number.
// Filled during start-up, read only afterwards.
var devices = map[deviceKey]func(f *File) syscall.Errno{}

type deviceKey struct {
	typ  uint32
	rdev uint64
}

// registerDevice says how to open device nodes of a type and number: open sets
// the file's operations. Start-up only.
func registerDevice(typ uint32, rdev uint64, open func(f *File) syscall.Errno) {
	devices[deviceKey{typ, rdev}] = open
}

// deviceInode is the InodeOps of device nodes.
type deviceInode struct{ NoInode }

// Open asks the device. ENXIO: there is none.
func (deviceInode) Open(f *File) syscall.Errno {
	open := devices[deviceKey{f.inode.typ, f.inode.rdev}]
	if open == nil {
		return syscall.ENXIO
	}
	return open(f)
}
