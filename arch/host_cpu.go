//go:build !yolk

package arch

import (
	"sync/atomic"
	"unsafe"

	"yolk/arch/pt"
)

// The software MMU. Every access of a program goes through a soft CPU: it looks
// in the CPU's TLB, on a miss walks the page tables in soft RAM, sets accessed
// and dirty bits with compare-and-swap as hardware does, and then touches the
// frame. All this happens under the CPU's mutex, which FlushTLB* takes too:
// when a flush returns no access through an old translation is under way, and
// when a flush was forgotten the old translation goes on working, so that the
// mistake shows as data in the wrong place.

// copyCPUs is the number of further CPUs that CopyIn and CopyOut run on.
const copyCPUs = 4

// MMContext is an address space as the MMU knows it.
type MMContext struct {
	PGD PFN
}

type softCPU struct {
	mu  pinLock
	ctx *MMContext
	tlb map[uintptr]PTE // by page address
}

func (c *softCPU) init() { c.tlb = make(map[uintptr]PTE) }

// load makes ctx current, as a write to CR3 does: the TLB is empty after.
func (c *softCPU) load(ctx *MMContext) {
	if c.ctx != ctx {
		c.ctx = ctx
		clear(c.tlb)
	}
}

// access is the kind of a memory access.
type access uint8

// The kinds of access the MMU tells apart.
const (
	accessRead access = iota
	accessWrite
	accessExec
)

// InitPGD makes pfn, a zeroed frame, the top-level table of c.
func InitPGD(c *MMContext, pfn PFN) { c.PGD = pfn }

// ReleasePGD takes c off every CPU.
func ReleasePGD(c *MMContext) {
	for i := range soft.cpus {
		cpu := &soft.cpus[i]
		cpu.mu.Lock()
		if cpu.ctx == c {
			cpu.load(nil)
		}
		cpu.mu.Unlock()
	}
}

// FlushTLBPage removes the translation of va in c from all CPUs.
func FlushTLBPage(c *MMContext, va uintptr) { FlushTLBRange(c, va&PageMask, va&PageMask+PageSize) }

// FlushTLBRange removes the translations of [start, end) in c from all CPUs.
func FlushTLBRange(c *MMContext, start, end uintptr) {
	for i := range soft.cpus {
		cpu := &soft.cpus[i]
		cpu.mu.Lock()
		if cpu.ctx == c {
			for va := range cpu.tlb {
				if start <= va && va < end {
					delete(cpu.tlb, va)
				}
			}
		}
		cpu.mu.Unlock()
	}
}

// FlushTLBMM removes all translations of c from all CPUs.
func FlushTLBMM(c *MMContext) { FlushTLBRange(c, 0, ^uintptr(0)) }

// allows reports whether entry e permits the access, as ring 3 sees it.
func allows(e PTE, a access) bool {
	switch {
	case e&pt.Present == 0 || e&pt.User == 0:
		return false
	case a == accessWrite:
		return e&pt.Write != 0
	case a == accessExec:
		return e&pt.NX == 0
	}
	return true
}

// translate finds the frame of va for the access, or reports a fault.
func (c *softCPU) translate(va uintptr, a access) (PFN, bool) {
	page := va & PageMask
	if e, hit := c.tlb[page]; hit && (a != accessWrite || e&pt.Dirty != 0) {
		if allows(e, a) {
			return e.PFN(), true
		}
		delete(c.tlb, page) // a fault drops the entry that caused it
		return 0, false
	}
	e, ok := walk(c.ctx.PGD, page, a)
	if !ok {
		delete(c.tlb, page)
		return 0, false
	}
	c.tlb[page] = e
	return e.PFN(), true
}

// walk reads the tables from the top and sets A and, for a write, D.
func walk(table PFN, va uintptr, a access) (PTE, bool) {
	if va >= TaskSize {
		return 0, false
	}
	for level := 3; ; level-- {
		slot := &Table(table)[va>>(PageShift+9*level)&511]
		for {
			e := PTE(atomic.LoadUint64(slot))
			if !allows(e, a) {
				return 0, false
			}
			n := e | pt.Accessed
			if level == 0 && a == accessWrite {
				n |= pt.Dirty
			}
			if n == e || atomic.CompareAndSwapUint64(slot, uint64(e), uint64(n)) {
				if level == 0 {
					return n, true
				}
				table = e.PFN()
				break
			}
		}
	}
}

// SoftLoad loads the aligned word at va on a soft CPU with c loaded; !ok is a fault.
func SoftLoad(cpu int, c *MMContext, va uintptr) (v uint64, ok bool) {
	k := &soft.cpus[cpu]
	k.mu.Lock()
	defer k.mu.Unlock()
	k.load(c)
	pfn, ok := k.translate(va, accessRead)
	if !ok {
		return 0, false
	}
	return atomic.LoadUint64(word(pfn, va)), true
}

// SoftStore stores v at the aligned word va; !ok is a fault.
func SoftStore(cpu int, c *MMContext, va uintptr, v uint64) (ok bool) {
	k := &soft.cpus[cpu]
	k.mu.Lock()
	defer k.mu.Unlock()
	k.load(c)
	pfn, ok := k.translate(va, accessWrite)
	if ok {
		atomic.StoreUint64(word(pfn, va), v)
	}
	return ok
}

// SoftFetch reports whether an instruction at va may be fetched.
func SoftFetch(cpu int, c *MMContext, va uintptr) (ok bool) {
	k := &soft.cpus[cpu]
	k.mu.Lock()
	defer k.mu.Unlock()
	k.load(c)
	_, ok = k.translate(va, accessExec)
	return ok
}

func word(pfn PFN, va uintptr) *uint64 { return &frameWords(pfn)[va%PageSize/8] }

// copyTurn spreads kernel copies over the copy CPUs.
var copyTurn atomic.Uint32

// withPage runs one piece of a kernel copy, within a page, on a copy CPU.
func withPage(c *MMContext, va uintptr, a access, do func(frame []uint64)) bool {
	k := &soft.cpus[len(soft.cpus)-1-int(copyTurn.Add(1)%copyCPUs)]
	k.mu.Lock()
	defer k.mu.Unlock()
	k.load(c)
	pfn, ok := k.translate(va, a)
	if ok {
		do(frameWords(pfn))
	}
	return ok
}

// CopyIn copies n bytes from user address src to dst and returns how many it
// copied: fewer than n when src+done faults.
func CopyIn(c *MMContext, dst unsafe.Pointer, src uintptr, n uintptr) (done uintptr) {
	to := unsafe.Slice((*byte)(dst), n)
	for done < n {
		va := src + done
		piece := min(n-done, PageSize-va%PageSize)
		ok := withPage(c, va, accessRead, func(frame []uint64) {
			for i := range piece {
				at := (va + i) % PageSize
				to[done+i] = byte(atomic.LoadUint64(&frame[at/8]) >> (at % 8 * 8))
			}
		})
		if !ok {
			break
		}
		done += piece
	}
	return done
}

// CopyOut copies n bytes from src to user address dst and returns how many it
// copied: fewer than n when dst+done faults.
func CopyOut(c *MMContext, dst uintptr, src unsafe.Pointer, n uintptr) (done uintptr) {
	from := unsafe.Slice((*byte)(src), n)
	for done < n {
		va := dst + done
		piece := min(n-done, PageSize-va%PageSize)
		ok := withPage(c, va, accessWrite, func(frame []uint64) {
			for i := range piece {
				at := (va + i) % PageSize
				setByte(&frame[at/8], at%8*8, from[done+i])
			}
		})
		if !ok {
			break
		}
		done += piece
	}
	return done
}

func setByte(w *uint64, shift uintptr, b byte) {
	for {
		old := atomic.LoadUint64(w)
		if atomic.CompareAndSwapUint64(w, old, old&^(0xff<<shift)|uint64(b)<<shift) {
			return
		}
	}
}

// LoadUser32 loads the aligned 32-bit word at addr; !ok is a fault.
func LoadUser32(c *MMContext, addr uintptr) (v uint32, ok bool) {
	ok = withPage(c, addr, accessRead, func(frame []uint64) {
		v = uint32(atomic.LoadUint64(&frame[addr%PageSize/8]) >> (addr % 8 * 8))
	})
	return v, ok
}

// CompareAndSwapUser32 replaces the aligned 32-bit word at addr if it is old; !ok is a fault.
func CompareAndSwapUser32(c *MMContext, addr uintptr, old, new uint32) (swapped, ok bool) {
	ok = withPage(c, addr, accessWrite, func(frame []uint64) {
		w, shift := &frame[addr%PageSize/8], addr%8*8
		for {
			have := atomic.LoadUint64(w)
			if uint32(have>>shift) != old {
				return
			}
			if atomic.CompareAndSwapUint64(w, have, have&^(0xffffffff<<shift)|uint64(new)<<shift) {
				swapped = true
				return
			}
		}
	})
	return swapped, ok
}
