//go:build yolk

package power

import (
	"yolk/arch"
	"yolk/drivers/pci"
)

const (
	portDebugExit = 0xf4  // isa-debug-exit,iobase=0xf4: QEMU ends with status code<<1|1
	portReset     = 0xcf9 // reset control of the chipset
	resetFull     = 0x0e  // reset CPU and devices, now
	portKeyboard  = 0x64  // command port of the keyboard controller
	pulseReset    = 0xfe

	regPMBase   = 0x40 // of the chipset's LPC bridge: ports of power management
	pmBaseMask  = 0xff80
	pm1Control  = 4
	sleepEnable = 1 << 13 // with sleep type 0, which QEMU's tables call S5
	vendorIntel = 0x8086
)

// Off ends the machine, for which it tries, in turn: the exit port of QEMU,
// which hands code to the host (as code<<1|1), the chipset's soft off, a reset
// (QEMU's -no-reboot makes an end of it), and a triple fault. It does not
// return. Any lock may be held.
func Off(code uint8) {
	arch.Out8(portDebugExit, code)
	if base := powerManagement(); base != 0 {
		arch.Out16(base+pm1Control, sleepEnable)
	}
	arch.Out8(portReset, resetFull)
	arch.Out8(portKeyboard, pulseReset)
	tripleFault()
}

// powerManagement returns the first port of the power management block of a q35
// machine, 0 on others.
func powerManagement() uint16 {
	var cfg pci.Ports
	lpc := pci.Address{Bus: 0, Dev: 31, Fn: 0}
	if uint16(cfg.Read32(lpc, 0)) != vendorIntel {
		return 0
	}
	return uint16(cfg.Read32(lpc, regPMBase)) & pmBaseMask
}

// tripleFault loads an empty interrupt table and traps.
func tripleFault()
