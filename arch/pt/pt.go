// Package pt defines the x86-64 page-table format: four levels of 512 entries
// of 8 bytes, in frames of 4 KiB (Intel SDM vol. 3A, section 4.5). The hardware
// and the software MMU of the host tests read the same tables.
package pt

const (
	PageShift = 12
	PageSize  = 1 << PageShift
	Entries   = 512
)

// PFN is a physical frame number: physical address >> PageShift.
type PFN uint32

// PTE is one page-table entry, of any level.
type PTE uint64

const (
	Present  PTE = 1 << 0
	Write    PTE = 1 << 1
	User     PTE = 1 << 2
	PWT      PTE = 1 << 3
	PCD      PTE = 1 << 4
	Accessed PTE = 1 << 5
	Dirty    PTE = 1 << 6
	Large    PTE = 1 << 7
	Global   PTE = 1 << 8
	NX       PTE = 1 << 63

	addrMask PTE = 0x000f_ffff_ffff_f000
)

// Make returns the entry that maps frame pfn with the given bits.
func Make(pfn PFN, bits PTE) PTE { return PTE(pfn)<<PageShift | bits }

func (e PTE) PFN() PFN       { return PFN(e & addrMask >> PageShift) }
func (e PTE) Present() bool  { return e&Present != 0 }
func (e PTE) Writable() bool { return e&Write != 0 }
func (e PTE) Young() bool    { return e&Accessed != 0 }
func (e PTE) Dirty() bool    { return e&Dirty != 0 }
func (e PTE) None() bool     { return e == 0 }
