package amd64

import (
	"sync/atomic"
	"unsafe"

	"yolk/arch/pt"
)

// A shootdown is a request in the initiator's percpu, a bit in the tlbReq of
// each target, and an IPI. Targets clear their bit in the initiator's tlbWait.
// Whoever waits serves requests too, so two initiators with interrupts off
// (the runtime's madvise) do not wait for each other for ever. All of it is
// nosplit: with interrupts off a stack must not grow.

// flushPages is the number of pages above which all of the TLB goes at once.
const flushPages = 64

// tlbSpin is how often a CPU looks for the answers before it halts: longer than
// one that runs takes to answer.
const tlbSpin = 200

// flagIF is set in the flags when interrupts are on.
const flagIF = 0x200

// tlbDrop as the end of a request asks the target to leave the tables.
const tlbDrop = ^uintptr(0)

//go:nosplit
func flushLocal(start, end uintptr) {
	if end == 0 || (end-start)>>pt.PageShift > flushPages {
		flushAll()
		return
	}
	for va := start; va < end; va += pt.PageSize {
		invlpg(va)
	}
}

// flushAll drops every entry, global ones too.
//
//go:nosplit
func flushAll() {
	v := readCR4()
	writeCR4(v &^ cr4PGE)
	writeCR4(v)
}

// leaveMM loads the kernel's own tables on this CPU. Interrupts are off.
//
//go:nosplit
func (c *percpu) leaveMM() {
	old := c.mm
	if old == 0 {
		return
	}
	writeCR3(uint64(kernelPGD) << pt.PageShift)
	c.mm = 0
	atomic.AndUint64(&(*MMContext)(ptr(old)).cpus, ^(uint64(1) << c.id))
}

// serveTLB does what other CPUs ask of this one. An idle CPU leaves the tables
// whatever is asked (TLBSTATE_LAZY of Linux), so that it is woken once and not for
// each page that is stolen from a program that ran here last. Interrupts are off.
//
//go:nosplit
func (c *percpu) serveTLB() {
	req := atomic.SwapUint32(&c.tlbReq, 0)
	for i := uint32(0); req != 0; i, req = i+1, req>>1 {
		if req&1 == 0 {
			continue
		}
		from := &cpus[i&(MaxCPU-1)]
		switch {
		case from.tlbMM == 0:
			flushLocal(from.tlbStart, from.tlbEnd)
		case from.tlbMM != c.mm:
			// The tables have been left since: nothing is cached.
		case from.tlbEnd == tlbDrop || c.cur == c.idleThr:
			c.leaveMM()
		case from.tlbEnd == 0:
			writeCR3(readCR3())
		default:
			flushLocal(from.tlbStart, from.tlbEnd)
		}
		atomic.AndUint32(&from.tlbWait, ^(uint32(1) << c.id))
		if atomic.LoadUint32(&from.tlbHalt) != 0 {
			sendIPI(from, vecTLB)
		}
	}
}

// requestFlush asks the CPUs in mask and waits for them. The caller cannot
// change CPU.
//
//go:nosplit
func (c *percpu) requestFlush(mask uint32, mm, start, end uintptr) {
	mask &^= 1 << c.id
	if mask == 0 {
		return
	}
	c.tlbMM, c.tlbStart, c.tlbEnd = mm, start, end
	atomic.StoreUint32(&c.tlbWait, mask)
	for i := uint32(0); i < ncpu; i++ {
		if mask>>i&1 != 0 {
			atomic.OrUint32(&cpus[i].tlbReq, 1<<c.id)
			sendIPI(&cpus[i], vecTLB)
		}
	}
	for spun := 0; atomic.LoadUint32(&c.tlbWait) != 0; spun++ {
		flags := disableIRQ()
		if atomic.LoadUint32(&c.tlbReq) != 0 {
			c.serveTLB()
		}
		if spun > tlbSpin && flags&flagIF != 0 {
			c.haltForTLB()
		}
		restoreIRQ(flags)
		pause()
	}
}

// haltForTLB waits for an interrupt instead of spinning: with fewer cores below
// than CPUs, one that spins may be what keeps those it waits for from running.
// Interrupts are off, and were on; they are when it returns, too. An answer that
// comes after tlbHalt is set interrupts this CPU, a request does in any case, and
// neither is lost, for STI takes effect after HLT has begun.
//
//go:nosplit
func (c *percpu) haltForTLB() {
	atomic.StoreUint32(&c.tlbHalt, 1)
	if atomic.LoadUint32(&c.tlbWait) != 0 && atomic.LoadUint32(&c.tlbReq) == 0 {
		haltOnce()
	}
	atomic.StoreUint32(&c.tlbHalt, 0)
}

func shootdown(m *MMContext, start, end uintptr, drop bool) {
	PreemptDisable()
	c := thisCPU()
	mm := uintptr(unsafe.Pointer(m))
	mask := uint32(atomic.LoadUint64(&m.cpus))
	if mask>>c.id&1 != 0 {
		flags := disableIRQ()
		switch {
		case drop:
			c.leaveMM()
		case end == 0 || (end-start)>>pt.PageShift > flushPages:
			writeCR3(readCR3())
		default:
			flushLocal(start, end)
		}
		restoreIRQ(flags)
	}
	if drop {
		end = tlbDrop
	} else if end != 0 && (end-start)>>pt.PageShift > flushPages {
		start, end = 0, 0
	}
	c.requestFlush(mask, mm, start, end)
	PreemptEnable()
}

// FlushTLBPage drops what any CPU caches of the page at va in c. It waits for
// the other CPUs; interrupts must be on.
func FlushTLBPage(c *MMContext, va uintptr) {
	va &^= pt.PageSize - 1
	shootdown(c, va, va+pt.PageSize, false)
}

// FlushTLBRange is FlushTLBPage for [start, end).
func FlushTLBRange(c *MMContext, start, end uintptr) {
	if start < end {
		shootdown(c, start&^(pt.PageSize-1), end, false)
	}
}

// FlushTLBMM is FlushTLBPage for the whole user half of c.
func FlushTLBMM(c *MMContext) { shootdown(c, 0, 0, false) }
