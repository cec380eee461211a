package main

import (
	"os"
	"os/exec"
	"syscall"
	"time"

	"yolk/qemu/machine"
)

// probeTime bounds the probe for KVM.
const probeTime = time.Second

// chooseAccel decides for -accel auto. That /dev/kvm opens proves little: on some
// hosts QEMU dies at once, or stops with "emulation failure" at the first
// instructions of the firmware. So a machine without a kernel is started, and KVM
// is used if the firmware gets as far as its first message.
func chooseAccel(o *options, qemu string) machine.Accel {
	switch {
	case o.icount || o.accel == "tcg":
		return machine.TCG
	case o.accel == "kvm":
		return machine.KVM
	}
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return machine.TCG
	}
	_ = f.Close()
	if probeKVM(qemu) {
		return machine.KVM
	}
	return machine.TCG
}

func probeKVM(qemu string) bool {
	cmd := exec.Command(qemu, "-machine", "q35", "-accel", "kvm", "-cpu", "max", "-m", "24M", "-nodefaults",
		"-no-user-config", "-display", "none", "-no-reboot",
		"-chardev", "stdio,id=firmware,signal=off", "-device", "isa-debugcon,iobase=0x402,chardev=firmware")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil || cmd.Start() != nil {
		return false
	}
	spoke := make(chan bool, 1)
	go func() {
		n, _ := out.Read(make([]byte, 1))
		spoke <- n == 1
	}()
	ok := false
	select {
	case ok = <-spoke:
	case <-time.After(probeTime):
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return ok
}
