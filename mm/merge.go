package mm

// canMerge reports whether next may become part of prev, which it follows in
// the list: no gap, and no difference that anybody could see.
func canMerge(prev, next *VMA) bool { return alike(prev, next) && prev.anon.mergeable(next.anon) }

// alike is canMerge but for the ids of private pages.
func alike(prev, next *VMA) bool {
	if prev.VMEnd != next.VMStart || (prev.VMFlags^next.VMFlags)&^vmSticky != 0 ||
		prev.VMOps != next.VMOps || prev.PrivateData != next.PrivateData {
		return false
	}
	return prev.VMFile == next.VMFile && prev.pgoffAt(prev.VMEnd) == next.VMPgoff
}

// mergeSegments (merge_segments) joins what is new or has changed at [start, end), one
// vma, with those that it touches and that differ in nothing. It leaves all others
// alone, as Linux does: a mapping that has none of its own pages any more, say, could
// become part of its neighbour, but only does when one of them changes. The caller
// holds MmapSem and vmlistModifyLock.
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
	for v != nil && v.VMStart <= end {
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
		if prev.VMOps == &shmOps {
			return // it has grown by one; see fixup.join
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
	prev.setFlags(prev.VMFlags | next.VMFlags&vmSticky)
}

// joinAbove joins v, which has grown in its place, with what it touches now. What has
// been added is new, so it does not count that v may be that of fork's child.
func joinAbove(m *MM, v *VMA) {
	if next := v.vmNext; next != nil && next.anon == 0 && alike(v, next) {
		next.anon = v.anon
	}
	if v.VMOps != &shmOps { // see fixup.join
		mergeRange(m, v.VMEnd, v.VMEnd)
	}
}

// mergeRange is mergeSegments for callers that hold only MmapSem.
func mergeRange(m *MM, start, end uintptr) {
	vmlistModifyLock(m)
	mergeSegments(m, start, end)
	vmlistModifyUnlock(injectR7(m))
}
