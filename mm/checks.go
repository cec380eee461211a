package mm

import (
	"fmt"

	"yolk/arch"
	"yolk/arch/pt"
	"yolk/locks"
)

// What must hold of an address space. checkNow runs in checking builds at
// releases of vmlistModifyLock (rule R9), so it allocates nothing unless it has a
// complaint; the sums and the ptes are recount.go's.

// checkNow is checkList at a cost that does not grow with the list: of a long one,
// the part that has changed is checked at each release, and all of it at every so many.
// PageTableLock held.
func checkNow(m *MM) {
	if m.unchecked++; m.unchecked > m.mapCount/64 {
		m.unchecked = 0
		checkList(m)
	} else {
		checkChanged(m)
	}
	m.changed = [2]uintptr{}
}

// noteChange has the next checkNow look at v and its neighbours.
func noteChange(v *VMA) {
	if !locks.Lockdep {
		return
	}
	c := &v.VMMM.changed
	if c[1] == 0 {
		c[0] = v.VMStart
	}
	c[0], c[1] = min(c[0], v.VMStart), max(c[1], v.VMEnd)
}

// checkChanged checks the vmas that noteChange was told of, with one on each side: their
// order in the list, and that the tree leads to each. PageTableLock held.
func checkChanged(m *MM) {
	if m.changed[1] == 0 {
		return
	}
	v, prev := findVMAPrev(m, m.changed[0])
	for last := false; v != nil && !last; prev, v = v, v.vmNext {
		last = v.VMStart >= m.changed[1]
		checkVMA(m, prev, v)
		if m.mmapAVL != nil && (!inTree(m.mmapAVL, v) || prev != nil && avlNext(m.mmapAVL, prev) != v) {
			badList(v, "is not at its place in the tree")
		}
	}
	if hint := m.mmapCache.Load(); hint != nil && !hint.inList {
		broken("mmap_cache astray")
	}
}

// inTree reports whether v's key leads to v, and checks the balance on the way.
func inTree(n, v *VMA) bool {
	for n != nil && n != v {
		l, r := heightOf(n.avlLeft), heightOf(n.avlRight)
		if n.avlHeight != 1+max(l, r) || l-r > 1 || r-l > 1 {
			badList(n, "is out of balance in the tree")
		}
		if v.VMEnd < n.VMEnd {
			n = n.avlLeft
		} else {
			n = n.avlRight
		}
	}
	return n != nil
}

// checkVMA checks a vma and its place behind prev, which may be nil.
func checkVMA(m *MM, prev, v *VMA) {
	switch {
	case v.VMStart >= v.VMEnd || (v.VMStart|v.VMEnd)&^arch.PageMask != 0:
		badList(v, "is empty or unaligned")
	case prev != nil && prev.VMEnd > v.VMStart:
		badList(v, "overlaps the one before")
	case !v.inList || v.VMMM != m:
		badList(v, "is marked as not in this list")
	}
}

// checkList checks the list, the tree and the hint. PageTableLock held.
func checkList(m *MM) {
	n := 0
	inTree := avlFirst(m.mmapAVL)
	hint := m.mmapCache.Load()
	var prev *VMA
	for v := m.mmap; v != nil; v = v.vmNext {
		n++
		checkVMA(m, prev, v)
		if m.mmapAVL != nil && inTree != v {
			badList(v, "is not at its place in the tree")
		}
		if v == hint {
			hint = nil
		}
		if m.mmapAVL != nil {
			inTree = avlNext(m.mmapAVL, v)
		}
		prev = v
	}
	if n != m.mapCount || inTree != nil || hint != nil {
		broken("%d vmas but map_count %d; left in tree %v, mmap_cache astray %v", n, m.mapCount, inTree != nil, hint != nil)
	}
	avlCheck(m.mmapAVL)
}

// broken reports an invariant that does not hold, and panics.
func broken(format string, args ...any) {
	locks.Violation("R9", format, args...)
	panic("mm: " + fmt.Sprintf(format, args...))
}

func badList(v *VMA, what string) {
	broken("vma %#x-%#x %s", v.VMStart, v.VMEnd, what)
}

func avlFirst(n *VMA) *VMA {
	for n != nil && n.avlLeft != nil {
		n = n.avlLeft
	}
	return n
}

// avlNext is the vma after v in the tree, found by its key alone.
func avlNext(root, v *VMA) (next *VMA) {
	for n := root; n != nil; {
		if n.VMEnd > v.VMEnd {
			next = n
			n = n.avlLeft
		} else {
			n = n.avlRight
		}
	}
	return next
}

// avlCheck checks heights and balance and returns the height.
func avlCheck(n *VMA) int16 {
	if n == nil {
		return 0
	}
	l, r := avlCheck(n.avlLeft), avlCheck(n.avlRight)
	if n.avlHeight != 1+max(l, r) || l-r > 1 || r-l > 1 {
		badList(n, "is out of balance in the tree")
	}
	return n.avlHeight
}

// checkPTE checks a present pte against its vma and its page.
func checkPTE(v *VMA, addr uintptr, e arch.PTE) {
	bad := ""
	page := PageOf(e.PFN())
	switch {
	case e.Writable() && v.VMFlags&VMWrite == 0:
		bad = "is writable in a read-only vma"
	case e.Present() == (v.VMFlags&vmAccessBits == 0):
		bad = "is hidden wrongly, or not hidden"
	case e&pt.NX == 0 && v.VMFlags&VMExec == 0:
		bad = "may be executed"
	case page.Count() < 1 && !page.Reserved():
		bad = "maps a free page"
	case e.Writable() && e&pteAnon != 0 && page.InSwapCache():
		bad = "is writable while its page is in the swap cache"
	case e.Writable() && page.Reserved():
		bad = "is writable and maps a reserved page"
	}
	if bad != "" {
		broken("pte %#x of %#x %s", uint64(e), addr, bad)
	}
}
