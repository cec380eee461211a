package mm

import (
	"sync/atomic"

	"yolk/arch"
)

// anonID tells which private mappings could become one again. In Linux the pages
// that a mapping has made its own belong to an anon_vma, and mappings with different
// ones never merge; programs see that in /proc/PID/maps, and in what mremap
// takes for one mapping. There is nothing behind an id here, but ids are given out by the same
// rules: none until the first such page, then that of a neighbour it could merge
// with, else a new one; parts of a mapping have the same; a child of fork gets new ones.
//
// Source: Linux 6.18, mm/rmap.c (__anon_vma_prepare, anon_vma_fork), mm/vma.c.
type anonID uint64

// anonChild marks the ids of a fork's child, whose pages are the parent's too: such a
// mapping takes in none without an id, and passes its own on to none.
const anonChild anonID = 1

var lastAnonID atomic.Uint64

func newAnonID() anonID { return anonID(lastAnonID.Add(2)) }

// mergeable reports whether mappings with these ids may become one.
func (a anonID) mergeable(b anonID) bool {
	if a == 0 || b == 0 {
		return (a|b)&anonChild == 0
	}
	return a == b
}

// prepareAnon (anon_vma_prepare) gives v an id: it is about to get a page of its
// own. MmapSem held.
func prepareAnon(m *MM, v *VMA) {
	if v.VMFlags&VMShared != 0 || v.anon != 0 {
		return
	}
	_, prev := findVMAPrev(m, v.VMStart)
	for _, pair := range [...][2]*VMA{{v, v.vmNext}, {prev, v}} {
		below, above := pair[0], pair[1]
		if below == nil || above == nil || !sameOwner(below, above) {
			continue
		}
		if near := below.anon | above.anon; near != 0 && near&anonChild == 0 {
			v.anon = near
			return
		}
	}
	v.anon = newAnonID()
}

// sameOwner reports whether above, which follows below, differs from it in no more
// than the access it permits (anon_vma_compatible). MmapSem held.
func sameOwner(below, above *VMA) bool {
	return below.VMEnd == above.VMStart && below.VMFile == above.VMFile &&
		(below.VMFlags^above.VMFlags)&^(vmAccessBits|vmSticky) == 0 && below.pgoffAt(below.VMEnd) == above.VMPgoff
}

// forkAnon is what the copy n of v in a child gets. The child is nobody else's yet.
func forkAnon(n, v *VMA) {
	n.anon = 0
	if v.anon != 0 && v.VMFlags&VMWipeOnFork == 0 {
		n.anon = newAnonID() | anonChild
	}
}

// movedOff is the offset of a mapping that mremap moves from addr of v to to. Offsets
// of private memory come from the address; once there are pages they stay what they are.
func movedOff(v *VMA, addr, to uintptr) uint64 {
	if v.VMFile == nil && v.anon == 0 {
		return uint64(to >> arch.PageShift)
	}
	return v.pgoffAt(addr)
}
