package mm

import (
	"syscall"

	"yolk/arch"
)

// Special mappings: a page that the kernel owns, mapped into programs (the vDSO
// and its data). As in Linux such a mapping is an ordinary vma: it is in
// /proc/PID/maps, can be unmapped, moved, copied by fork, and written to by
// ptrace, which makes a copy. Only growing and locking do not apply to it. Its page is
// PG_reserved: no stealer takes it, and nobody's references to it are counted.

// SpecialMapping is what a special mapping maps. Fixed once made.
type SpecialMapping struct {
	name  string // as /proc/PID/maps shows it
	flags VMFlags
	page  *Page
}

// NewSpecialMapping makes a mapping that programs may read. With exec they may run what
// is in it too, and a debugger may write to its program's own copy; without, it is
// memory of the kernel's that changes on its own. Nil without memory. Start-up only.
func NewSpecialMapping(name string, exec bool) *SpecialMapping {
	p := AllocPage(GFPKernel | GFPZero)
	if p == nil {
		return nil
	}
	p.Set(PGReserved)
	s := &SpecialMapping{name: name, page: p, flags: VMRead | VMMayRead | VMDontExpand}
	if exec {
		s.flags |= VMExec | VMMayExec | VMMayWrite
	} else {
		s.flags |= VMIO
	}
	return s
}

// Bytes are what the mapping shows.
func (s *SpecialMapping) Bytes() []byte { return s.page.Bytes() }

// PFN is the frame behind it.
func (s *SpecialMapping) PFN() arch.PFN { return s.page.PFN() }

// specialOps is the driver of special mappings. PrivateData says which it is.
var specialOps = VMOps{Nopage: specialNopage}

// special returns what v maps, if it is a special mapping.
func special(v *VMA) *SpecialMapping {
	s, _ := v.PrivateData.(*SpecialMapping)
	return s
}

// specialNopage returns the page, or for a private write a copy of it.
func specialNopage(v *VMA, _ uintptr, noShare bool) (*Page, FaultResult) {
	page := special(v).page
	if !noShare {
		return page, FaultMinor
	}
	n := AllocPage(GFPHighUser)
	if n == nil {
		return nil, FaultOOM
	}
	arch.CopyPage(n.PFN(), page.PFN())
	return n, FaultMinor
}

// InstallSpecialMappings (_install_special_mapping) maps each of s, one after the
// other, and returns where the first begins: at hint, if there is room, else where
// mmap would put them. ENOMEM. MmapSem held, no spinlock; may sleep. The limits on
// a program's mappings do not apply.
func InstallSpecialMappings(m *MM, hint uintptr, s ...*SpecialMapping) (uintptr, syscall.Errno) {
	addr, ok := getUnmappedArea(m, hint, uintptr(len(s))<<arch.PageShift, 0)
	if !ok {
		return 0, syscall.ENOMEM
	}
	for i, s := range s {
		v := allocVMA(m)
		if v == nil {
			return 0, syscall.ENOMEM
		}
		at := addr + uintptr(i)<<arch.PageShift
		v.setRange(at, at+arch.PageSize, 0)
		v.setFlags(s.flags)
		v.VMOps, v.PrivateData = &specialOps, s
		insertVMA(m, v)
		accountVMA(m, v.VMFlags, 1)
	}
	return addr, 0
}
