package amd64

// Single instructions and entry points, in assembly.

func gsSelf() uintptr
func PreemptDisable()
func PreemptEnable()

func In8(port uint16) uint8
func Out8(port uint16, v uint8)
func In16(port uint16) uint16
func Out16(port uint16, v uint16)
func In32(port uint16) uint32
func Out32(port uint16, v uint32)

func rdmsr(reg uint32) uint64
func wrmsr(reg uint32, v uint64)
func rdtsc() uint64
func pause()

// haltOnce waits for an interrupt with interrupts on, and turns them off again.
func haltOnce()
func readCR2() uint64
func readCR3() uint64
func writeCR3(v uint64)
func readCR4() uint64
func writeCR4(v uint64)
func invlpg(va uintptr)
func disableIRQ() (flags uint64)
func restoreIRQ(flags uint64)
func halt()
func loadGDT(desc *[10]byte)
func loadIDT(desc *[10]byte)
func loadTR(sel uint16)
func cpuid(leaf, sub uint32) (a, b, c, d uint32)
func rdrand() (v uint64, ok bool)
func saveRest()
func symAddrs(p *[12]uintptr)
func fixupAddrs(p *[8]uintptr)

func enterUser(u *UserContext, c *MMContext) (trap Trap)
func copyUser(dst, src, n uintptr, c *MMContext) (left uintptr)
func loadUser32(addr uintptr, c *MMContext) (v uint32, ok bool)
func casUser32(addr uintptr, c *MMContext, old, new uint32) (swapped, ok bool)

const (
	msrAPICBase     = 0x1b
	msrEFER         = 0xc0000080
	msrSTAR         = 0xc0000081
	msrLSTAR        = 0xc0000082
	msrSFMASK       = 0xc0000084
	msrKernelGSBase = 0xc0000102
	msrTSCAUX       = 0xc0000103

	cr4PGE        = 1 << 7
	cr4OSFXSR     = 1 << 9
	cr4OSXMMEXCPT = 1 << 10
	cr4UMIP       = 1 << 11
	cr4FSGSBASE   = 1 << 16
	cr4OSXSAVE    = 1 << 18
	cr4SMEP       = 1 << 20
	cr4SMAP       = 1 << 21
)

// kernelMXCSR is what compiled Go code expects: all exceptions masked, round
// to nearest.
var kernelMXCSR uint32 = 0x1f80

func useClock()
func floorCall(nr, a, b uintptr) uintptr
