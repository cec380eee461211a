package syscall

import (
	errno "syscall"

	"yolk/proc"
)

func init() { Register(errno.SYS_REBOOT, "reboot", sysReboot) }

// powerOff ends the machine; it does not return.
var powerOff func()

// SetPowerOff sets what reboot(2) calls. Start-up only.
func SetPowerOff(f func()) { powerOff = f }

// The second magic number of reboot(2): birthdays.
var rebootMagic = map[uint32]bool{672274793: true, 85072278: true, 369367448: true, 537993216: true}

// sysReboot ends the machine whatever the command that ends it: QEMU does not start
// it again. EPERM; EINVAL the magic numbers, or a command that there is not.
func sysReboot(t *proc.Task, a *Args) (uintptr, errno.Errno) {
	const magic = 0xfee1dead
	switch {
	case !t.Creds().Capable(proc.CapSysBoot):
		return 0, errno.EPERM
	case uint32(a[0]) != magic || !rebootMagic[uint32(a[1])]:
		return 0, errno.EINVAL
	}
	switch uint32(a[2]) {
	case errno.LINUX_REBOOT_CMD_CAD_ON, errno.LINUX_REBOOT_CMD_CAD_OFF: // there is no such key
		return 0, 0
	case errno.LINUX_REBOOT_CMD_RESTART, errno.LINUX_REBOOT_CMD_RESTART2, errno.LINUX_REBOOT_CMD_HALT, errno.LINUX_REBOOT_CMD_POWER_OFF:
		powerOff()
	}
	return 0, errno.EINVAL
}
