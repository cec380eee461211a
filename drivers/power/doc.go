// Package power ends the machine.
//
// It owns QEMU's isa-debug-exit port, the sleep register of the chipset's power
// management and the reset port. There is no lock: of several CPUs that end the
// machine the first wins. Callers are the kernel's exit and panic paths.
package power
