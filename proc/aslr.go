package proc

import (
	"encoding/binary"
	"sync/atomic"

	"yolk/arch"
	"yolk/mm"
)

// Address-space layout randomisation: exec puts the parts of a program at places
// that nobody can foretell, with as many bits as Linux has on x86-64:
//
//	stack       22 bits of pages (16 GiB), and within the page a multiple of 16
//	mmap area   28 bits of pages (1 TiB), below the room for the stack
//	PIE         28 bits of pages, upwards from two thirds of the address space
//	heap        a page within 1 GiB above the program
//	vDSO        a page between the stack and the end of its 2 MiB
//
// The kernel parameter norandmaps, a 0 in /proc/sys/kernel/randomize_va_space or
// the personality ADDR_NO_RANDOMIZE puts all of them where they would be with every
// bit 0; a 1 in that file only the heap.

// RandomizeVASpace is /proc/sys/kernel/randomize_va_space.
var RandomizeVASpace atomic.Uint64

// MaxRandomizeVASpace is the most that makes sense in it, and what it is at start-up.
const MaxRandomizeVASpace = 2

func init() { RandomizeVASpace.Store(MaxRandomizeVASpace) }

// AddrNoRandomize is the bit of a personality that keeps addresses the same.
const AddrNoRandomize = 0x0040000

const (
	stackRandomBits = 22
	mmapRandomBits  = 28
	heapRandomSpan  = 1 << 30
	stackAlignSpan  = 8192 // how far the stack pointer moves
	stackRegion     = 2 << 20

	minStackGap = 128 << 20             // between the end of user space and the mmap area
	maxStackGap = arch.TaskSize / 6 * 5 // whatever RLIMIT_STACK says
)

// places are where exec puts a program.
type places struct {
	stackTop  uintptr
	stackSkip uintptr // bytes left free below the strings of the stack
	mmapBase  uintptr
	pieBias   uint64  // added to dynBase
	heapGap   uintptr // between the end of the program and its heap
	vdso      uintptr // 0: where mmap would put it
}

// newPlaces chooses. It does not sleep.
func (t *Task) newPlaces() places {
	level := RandomizeVASpace.Load()
	if t.Personality()&AddrNoRandomize != 0 {
		level = 0
	}
	limit := t.Group.Limits.Cur(RlimitStack)
	if level == 0 {
		return places{stackTop: arch.TaskSize, mmapBase: mmapBase(limit, mm.StackGuardGap)}
	}
	const stackSpan = uintptr(1) << (stackRandomBits + arch.PageShift)
	p := places{
		stackTop:  arch.TaskSize - randomPages(stackSpan),
		stackSkip: random(stackAlignSpan) &^ 15,
		mmapBase:  mmapBase(limit, mm.StackGuardGap+stackSpan) - randomPages(1<<(mmapRandomBits+arch.PageShift)),
		pieBias:   uint64(randomPages(1 << (mmapRandomBits + arch.PageShift))),
	}
	if level > 1 {
		p.heapGap = randomPages(heapRandomSpan)
	}
	const vdsoSize = 2 * arch.PageSize
	if room := -p.stackTop & (stackRegion - 1); room > vdsoSize && p.stackTop+room <= arch.TaskSize {
		p.vdso = p.stackTop + randomPages(room-vdsoSize)
	}
	return p
}

// mmapBase is where the mmap area begins, going down: below the largest stack
// that the limit permits, and the pad.
func mmapBase(stackLimit uint64, pad uintptr) uintptr {
	gap := uintptr(min(stackLimit, maxStackGap)) + pad
	gap = min(max(gap, minStackGap), maxStackGap)
	return (arch.TaskSize - gap) & arch.PageMask
}

// random returns a number below n, which is a power of two or a good deal smaller
// than 1<<64.
func random(n uintptr) uintptr {
	var b [8]byte
	arch.Random(b[:])
	return uintptr(binary.LittleEndian.Uint64(b[:])) % n
}

// randomPages returns a page-aligned number below n, 0 if n is less than a page.
func randomPages(n uintptr) uintptr { return random(max(n, 1)) & arch.PageMask }
