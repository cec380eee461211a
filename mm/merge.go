package mm

// canMerge reports whether next may become part of prev, which it follows in
// the list: no gap, and no difference that anybody could see.
func canMerge(prev, next *VMA) bool {
	if prev.VMEnd != next.VMStart || prev.VMFlags != next.VMFlags ||
		prev.VMOps != next.VMOps || prev.PrivateData != next.PrivateData {
		return false
	}
	return prev.VMFile == next.VMFile && prev.pgoffAt(prev.VMEnd) == next.VMPgoff && prev.anon.mergeable(next.anon)
}

// mergeSegments (merge_segments) joins neighbours in and around [start, end)
// that differ in nothing. The caller holds MmapSem and vmlistModifyLock.
//
// After it no vma pointer that the caller had may be used: the vma may be gone.
// The lock may have been dropped in between, for drivers' Close methods and the
// files' references: nothing that it guards carries over, but MmapSem has kept
// other writers out.
func mergeSegments(m *MM, start, end uintptr) {
	m.mmapCache.Store(nil)
	v, prev := findVMAPrev(m, start)
	if prev == nil {
		prev = v
		if v == nil {
			return
		}
		v = v.vmNext
	}
	for v != nil && prev.VMStart < end {
		if !canMerge(prev, v) {
			prev, v = v, v.vmNext
			continue
		}
		next := v.vmNext
		if v.VMFile == nil && (v.VMOps == nil || v.VMOps.Close == nil) {
			absorb(m, prev, v)
			freeVMA(v)
		} else {
			vmlistModifyUnlock(m)
			lockVMAMappings(v)
			vmlistModifyLock(m)
			absorb(m, prev, v)
			vmlistModifyUnlock(m)
			unlinkShared(v)
			unlockVMAMappings(v)
			interlockSwapout()
			v.setRange(v.VMEnd, v.VMEnd, v.pgoffAt(v.VMEnd))
			closeVMA(v) // never the file's last reference: prev holds one
			vmlistModifyLock(m)
		}
		v = next
	}
}

// absorb makes next, which follows it, part of prev. The tree's key is VMEnd, so
// next leaves the tree before prev takes over its end.
func absorb(m *MM, prev, next *VMA) {
	unlinkVMA(m, next, prev)
	prev.anon |= next.anon // they are the same, or one is none
	prev.setRange(prev.VMStart, next.VMEnd, prev.VMPgoff)
}

// mergeRange is mergeSegments for callers that hold only MmapSem.
func mergeRange(m *MM, start, end uintptr) {
	vmlistModifyLock(m)
	mergeSegments(m, start, end)
	vmlistModifyUnlock(injectR7(m))
}
