package amd64

import "unsafe"

// bootStackSize is the stack of the first CPU until it has its own.
const bootStackSize = 32 << 10

var (
	bootStack [bootStackSize]byte
	bootCPU   uint32 // index of the CPU that entry64 is about to run on

	cmdline    [4096]byte
	cmdlineLen int
	initrd     [2]uint64 // physical start and end
	rsdp       uint64

	mapped  [40][2]uint64 // physical ranges for the direct map
	nmapped int
)

// syms are addresses of assembly and of the linker's making.
var syms struct {
	text, etext, rodata, erodata, end  uintptr
	stubs, syscallEntry, idle, userRet uintptr
	rt0                                uintptr
	_                                  [2]uintptr
}

// fixups bound the user-copy routines, in the order of fixupAddrs.
var fixups [8]uintptr

// startInfo is struct hvm_start_info (Xen public headers, PVH boot ABI).
type startInfo struct {
	magic, version, flags, nrModules uint32
	modlist, cmdline, rsdp, memmap   uint64
	memmapEntries, _                 uint32
}

type module struct{ paddr, size, cmdline, _ uint64 }

type memEntry struct {
	addr, size uint64
	kind, _    uint32
}

// boot runs on the stub's page tables and the boot stack, before the Go
// runtime: no allocation, no goroutine, no map.
func boot(info uintptr) {
	symAddrs((*[12]uintptr)(unsafe.Pointer(&syms)))
	fixupAddrs(&fixups)
	for i := 1; i < len(fixups); i++ {
		if fixups[i] <= fixups[i-1] {
			die("the linker has moved the user-copy routines")
		}
	}
	readStartInfo(info)
	chooseEarly()
	buildTables()
	c := &cpus[0]
	c.mapStacks()
	writeCR3(uint64(kernelPGD) << 12)
	buildIDT()
	c.loadTables()
	parseMADT()
	initAPIC()
	c.apicID = apicRead(apicID) >> 24
	c.online = 1
	calibrate()
	useClock()
	c.idleThr = uintptr(unsafe.Pointer(newIdle(0)))
	startAPs()
	startRuntime(c)
	lockFloor()
	c.leave()
}

func readStartInfo(info uintptr) {
	si := (*startInfo)(ptr(direct(uint64(info))))
	if si.magic != 0x336ec578 {
		die("not started by a PVH loader")
	}
	rsdp = si.rsdp
	if si.cmdline != 0 {
		s := (*[4096]byte)(ptr(direct(si.cmdline)))
		for cmdlineLen < len(cmdline)-1 && s[cmdlineLen] != 0 {
			cmdline[cmdlineLen] = s[cmdlineLen]
			cmdlineLen++
		}
	}
	reserve(0x100000, uint64(syms.end-imageBase))
	if si.nrModules > 0 {
		m := (*module)(ptr(direct(si.modlist)))
		initrd = [2]uint64{m.paddr, m.paddr + m.size}
		reserve(m.paddr, m.paddr+m.size)
	}
	for i := uintptr(0); i < uintptr(si.memmapEntries); i++ {
		e := (*memEntry)(ptr(direct(si.memmap + uint64(i*unsafe.Sizeof(memEntry{})))))
		start, end := (e.addr+4095)&^4095, (e.addr+e.size)&^4095
		if start >= end || e.addr >= 1<<39 {
			continue
		}
		// Type 1 is RAM, 3 and 4 hold ACPI tables; some firmware calls the small
		// piece at the top of RAM where it puts them reserved, type 2.
		tables := e.kind == 3 || e.kind == 4 || e.kind == 2 && e.size <= 1<<20
		if (e.kind == 1 || tables) && nmapped < len(mapped) {
			mapped[nmapped] = [2]uint64{start, end}
			nmapped++
		}
		if e.kind == 1 && nram < len(ramRegions) {
			ramRegions[nram] = Region{ptPFN(start), ptPFN(end)}
			nram++
		}
	}
	if rsdp != 0 && nmapped < len(mapped) {
		mapped[nmapped] = [2]uint64{rsdp &^ 4095, rsdp&^4095 + 4096}
		nmapped++
	}
}

// startRuntime makes the Go runtime's first thread: the stack that Linux gives
// a new process, and _rt0_amd64_linux to run on it.
func startRuntime(c *percpu) {
	t := newThread()
	t.state = threadRunning
	t.cpu = 0
	c.cur = uintptr(unsafe.Pointer(t))
	const size = 64 << 10
	lo := stackBase + uintptr(MaxCPU)<<20
	for va := lo; va < lo+size; va += 4096 {
		*walk(kernelPGD, va, 0, earlyFrame) = uint64(ptMake(earlyFrame(), kernelData))
	}
	// Environment strings, then the vector: argc, argv, 0, envp, 0, auxv.
	sp := lo + size - 1024
	str := sp
	put := func(s string) uintptr {
		at := str
		b := (*[256]byte)(ptr(str))
		for i := 0; i < len(s) && i < 255; i++ {
			b[i] = s[i]
		}
		str += uintptr(len(s)) + 1
		return at
	}
	random := str
	*(*[2]uint64)(ptr(str)) = [2]uint64{hwRandom(), hwRandom()}
	str += 16
	name := put("yolk")
	var env [4]uintptr
	// cpu.*: see fpu.go. gcshrinkstackoff: a collection would halve the stacks of tasks
	// that sleep, and hundreds that wake at once, to reclaim or to exit, would grow theirs
	// again out of the heap's reserve, when nobody asks whether there is enough.
	env[0] = put("GODEBUG=tracebacklabels=0,gcshrinkstackoff=1,cpu.avx=off,cpu.avx2=off,cpu.fma=off,cpu.avx512f=off")
	env[1] = put("GOTRACEBACK=all")
	env[2] = put(heapLimitEnv())
	env[3] = put("GOGC=50")
	v := (*[32]uintptr)(ptr(sp - 512))
	i := 0
	push := func(x uintptr) { v[i] = x; i++ }
	push(1)
	push(name)
	push(0)
	for _, e := range env {
		push(e)
	}
	push(0)
	push(6) // AT_PAGESZ
	push(4096)
	push(25) // AT_RANDOM
	push(random)
	push(0)
	push(0)
	t.rsp = uint64(sp - 512)
	t.rip = uint64(syms.rt0)
}

// CommandLine returns the kernel's command line.
func CommandLine() string { return string(cmdline[:cmdlineLen]) }

// Initrd returns the boot archive; it stays where it is for ever.
func Initrd() []byte {
	if initrd[0] == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(ptr(direct(initrd[0]))), int(initrd[1]-initrd[0]))
}
