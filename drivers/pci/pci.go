package pci

import "fmt"

// Registers of the configuration header (PCI Local Bus 3.0, chapter 6).
const (
	regID         = 0x00 // vendor, device
	regCommand    = 0x04 // command, status
	regClass      = 0x08 // revision, interface, subclass, class
	regHeader     = 0x0c // byte 2: header type
	regBAR0       = 0x10
	regBusNumbers = 0x18 // bridges: primary, secondary, subordinate
	regCapPointer = 0x34

	commandMemory     = 1 << 1
	commandBusMaster  = 1 << 2
	commandINTxOff    = 1 << 10
	statusCapList     = 1 << 4
	headerMulti       = 0x80
	headerTypeMask    = 0x7f
	headerBridge      = 1
	classBridge       = 0x06
	subclassPCIBridge = 0x04
)

// Address names a function: bus, device, function.
type Address struct {
	Bus, Dev, Fn uint8
}

func (a Address) String() string {
	return fmt.Sprintf("%02x:%02x.%d", a.Bus, a.Dev, a.Fn)
}

// Config is configuration space. Offsets are multiples of 4 below 256; a
// function that is absent reads as all ones.
type Config interface {
	Read32(a Address, off uint8) uint32
	Write32(a Address, off uint8, v uint32)
}

// Function is one function found by Scan. All fields are immutable.
type Function struct {
	Address
	Vendor, Device uint16
	Class          uint16 // class and subclass
	bars           int    // registers that may hold a window: none on odd headers
	cfg            Config
}

// Scan returns the functions on bus 0 and on the buses behind its bridges, in
// the order of their addresses within each bus. It does not sleep.
func Scan(cfg Config) []*Function {
	s := scanner{cfg: cfg}
	s.bus(0)
	return s.found
}

type scanner struct {
	cfg   Config
	found []*Function
	seen  [256]bool // a bridge that names a bus already visited is broken
}

func (s *scanner) bus(bus uint8) {
	if s.seen[bus] {
		return
	}
	s.seen[bus] = true
	for dev := uint8(0); dev < 32; dev++ {
		if !s.function(Address{bus, dev, 0}) {
			continue
		}
		if s.cfg.Read32(Address{bus, dev, 0}, regHeader)>>16&headerMulti == 0 {
			continue
		}
		for fn := uint8(1); fn < 8; fn++ {
			s.function(Address{bus, dev, fn})
		}
	}
}

// function records the function at a, and those behind it when it is a bridge.
// It returns false if nothing answers there.
func (s *scanner) function(a Address) bool {
	id := s.cfg.Read32(a, regID)
	if uint16(id) == 0xffff || id == 0 {
		return false
	}
	f := &Function{
		Address: a,
		Vendor:  uint16(id),
		Device:  uint16(id >> 16),
		Class:   uint16(s.cfg.Read32(a, regClass) >> 16),
		cfg:     s.cfg,
	}
	header := s.cfg.Read32(a, regHeader) >> 16 & headerTypeMask
	switch header {
	case 0:
		f.bars = 6
	case headerBridge:
		f.bars = 2
	}
	s.found = append(s.found, f)
	if header == headerBridge && f.Class == classBridge<<8|subclassPCIBridge {
		if secondary := uint8(s.cfg.Read32(a, regBusNumbers) >> 8); secondary != 0 {
			s.bus(secondary)
		}
	}
	return true
}

// Enable lets the function answer memory accesses and master the bus, and
// keeps it from raising the legacy interrupt line.
func (f *Function) Enable() {
	cmd := f.Read32(regCommand) & 0xffff // the status half is write-1-to-clear
	f.Write32(regCommand, cmd|commandMemory|commandBusMaster|commandINTxOff)
}

// Disable stops the function from mastering the bus: it can reach memory no
// more, and sends no message interrupts.
func (f *Function) Disable() {
	f.Write32(regCommand, f.Read32(regCommand)&0xffff&^commandBusMaster)
}

// Read32 reads the register at off, a multiple of 4.
func (f *Function) Read32(off uint8) uint32 { return f.cfg.Read32(f.Address, off) }

// Write32 writes the register at off, a multiple of 4.
func (f *Function) Write32(off uint8, v uint32) { f.cfg.Write32(f.Address, off, v) }
