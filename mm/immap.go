package mm

import "yolk/locks"

// i_mmap: the ring of an inode's mappings. Truncate walks it under i_shared_lock
// and zaps what lies past the new end, taking each mm's PageTableLock inside.
// So whoever moves the borders of a vma on a ring holds i_shared_lock first,
// and PageTableLock inside it if the vma is in the list too. A vma stays on its
// ring while munmap trims it: truncate must not miss the part that survives.

// Init prepares the ring of a new inode.
func (r *IMmap) Init() { r.ISharedLock.Init(locks.ISharedLock) }

// ring is the ring that v belongs on, or nil.
func (v *VMA) ring() *IMmap {
	if v.VMFile == nil {
		return nil
	}
	return v.VMFile.IMmap()
}

// assertLocked checks that who touches the ring, or moves the borders of a vma on it,
// holds its lock: a truncate may be going over it.
func (r *IMmap) assertLocked() {
	if locks.Lockdep && !r.ISharedLock.Held() {
		r.ISharedLock.Violation("guard", "the mappings of a file are touched, and %s is not held", locks.ISharedLock)
	}
}

// lockVMAMappings takes i_shared_lock of v's file, if it has one. No spinlock held.
func lockVMAMappings(v *VMA) {
	if r := v.ring(); r != nil {
		r.ISharedLock.Lock()
	}
}

func unlockVMAMappings(v *VMA) {
	if r := v.ring(); r != nil {
		r.ISharedLock.Unlock()
	}
}

// linkShared puts v on its ring if it is not there. i_shared_lock held.
func linkShared(v *VMA) {
	r := v.ring()
	if r == nil || v.onRing {
		return
	}
	r.assertLocked()
	v.onRing = true
	v.nextShare, v.prevShare = r.head, nil
	if r.head != nil {
		r.head.prevShare = v
	}
	r.head = v
}

// unlinkShared takes v off its ring (remove_shared_vm_struct). i_shared_lock held.
func unlinkShared(v *VMA) {
	if !v.onRing {
		return
	}
	v.ring().assertLocked()
	if v.prevShare != nil {
		v.prevShare.nextShare = v.nextShare
	} else {
		v.ring().head = v.nextShare
	}
	if v.nextShare != nil {
		v.nextShare.prevShare = v.prevShare
	}
	v.nextShare, v.prevShare, v.onRing = nil, nil, false
}

// removeShared is unlinkShared with i_shared_lock taken inside. No spinlock held.
func removeShared(v *VMA) {
	lockVMAMappings(v)
	unlinkShared(v)
	unlockVMAMappings(v)
}

// insertVMA is insertVMStruct for callers that hold only MmapSem.
func insertVMA(m *MM, v *VMA) {
	lockVMAMappings(v)
	vmlistModifyLock(m)
	injectR4()
	insertVMStruct(m, v)
	vmlistModifyUnlock(m)
	unlockVMAMappings(v)
}
