package amd64

// MaxCPU bounds the CPUs that Yolk starts.
const MaxCPU = 8

const (
	floorStackSize = 16 << 10 // interrupts and the runtime's system calls
	trapStackSize  = 8 << 10  // each of: exceptions, debug exceptions, double fault, NMI
)

// percpu is what a CPU owns. GS holds its address whenever the CPU is in ring 0.
// Only the CPU itself writes it, with interrupts off, except for the words that
// are marked shared. It is never in the Go heap and holds no Go pointer: the
// floor must not need the garbage collector.
type percpu struct {
	self      uintptr
	cur       uintptr // *kthread that runs here; its registers are saved there
	floorSP   uintptr // top of the floor stack
	userCtx   uintptr // *UserContext of the program in ring 3
	fpuOwner  uintptr // *UserContext whose x87 and AVX state and GS base the registers hold, 0 for nobody
	scratch   uintptr // entry code's spare word
	mm        uintptr // *MMContext whose tables CR3 holds, 0 for the kernel's own
	fsFloor   uintptr // FS base while the floor runs: its TLS word leads to floorG
	preempt   int32   // >0: the current thread keeps this CPU
	resched   uint32  // a switch is owed once preempt falls to 0
	inFloor   uint32  // entry seen, exit not yet: a trap now is a bug
	id        uint32
	apicID    uint32
	online    uint32  // shared
	kick      uint32  // shared: EnterUser must return at once
	idle      uint32  // shared: halted or about to
	armed     uint64  // TSC deadline the local timer is set to, 0 none
	tickAt    uint64  // TSC of the end of the running thread's slice
	tlbReq    uint32  // shared: bit per CPU that waits for a flush here
	tlbWait   uint32  // shared: bit per CPU that has not flushed for us yet
	tlbHalt   uint32  // shared: halted until tlbWait changes
	tlbStart  uintptr // our request: [tlbStart, tlbEnd), 0,0 for all
	tlbEnd    uintptr
	tlbMM     uintptr     // the *MMContext meant, 0 for kernel addresses
	tls       [2]uintptr  // tls[0] is the g that FS:-8 reads in the floor
	floorG    [64]uintptr // looks like a runtime.g as far as a stack check goes
	gdt       [16]uint64
	tss       [104 + 24]byte // 16-byte slack keeps the TSS inside one page on no boundary the CPU minds
	idleThr   uintptr        // *kthread
	debug     uintptr        // nonzero: DR7 has breakpoints
	profile   uintptr        // shared: *[profileEntries]profileEntry, 0 for none
	profileAt uint64         // TSC of the next sample
}

// Offsets in runtime.g that compiled prologues and traps read.
const (
	gStackLo = 0
	gStackHi = 1
	gGuard0  = 2
	gGuard1  = 3

	stackGuard = 928 // runtime.stackGuard on amd64
)

var cpus [MaxCPU]percpu

// ncpu is how many CPUs run; written once before the runtime starts.
var ncpu uint32 = 1

func thisCPU() *percpu { return (*percpu)(ptr(gsSelf())) }

func (c *percpu) thread() *kthread { return (*kthread)(ptr(c.cur)) }

// setFloorStack tells compiled stack checks the bounds of the stack the floor
// runs on.
func (c *percpu) setFloorStack(lo, hi uintptr) {
	c.floorG[gStackLo] = lo
	c.floorG[gStackHi] = hi
	c.floorG[gGuard0] = lo + stackGuard
	c.floorG[gGuard1] = lo + stackGuard
}

// CPU returns the index of the CPU that the caller runs on: a hint unless the
// caller has preemption disabled.
func CPU() int { return int(thisCPU().id) }

// MoveTo takes the caller, who has not disabled preemption, to a CPU. It stays there
// until it is preempted: whoever must know looks again with interrupts off.
func MoveTo(cpu int) {
	if CPU() != cpu {
		floorCall(callMoveTo, uintptr(cpu), 0)
	}
}

// NumCPU returns the number of CPUs that run.
func NumCPU() int { return int(ncpu) }
