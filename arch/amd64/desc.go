package amd64

import (
	"unsafe"

	"yolk/arch/vdso"
)

// Segment selectors are those of Linux, so that a program that looks at CS sees
// what it expects.
const (
	selKernelCS = 0x10
	selTSS      = 0x40
	selUser32   = 0x23 // STAR: SYSRET adds 8 for SS and 16 for CS
)

// Interrupt stacks (TSS IST entries).
const (
	istFloor = 1 // device interrupts
	istTrap  = 2 // exceptions
	istNMI   = 3
	istFatal = 4 // double fault, machine check
	istDebug = 5 // debug exceptions, which may come at the first instruction of another's handler
)

var idt [numVectors][2]uint64

func setGate(v int, ist uint64, dpl uint64) {
	h := uint64(syms.stubs + uintptr(v)*16)
	idt[v][0] = h&0xffff | selKernelCS<<16 | ist<<32 | (0x8e|dpl<<5)<<40 | (h>>16&0xffff)<<48
	idt[v][1] = h >> 32
}

func buildIDT() {
	for v := range idt {
		ist := uint64(istTrap)
		switch {
		case v >= vecDevice:
			ist = istFloor
		case v == 1:
			ist = istDebug
		case v == 2:
			ist = istNMI
		case v == 8, v == 18:
			ist = istFatal
		}
		dpl := uint64(0)
		if v == 3 || v == 4 { // INT3 and INTO are a program's to use
			dpl = 3
		}
		setGate(v, ist, dpl)
	}
}

func descriptor(limit uint16, base uintptr) *[10]byte {
	d := &descScratch[thisCPU().id]
	d[0], d[1] = byte(limit), byte(limit>>8)
	for i := range 8 {
		d[2+i] = byte(base >> (8 * i))
	}
	return d
}

var descScratch [MaxCPU][10]byte

// loadTables loads GDT, TSS and IDT of this CPU and turns its features on.
func (c *percpu) loadTables() {
	c.gdt = [16]uint64{
		2: 0x00af9b000000ffff, // kernel code
		3: 0x00cf93000000ffff, // kernel data
		// 4 would be 32-bit user code. There must be none: a SYSCALL from there goes to
		// CSTAR, and exceptions would come back to 64-bit code.
		5: 0x00cff3000000ffff, // user data
		6: 0x00affb000000ffff, // user code
		// Never loaded: the vDSO's getcpu reads its limit.
		vdso.NumberSelector >> 3: 0x0040f50000000000 | uint64(c.id),
	}
	base := uint64(uintptr(unsafe.Pointer(&c.tss)))
	const limit = 103
	c.gdt[8] = limit | base&0xffffff<<16 | 0x89<<40 | base>>24&0xff<<56
	c.gdt[9] = base >> 32
	c.tss[102], c.tss[103] = 104, 0 // no I/O bitmap: a program's IN and OUT fault
	loadGDT(descriptor(uint16(len(c.gdt)*8-1), uintptr(unsafe.Pointer(&c.gdt))))
	loadIDT(descriptor(uint16(unsafe.Sizeof(idt)-1), uintptr(unsafe.Pointer(&idt))))
	loadTR(selTSS)

	wrmsr(msrSTAR, selUser32<<48|selKernelCS<<32)
	wrmsr(msrLSTAR, uint64(syms.syscallEntry))
	wrmsr(msrSFMASK, 0x47700|0x1000|0xd5) // IF TF DF IOPL NT AC and the arithmetic flags
	cr4 := readCR4() | cr4PGE
	_, b, cx, _ := cpuid(7, 0)
	if b&(1<<7) != 0 {
		cr4 |= cr4SMEP
	}
	if b&(1<<20) != 0 {
		cr4 |= cr4SMAP
	}
	if cx&(1<<2) != 0 {
		cr4 |= cr4UMIP
	}
	writeCR4(cr4)
	if _, _, _, d := cpuid(0x80000001, 0); d&(1<<27) != 0 {
		wrmsr(msrTSCAUX, uint64(c.id)) // what RDTSCP and RDPID tell programs
	}
}

// setIST records the top of an interrupt stack.
func (c *percpu) setIST(n int, top uintptr) {
	for i := range 8 {
		c.tss[0x24+8*(n-1)+i] = byte(top >> (8 * i))
	}
}

// mapStacks gives a CPU its stacks. Booting, on the final tables or before
// them: only page-table memory is written.
func (c *percpu) mapStacks() {
	cpu := int(c.id)
	lo, hi := mapStack(cpu, 0, floorStackSize)
	c.floorSP = hi - 64
	c.setFloorStack(lo, hi)
	c.setIST(istFloor, hi-64)
	for i, n := range [...]int{istTrap, istNMI, istFatal, istDebug} {
		_, hi := mapStack(cpu, i+1, trapStackSize)
		c.setIST(n, hi-64)
	}
}
