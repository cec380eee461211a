package syscall

import (
	errno "syscall"

	"yolk/drivers/blk"
	"yolk/fs"
	"yolk/mm"
	"yolk/proc"
)

func init() {
	Register(167, "swapon", sysSwapon)
	Register(168, "swapoff", sysSwapoff)
}

// The flags of swapon(2).
const (
	swapFlagPrefer   = 0x8000
	swapFlagPrioMask = 0x7fff
	swapFlagDiscard  = 0x70000 // accepted, for nothing depends on it
)

// swapDevices are the block devices that can be swapped to, by device number.
// Filled during start-up, read only afterwards.
var swapDevices = map[uint64]blk.Device{}

// RegisterSwapDevice lets swapon and swapoff find the device behind the block
// device nodes with number rdev. Start-up only.
func RegisterSwapDevice(rdev uint64, dev blk.Device) { swapDevices[rdev] = dev }

// swapDevice returns the device behind a node of /dev. EINVAL: d is no block device;
// ENXIO: there is none with its number.
func swapDevice(d *fs.Dentry) (blk.Device, errno.Errno) {
	if d.Inode().Type() != errno.S_IFBLK {
		return nil, errno.EINVAL
	}
	dev := swapDevices[d.Inode().Stat().Rdev]
	if dev == nil {
		return nil, errno.ENXIO
	}
	return dev, 0
}

// sysSwapon begins to swap to a device or a file on one. EPERM without CAP_SYS_ADMIN or with too
// many areas; EINVAL bad flags, no block device, no file without holes on one, no SWAPSPACE2
// header; EBUSY; ETXTBSY the file is open for writing.
func sysSwapon(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if !t.Creds().Capable(proc.CapSysAdmin) {
		return 0, errno.EPERM
	}
	flags := int(int32(a[1]))
	if flags&^(swapFlagPrefer|swapFlagPrioMask|swapFlagDiscard) != 0 {
		return 0, errno.EINVAL
	}
	prio := -1
	if flags&swapFlagPrefer != 0 {
		prio = flags & swapFlagPrioMask
	}
	d, e := resolveAt(t, cwdArg, a[0], 0)
	if e != 0 {
		return 0, e
	}
	if d.Inode().Type() == errno.S_IFREG {
		s, e := fs.OpenSwapFile(d)
		if e != 0 {
			return 0, e
		}
		if e = mm.SwapOn(s, prio); e != 0 {
			s.Close()
		}
		return 0, e
	}
	dev, e := swapDevice(d)
	if e != 0 {
		return 0, e
	}
	return 0, mm.SwapOn(dev, prio)
}

// sysSwapoff stops swapping to a device or file. EPERM, EINVAL not in use, ENOMEM what
// it holds does not fit elsewhere.
func sysSwapoff(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	if !t.Creds().Capable(proc.CapSysAdmin) {
		return 0, errno.EPERM
	}
	d, e := resolveAt(t, cwdArg, a[0], 0)
	if e != 0 {
		return 0, e
	}
	if d.Inode().Type() == errno.S_IFREG {
		s := fs.SwapFileOf(d)
		if s == nil {
			return 0, errno.EINVAL
		}
		e := mm.SwapOff(s.Name())
		if e == 0 {
			s.Close()
		}
		return 0, e
	}
	dev, e := swapDevice(d)
	if e == errno.ENXIO {
		e = errno.EINVAL
	}
	if e != 0 {
		return 0, e
	}
	return 0, mm.SwapOff(dev.Name())
}
