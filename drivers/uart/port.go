//go:build yolk

package uart

import (
	"github.com/usbarmory/tamago/soc/intel/uart"

	"yolk/arch"
)

// The kernel's own ports.
var (
	Log     = Port{hw: uart.UART{Index: 1, Base: 0x3f8, DTR: true, RTS: true}}
	Control = Port{hw: uart.UART{Index: 4, Base: 0x2e8, DTR: true, RTS: true}}
)

const (
	ierReceive = 1 << 0 // interrupt when bytes have come

	fcrEnable = 0xc7 // FIFOs on and empty, receive interrupt at receiveAt bytes or a pause
	receiveAt = 14
	lsrIdle   = 1 << 6
	lcr8N1    = 3
	lcrDLAB   = 1 << 7 // the first two registers are the divisor

	fifoSize = 16 // bytes that fit once the transmitter says it is empty

	// spinPolls is how often a sleeping lock's owner looks at the transmitter
	// before it sleeps; logPolls how often those who cannot sleep look before
	// they give a byte up: about a second, the host has stopped reading.
	spinPolls = 200
	logPolls  = 1 << 20
)

// Port is a 16550 with FIFOs. It has no lock.
type Port struct {
	hw uart.UART
}

// Init sets the port up: FIFOs, the highest speed, eight bits, interrupts off.
// A port that is absent takes all writes for good.
func (p *Port) Init() {
	base := p.hw.Base
	arch.Out8(base+uart.IER, 0)
	arch.Out8(base+uart.LCR, lcrDLAB|lcr8N1)
	arch.Out8(base, 1)
	arch.Out8(base+1, 0)
	arch.Out8(base+uart.LCR, lcr8N1)
	arch.Out8(base+uart.FCR, fcrEnable)
	p.hw.Init()
}

// present says whether there is a port at all: nobody drives the bus if not.
func (p *Port) present() bool { return arch.In8(p.hw.Base+uart.LSR) != 0xff }

// idle says whether the last byte has gone to the host.
func (p *Port) idle() bool { return arch.In8(p.hw.Base+uart.LSR)&lsrIdle != 0 }

// empty says whether the transmitter takes fifoSize bytes now.
func (p *Port) empty() bool {
	return arch.In8(p.hw.Base+uart.LSR)&(1<<uart.LSR_THRE) != 0
}

// emptyWithin looks up to polls times.
func (p *Port) emptyWithin(polls int) bool {
	for range polls {
		if p.empty() {
			return true
		}
	}
	return false
}

// burst writes what the empty transmitter holds, and returns how much.
func (p *Port) burst(b []byte) int {
	b = b[:min(len(b), fifoSize)]
	for _, c := range b {
		arch.Out8(p.hw.Base+uart.THR, c)
	}
	return len(b)
}

// Write sends b without sleeping, with any lock held or none, from any context,
// and waits until it is out: the machine may end now. If the host does not
// read for about a second the rest is lost. Lines of two writers may mix.
func (p *Port) Write(b []byte) (n int, err error) {
	for n < len(b) && p.emptyWithin(logPolls) {
		n += p.burst(b[n:])
	}
	for range logPolls {
		if p.idle() {
			break
		}
	}
	return len(b), nil
}
