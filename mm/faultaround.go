package mm

import (
	"unsafe"

	"yolk/arch"
	"yolk/arch/pt"
)

// aroundPages is how many pages one fault may map: 64 KiB, as Linux has it since 3.15.
const aroundPages = 16

// faultAround maps more of a file's pages around addr, which a read fault has just
// filled, as far as they lie in the same 64 KiB, can be had without waiting, and their
// ptes were never used; pte is that of addr. The pages do not count as accessed: the
// stealer takes them first. MmapSem held; does not sleep.
func faultAround(m *MM, v *VMA, addr uintptr, pte *uint64) {
	r := v.ring()
	if r == nil || v.VMFlags&(VMShared|VMMayWrite) == VMShared|VMMayWrite {
		return // what may be written to must be reserved first: filemapNopage
	}
	const span = aroundPages << arch.PageShift
	start := max(addr&^(span-1), v.VMStart)
	end := min(addr&^(span-1)+span, v.VMEnd)
	var pages [aroundPages]*Page
	n := int(end-start) >> arch.PageShift
	truncs := r.truncs.Load()
	v.VMOps.Cached(v, start, pages[:n])
	step("fault_around: has pages")
	ptes := unsafe.Slice(ptesBack(pte, int(addr-start)>>arch.PageShift), n) // one table: a span does not cross its end
	m.PageTableLock.Lock()
	// A truncation after this will find what is mapped here; one before may have freed
	// the pages that we have.
	assertPTE("ptes around a fault are filled")
	if r.truncs.Load() == truncs {
		for i, p := range pages[:n] {
			if p != nil && loadPTE(&ptes[i]).None() {
				e := pt.Make(p.PFN(), v.pageProt&^pt.Write)
				setPTE(&ptes[i], e)
				countPTE(m, e, 1)
				pages[i] = nil
			}
		}
	}
	m.PageTableLock.Unlock()
	for _, p := range pages[:n] {
		if p != nil {
			PutPage(p)
		}
	}
}

// ptesBack is the pte n before pte in the same table.
func ptesBack(pte *uint64, n int) *uint64 {
	return (*uint64)(unsafe.Add(unsafe.Pointer(pte), -8*n))
}
