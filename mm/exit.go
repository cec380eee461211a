package mm

import "yolk/locks"

// exitMmap (exit_mmap) removes all mappings of m, whose last user is gone.
// MmapSem is taken all the same: swapoff may hold it to look for entries, and
// must not miss those of a dying mm. May sleep.
func exitMmap(m *MM) {
	m.MmapSem.Lock()
	recountAtExit(m)
	// From here a stealer finds no vma. One that has found one holds
	// PageTableLock, so we wait for it; one that has dropped it touches nothing more.
	vmlistModifyLock(m)
	assertModify(m)
	free := m.mmap
	for v := free; v != nil; v = v.vmNext {
		v.inList = false
	}
	m.mmap, m.mmapAVL, m.mapCount = nil, nil, 0
	m.mmapCache.Store(nil)
	vmlistModifyUnlock(m)
	var tables exitTables
	for free != nil {
		v := free
		free = v.vmNext
		v.vmNext, v.avlLeft, v.avlRight = nil, nil, nil
		start, end := v.VMStart, v.VMEnd
		unmapArea(m, v, start, end, nil)
		tables.add(m, start, end)
	}
	tables.finish(m)
	if n := m.PTables.Load(); locks.Lockdep && n != 1 {
		broken("%d page tables at the end, all but one of which map nothing", n)
	}
	m.MmapSem.Unlock()
}
