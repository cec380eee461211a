package mm

import "yolk/locks"

// mmlistLock is mmlist_lock: the list of all address spaces, and the choice of a
// victim from it. Nothing of mm is acquired inside; take mm_count before it is
// dropped.
var (
	mmlistLock locks.SpinLock
	mmlistHead *MM
	nrMMs      int
)

// MMListAdd puts a new mm on the list: behind parent if it is a fork's child, so
// that swapoff, which walks the list once, meets the child after the parent whose
// entries it copies; else at the front.
func MMListAdd(m, parent *MM) {
	mmlistLock.Lock()
	if parent != nil {
		m.mmlistPrev, m.mmlistNext = parent, parent.mmlistNext
		parent.mmlistNext = m
	} else {
		m.mmlistPrev, m.mmlistNext = nil, mmlistHead
		mmlistHead = m
	}
	if m.mmlistNext != nil {
		m.mmlistNext.mmlistPrev = m
	}
	nrMMs++
	mmlistLock.Unlock()
	step("mmlist: added")
}

// MMListDel takes an mm off the list, after exit_mmap.
func MMListDel(m *MM) {
	mmlistLock.Lock()
	if m.mmlistPrev != nil {
		m.mmlistPrev.mmlistNext = m.mmlistNext
	} else {
		mmlistHead = m.mmlistNext
	}
	if m.mmlistNext != nil {
		m.mmlistNext.mmlistPrev = m.mmlistPrev
	}
	m.mmlistNext, m.mmlistPrev = nil, nil
	nrMMs--
	mmlistLock.Unlock()
	oomWait.WakeAll()
}
