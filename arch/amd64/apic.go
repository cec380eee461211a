package amd64

// Local APIC and I/O APIC (Intel SDM vol. 3A, chapter 11; 82093AA data sheet).
// Not tamago's lapic and ioapic: those take a 32-bit base, and here the
// registers are mapped in the upper half.

const (
	apicID         = 0x20
	apicTPR        = 0x80
	apicEOI        = 0xb0
	apicSVR        = 0xf0
	apicICRLow     = 0x300
	apicICRHigh    = 0x310
	apicLVTTimer   = 0x320
	apicLVT0       = 0x350
	apicLVT1       = 0x360
	apicTimerInit  = 0x380
	apicTimerCount = 0x390
	apicTimerDiv   = 0x3e0

	vecNMI      = 2
	vecDevice   = 32 // first of the devices' vectors
	vecTimer    = 64
	vecResched  = 65
	vecTLB      = 66
	vecFPU      = 67
	vecSpurious = 79
	numVectors  = 80
)

var (
	lapic  uintptr
	ioapic uintptr
)

func apicRead(reg uintptr) uint32     { return *(*uint32)(ptr(lapic + reg)) }
func apicWrite(reg uintptr, v uint32) { store32(lapic+reg, v) }

func store32(a uintptr, v uint32) { *(*uint32)(ptr(a)) = v }

// initAPIC enables this CPU's local APIC.
func initAPIC() {
	if lapic == 0 {
		lapic = mapDevice(rdmsr(msrAPICBase)&^0xfff, 4096)
		Out8(0x21, 0xff) // the 8259s stay masked
		Out8(0xa1, 0xff)
	}
	apicWrite(apicTPR, 0)
	apicWrite(apicSVR, 0x100|vecSpurious)
	apicWrite(apicLVT0, 1<<16)
	apicWrite(apicLVT1, 0x400)   // an NMI asks for a dump of all goroutines
	apicWrite(apicTimerDiv, 0xb) // by 1
	apicWrite(apicLVTTimer, vecTimer)
}

// minTimer keeps timer interrupts apart, in ticks of the local timer (50 us on
// QEMU): were the two clocks to disagree, a timer that fires too early again and
// again would leave the CPU no time for anything else.
const minTimer = 50000

// lapicTimer fires once after delta TSC ticks, or a little later.
func lapicTimer(delta uint64) {
	n := max(scale(delta, apicPerTSC), minTimer)
	if n > 0xffffffff {
		n = 0xffffffff
	}
	apicWrite(apicTimerInit, uint32(n))
}

// sendIPI interrupts c. Between the two writes no interrupt may come.
//
//go:nosplit
func sendIPI(c *percpu, vector uint32) {
	flags := disableIRQ()
	store32(lapic+apicICRHigh, c.apicID<<24)
	store32(lapic+apicICRLow, 1<<14|vector)
	restoreIRQ(flags)
}

func ioapicWrite(reg, v uint32) {
	store32(ioapic, reg)
	store32(ioapic+0x10, v)
}

// routeISA sends ISA interrupt irq, edge-triggered, to vector on CPU 0.
func routeISA(irq, vector uint32) {
	if ioapic == 0 {
		return
	}
	pin := uint32(isaPin[irq&15])
	ioapicWrite(0x10+2*pin+1, cpus[0].apicID<<24)
	ioapicWrite(0x10+2*pin, vector)
}
