package mm

import "yolk/arch"

// VMTruncate (vmtruncate) unmaps, in every address space, what lies at page first
// of the file and beyond, copies that private mappings made included: the file
// ends there now. The caller has set the new size, so that faults from here on
// find no page, and drops the pages afterwards. Takes i_shared_lock, and each
// mm's PageTableLock inside; does not sleep. Source: 2.4 vmtruncate.
func VMTruncate(r *IMmap, first uint64) {
	r.ISharedLock.Lock()
	defer r.ISharedLock.Unlock()
	for v := r.head; v != nil; v = v.nextShare {
		start := v.VMStart
		if first > v.VMPgoff {
			skip := first - v.VMPgoff
			if skip >= uint64(v.VMEnd-v.VMStart)>>arch.PageShift {
				continue
			}
			start += uintptr(skip) << arch.PageShift
		}
		zapPageRange(v.VMMM, start, v.VMEnd)
	}
}
