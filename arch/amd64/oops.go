package amd64

import (
	"sync/atomic"
	"unsafe"

	"yolk/arch/pt"
)

func ptPFN(phys uint64) pt.PFN            { return pt.PFN(phys >> pt.PageShift) }
func ptMake(p pt.PFN, bits pt.PTE) pt.PTE { return pt.Make(p, bits) }

const (
	comLog     = 0x3f8 // kernel console
	comControl = 0x2e8 // messages to the host command
)

// putc writes a byte to the kernel console, polled: it must work when nothing
// else does.
func putc(b byte) { serialOut(comLog, b) }

func serialOut(port uint16, b byte) {
	for i := 0; i < 1<<20 && In8(port+5)&0x20 == 0; i++ {
		pause()
	}
	Out8(port, b)
}

func puts(s string) {
	for i := 0; i < len(s); i++ {
		putc(s[i])
	}
}

func putx(v uint64) {
	const digits = "0123456789abcdef"
	for i := 60; i >= 0; i -= 4 {
		putc(digits[v>>uint(i)&15])
	}
}

// ControlWrite sends a line to the host command.
func ControlWrite(s string) {
	for i := 0; i < len(s); i++ {
		serialOut(comControl, s[i])
	}
}

// die ends the machine with a message. It is for when no Go code can run.
func die(why string) {
	puts("yolk: ")
	puts(why)
	puts("\n")
	PowerOff("panic\n")
}

var dying uint32

// oops prints the machine state of a fatal trap and ends the machine.
func oops(why string, vector, code, rip, rsp uint64) {
	if !atomic.CompareAndSwapUint32(&dying, 0, 1) {
		halt()
	}
	puts("oops: ")
	puts(why)
	for _, f := range [...]struct {
		name string
		v    uint64
	}{{"\nvector ", vector}, {" code ", code}, {" cr2 ", readCR2()}, {" cr3 ", readCR3()},
		{"\nrip ", rip}, {" rsp ", rsp}, {" cpu ", uint64(thisCPU().id)}, {" thread ", uint64(thisCPU().thread().id)}} {
		puts(f.name)
		putx(f.v)
	}
	puts("\nstack:")
	if rsp >= heapBase {
		for i := uint64(0); i < 32; i++ {
			if i%4 == 0 {
				puts("\n ")
			}
			if !readable(uintptr(rsp + 8*i)) {
				break
			}
			puts(" ")
			putx(load64(uintptr(rsp + 8*i)))
		}
	}
	puts("\n")
	PowerOff("panic\n")
}

// readable says whether the kernel's tables map a.
func readable(a uintptr) bool {
	t := table(kernelPGD)
	for l := uint(3); ; l-- {
		e := pt.PTE(t[a>>(12+9*l)&511])
		if !e.Present() {
			return false
		}
		if l == 0 || e&pt.Large != 0 && l < 3 {
			return true
		}
		t = table(e.PFN())
	}
}

// floorDie reports a trap inside of the floor itself: frame is the hardware's.
func floorDie(frame uintptr) {
	oops("trap inside of the floor", load64(frame), load64(frame+8), load64(frame+16), load64(frame+40))
}

// runtimeExit ends the machine when the Go runtime exits: status 2 after a
// panic or a fatal error, whose text is on the console already.
func runtimeExit(status uint64) {
	if status != 0 {
		PowerOff("panic\n")
	}
	PowerOff("")
}

// PowerOff sends a last control message and ends the machine: QEMU's debug exit
// device, then the ACPI port of its chipsets, then a halt.
func PowerOff(control string) {
	ControlWrite(control)
	Out8(0xf4, 0)
	Out16(0x604, 0x2000)
	halt()
}

var randState uint64

// hwRandom returns a random word from RDRAND, else a mix of the TSC.
func hwRandom() uint64 {
	if _, _, c, _ := cpuid(1, 0); c&(1<<30) != 0 {
		if v, ok := rdrand(); ok {
			return v
		}
	}
	x := atomic.AddUint64(&randState, rdtsc()|1)
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	return x * 0x94d049bb133111eb
}

// Random fills p.
func Random(p []byte) {
	for i := 0; i < len(p); i += 8 {
		v := hwRandom()
		for j := i; j < len(p) && j < i+8; j++ {
			p[j] = byte(v)
			v >>= 8
		}
	}
}

// heapLimitEnv is the runtime's memory limit: half of RAM, at least 16 MiB, of
// which it counts 12 from the start, for tables that it reserves and hardly
// touches.
func heapLimitEnv() string {
	mib := ramPages() >> 9
	if mib < 16 {
		mib = 16
	}
	const prefix = "GOMEMLIMIT="
	n := copy(limitEnv[:], prefix)
	var digits [20]byte
	d := len(digits)
	for v := mib; v > 0; v /= 10 {
		d--
		digits[d] = byte('0' + v%10)
	}
	n += copy(limitEnv[n:], digits[d:])
	n += copy(limitEnv[n:], "MiB")
	return bytesString(limitEnv[:n])
}

var limitEnv [32]byte

// KernelText returns n bytes of the kernel's code at a, fewer at its end; at its
// beginning if a is 0.
func KernelText(a, n uintptr) []byte {
	if a == 0 {
		a = syms.text
	}
	if a < syms.text || a >= syms.etext {
		return nil
	}
	return unsafe.Slice((*byte)(ptr(a)), min(n, syms.etext-a))
}
