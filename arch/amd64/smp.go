package amd64

import (
	"sync/atomic"
	"unsafe"
)

// trampolineAddr is where an application processor starts, in real mode.
const trampolineAddr = 0x8000

// stubGDTR and stub32 are where the boot stub (package boot) keeps its GDT
// pointer and its 32-bit entry; EBX = 0 there says "application processor".
const (
	stubGDTR = 0x100ff0
	stub32   = 0x100000
)

// trampoline is 16-bit code: to protected mode on the stub's GDT, EBX = 0, and
// on into the stub.
//
//	cli; xor ax,ax; mov ds,ax; lgdt [0x8030]; mov eax,cr0; or al,1; mov cr0,eax
//	xor ebx,ebx; ljmpl $0x18,$stub32
var trampoline = [...]byte{
	0xfa, 0x31, 0xc0, 0x8e, 0xd8,
	0x66, 0x0f, 0x01, 0x16, 0x30, 0x80,
	0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0,
	0x66, 0x31, 0xdb,
	0x66, 0xea, 0x00, 0x00, 0x10, 0x00, 0x18, 0x00,
}

// startAPs starts the other CPUs, one after the other (SDM vol. 3A, 9.4.4).
func startAPs() {
	t := (*[64]byte)(ptr(direct(trampolineAddr)))
	copy(t[:], trampoline[:])
	g := (*[6]byte)(ptr(direct(stubGDTR)))
	for i := range g {
		t[0x30+i] = g[i]
	}
	for i := uint32(1); i < nAPIC; i++ {
		c := &cpus[i]
		c.id = i
		c.apicID = apicIDs[i]
		c.mapStacks()
		c.idleThr = uintptr(unsafe.Pointer(newIdle(i)))
		atomic.StoreUint32(&bootCPU, i)
		apicWrite(apicICRHigh, c.apicID<<24)
		apicWrite(apicICRLow, 0x4500) // INIT
		delay(100e3)
		for try := 0; try < 2 && atomic.LoadUint32(&c.online) == 0; try++ {
			apicWrite(apicICRHigh, c.apicID<<24)
			apicWrite(apicICRLow, 0x4600|trampolineAddr>>12) // STARTUP
			for w := 0; w < 2000 && atomic.LoadUint32(&c.online) == 0; w++ {
				delay(50e3)
			}
		}
		if atomic.LoadUint32(&c.online) == 0 {
			break // it does not come: go on with those that did
		}
		ncpu = i + 1
	}
}

func delay(ns uint64) {
	for end := rdtsc() + nsToTSC(ns); rdtsc() < end; {
		pause()
	}
}

// bootAP is an application processor's first Go code, on its floor stack.
func bootAP() {
	c := thisCPU()
	c.loadTables()
	initAPIC()
	lockFloor()
	c.cur = c.idleThr
	atomic.StoreUint32(&c.idle, 1)
	atomic.StoreUint32(&c.online, 1)
	unlockFloor()
}

var idleThreads [MaxCPU]kthread

func newIdle(cpu uint32) *kthread {
	t := &idleThreads[cpu]
	*t = kthread{idle: 1, cpu: cpu, state: threadRunning, rip: uint64(syms.idle), rflags: 2, fpu: fpuIdle(cpu)}
	t.rsp = uint64(uintptr(unsafe.Pointer(&idleStacks[cpu])) + uintptr(len(idleStacks[cpu])))
	return t
}

// An idle thread's code pushes nothing and uses no FPU; the areas are for what
// the entry code saves.
var (
	idleStacks [MaxCPU][64]byte
	idleFPU    [MaxCPU + 1][FPUSize]byte
)

func fpuIdle(cpu uint32) uintptr {
	return (uintptr(unsafe.Pointer(&idleFPU[0]))+63)&^63 + uintptr(cpu)*FPUSize
}
