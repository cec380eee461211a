package machine

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// ports names the serial channels in the order of their COM numbers, which is
// the order QEMU gives to its -serial arguments.
var ports = [...]string{"log", "stdio", "stderr", "control"}

// monitor is the channel that follows those of ports: QEMU's own monitor.
const monitor = len(ports)

// firstFD is the number that a child sees its first inherited descriptor under.
const firstFD = 3

// commandLine is QEMU's argument list, and the descriptors it inherits in order.
// far holds the far ends of the channels: ports in order, then the monitor.
func commandLine(c *Config, far []*os.File) (args []string, inherit []*os.File) {
	pass := func(f *os.File) int {
		inherit = append(inherit, f)
		return firstFD + len(inherit) - 1
	}
	add := func(a ...string) { args = append(args, a...) }

	add("-machine", "q35", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot")
	add("-m", strconv.FormatInt(c.Memory, 10)+"B", "-smp", strconv.Itoa(max(c.CPUs, 1)))
	add(accelArgs(c)...)
	add("-kernel", c.Kernel)
	params := c.Params
	if c.ICount {
		// The guest's clock leaps to the next timer while a disk is at work: there is no
		// telling how long that takes. What the user says comes after it.
		params = strings.TrimSpace("disk_timeout=0 " + params)
	}
	if params != "" {
		add("-append", params)
	}
	if c.Initrd != nil {
		add("-initrd", fdPath(pass(c.Initrd)))
	}
	for i, name := range ports {
		add("-chardev", fmt.Sprintf("socket,id=%s,fd=%d", name, pass(far[i])))
		add("-serial", "chardev:"+name)
	}
	add("-chardev", fmt.Sprintf("socket,id=monitor,fd=%d", pass(far[monitor])))
	add("-mon", "chardev=monitor,mode=readline")
	for _, d := range c.Disks {
		// The image has no other user (locks on it would be taken through a
		// descriptor that we hold as well), and its contents need not outlive a
		// crash of the host unless the guest flushes.
		add("-drive", fmt.Sprintf("if=none,id=%s,format=raw,file=%s,file.locking=off,cache=writeback,discard=unmap",
			d.Serial, fdPath(pass(d.File))))
		add("-device", fmt.Sprintf("virtio-blk-pci,drive=%s,serial=%s,disable-legacy=on", d.Serial, d.Serial))
	}
	add("-device", "isa-debug-exit,iobase=0xf4,iosize=4")
	if c.GDB {
		add("-gdb", "tcp:127.0.0.1:1234", "-S")
	}
	return append(args, c.Extra...), inherit
}

func accelArgs(c *Config) []string {
	switch {
	case c.ICount:
		// The same random numbers, too: they decide where programs lie in memory.
		return []string{"-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-cpu", "max", "-seed", "1"}
	case c.Accel == KVM:
		return []string{"-accel", "kvm", "-cpu", "max"}
	default:
		return []string{"-accel", "tcg,thread=multi", "-cpu", "max"}
	}
}

func fdPath(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }
