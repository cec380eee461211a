package mm

import (
	"sync/atomic"

	"yolk/arch"
	"yolk/arch/pt"
)

// AccessProcessVM (access_process_vm) copies between buf and the addresses of
// another process, for ptrace and /proc/PID/mem, and returns how many bytes it
// could. The caller has a user reference to m and holds no lock; may sleep.
//
// MmapSem is taken before the vma is looked up (1999 patch). A page is taken
// hold of under PageTableLock, as a stealer may remove it at any time.
func AccessProcessVM(m *MM, addr uintptr, buf []byte, write bool) (done int) {
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	for done < len(buf) {
		page := getUserPage(m, addr, write)
		if page == nil {
			break
		}
		off := addr % arch.PageSize
		n := min(len(buf)-done, int(arch.PageSize-off))
		ok := true
		if write {
			copyIntoFrame(page, off, buf[done:done+n])
			ok = landed(m, addr, page)
		} else {
			copyFromFrame(buf[done:done+n], page, off)
		}
		PutPage(page)
		if !ok {
			continue
		}
		done += n
		addr += uintptr(n)
	}
	return done
}

// getUserPage returns the page at addr with a reference, faulted in for the
// access, or nil. A write breaks copy-on-write even where the program itself may
// not write, but never reaches a shared mapping that may not be written. MmapSem held.
func getUserPage(m *MM, addr uintptr, write bool) *Page {
	v := FindVMA(m, addr)
	if v == nil || addr >= arch.TaskSize {
		return nil
	}
	if v.VMStart > addr {
		if v = findExtendVMA(m, addr); v == nil {
			return nil
		}
	}
	if v.VMFlags&VMIO != 0 || write && (v.VMFlags&VMMayWrite == 0 || v.VMFlags&(VMShared|VMWrite) == VMShared) ||
		v.VMFlags&vmAccessBits == 0 {
		return nil
	}
	for {
		if page := presentPage(m, addr, write); page != nil {
			return page
		}
		if handleMMFault(m, v, addr&arch.PageMask, write).Failed() {
			return nil
		}
		if write && v.VMFlags&VMWrite == 0 {
			// The fault made the copy, and made it writable, which the program must
			// not have: take that back, but use the page.
			if page := forcedPage(m, v, addr); page != nil {
				return page
			}
		}
	}
}

// presentPage returns the page of a pte that permits the access, with a reference.
func presentPage(m *MM, addr uintptr, write bool) (page *Page) {
	m.PageTableLock.Lock()
	if pte := lookupPTE(m, addr); pte != nil {
		if e := loadPTE(pte); e.Present() && (!write || e.Writable()) {
			page = PageOf(e.PFN())
			GetPage(page)
		}
	}
	m.PageTableLock.Unlock()
	return page
}

// forcedPage takes hold of the page that a forced write fault has just left at
// addr, and write-protects it again; nil if it is not there: a stealer was faster, or the
// fault left a page that is shared and has yet to be copied.
func forcedPage(m *MM, v *VMA, addr uintptr) (page *Page) {
	m.PageTableLock.Lock()
	if pte := lookupPTE(m, addr); pte != nil {
		if e := loadPTE(pte); e.Present() && e.Writable() {
			page = PageOf(e.PFN())
			GetPage(page)
			changePTE(pte, ^pt.Write, v.pageProt&^pt.Write)
			arch.FlushTLBPage(&m.Ctx, addr&arch.PageMask)
		}
	}
	m.PageTableLock.Unlock()
	return page
}

// landed reports whether a write into page, on which the caller has nothing but a
// reference, counts: the pte at addr still names the page, and says from now on
// that it is dirty. If a stealer took the page meanwhile, what it wrote to disk,
// or to a bounce page, may be from before: the write must be done again.
func landed(m *MM, addr uintptr, page *Page) (ok bool) {
	m.PageTableLock.Lock()
	if pte := lookupPTE(m, addr); pte != nil {
		if e := loadPTE(pte); e.Present() && e.PFN() == page.PFN() {
			changePTE(pte, ^arch.PTE(0), pt.Dirty)
			ok = true
		}
	}
	m.PageTableLock.Unlock()
	return ok
}

// copyIntoFrame and copyFromFrame copy bytewise through whole words, atomically,
// as the program may use the page at the same time.
func copyIntoFrame(p *Page, off uintptr, src []byte) {
	words := arch.Table(p.PFN())
	for i, b := range src {
		at := off + uintptr(i)
		w, shift := &words[at/8], at%8*8
		for {
			old := atomic.LoadUint64(w)
			if atomic.CompareAndSwapUint64(w, old, old&^(0xff<<shift)|uint64(b)<<shift) {
				break
			}
		}
	}
}

func copyFromFrame(dst []byte, p *Page, off uintptr) {
	words := arch.Table(p.PFN())
	for i := range dst {
		at := off + uintptr(i)
		dst[i] = byte(atomic.LoadUint64(&words[at/8]) >> (at % 8 * 8))
	}
}
