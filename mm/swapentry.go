package mm

import (
	"yolk/arch"
	"yolk/arch/pt"
)

// SwapEntry names one slot of one swap area: the area's index ("type") and the
// slot's offset in pages. Entry 0 is illegal: offset 0 of every area is its
// header. The value is at the same time the non-present pte that stands for a
// page in that slot:
//
//	bit 0      0, not present
//	bits 1-5   type
//	bits 6-11  0 (bit 8 set marks a present-but-PROT_NONE page, never a slot)
//	bits 12-   offset
type SwapEntry uint64

const (
	swapTypeShift   = 1
	swapTypeMask    = 0x1f
	swapOffsetShift = 12
)

// MakeSwapEntry returns the entry of slot off in area typ.
func MakeSwapEntry(typ int, off uint32) SwapEntry {
	return SwapEntry(typ)<<swapTypeShift | SwapEntry(off)<<swapOffsetShift
}

// Type is the index of the entry's area.
func (e SwapEntry) Type() int { return int(e >> swapTypeShift & swapTypeMask) }

// Offset is the entry's slot within its area.
func (e SwapEntry) Offset() uint32 { return uint32(e >> swapOffsetShift) }

// PTE is the non-present pte that names e.
func (e SwapEntry) PTE() arch.PTE { return arch.PTE(e) }

// PTESwapped reports whether e names a swap slot: neither empty nor present,
// nor a page that is only hidden by PROT_NONE (pt.Global with pt.Present clear), nor a guard.
func PTESwapped(e arch.PTE) bool { return e != 0 && e&(pt.Present|pt.Global) == 0 && e != pteGuard }

// PTESwapEntry decodes a pte for which PTESwapped holds.
func PTESwapEntry(e arch.PTE) SwapEntry { return SwapEntry(e) }
