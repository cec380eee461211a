package mm

import (
	errno "syscall"
	"time"

	"yolk/arch"
	"yolk/arch/pt"
	"yolk/locks"
)

// Swapoff empties an area while its users go on running (brief §2.12, §4 item
// 12). No new slots are handed out; then every address space is visited under
// its mmap_sem, and each pte that holds an entry of the area gets its page back.
// A fork's child stands behind its parent in the mmlist and a fork holds the
// parent's mmap_sem, so entries cannot slip behind the walk. Whatever has no pte
// any more is dropped from the swap cache.

// swapoffRounds bounds the walks. What one round must leave, because a write was
// in flight or an exit under way, the next one finds settled.
const swapoffRounds = 200

// SwapOff stops swapping to the named device. Errno: EINVAL not in use, ENOMEM
// what it holds does not fit into RAM and the other areas, EIO a slot could not
// be read; after either the area stays in use. No lock held; sleeps.
func SwapOff(name string) errno.Errno {
	swaponSem.Lock()
	defer swaponSem.Unlock()
	si := findSwapArea(name)
	if si == nil {
		return errno.EINVAL
	}
	swapListLock.Lock()
	linked := si.linked // else it is closed: its disk has failed
	if linked {
		unlinkSwapArea(si)
	}
	swapListLock.Unlock()

	ctx := locks.Current()
	ctx.Flags |= locks.PFSwapoff
	e := tryToUnuse(si)
	ctx.Flags &^= locks.PFSwapoff

	swapListLock.Lock()
	defer swapListLock.Unlock()
	if e != 0 {
		if linked {
			linkSwapArea(si)
		}
		return e
	}
	assertSwapList()
	si.lock.Lock()
	si.assertLocked()
	si.used, si.dev, si.swapMap = false, nil, nil
	si.max.Store(0)
	si.lock.Unlock()
	return 0
}

// tryToUnuse brings everything back from an area (try_to_unuse).
func tryToUnuse(si *swapInfo) errno.Errno {
	for range swapoffRounds {
		if e := unuseProcesses(si); e != 0 {
			return e
		}
		if e := shmUnuse(si.typ); e != 0 {
			return e
		}
		dropCachedSlots(si)
		if si.slotsInUse() == 0 {
			return 0
		}
		RunDiskQueue()
		ioWait.WaitTimeout(func() bool { return si.slotsInUse() == 0 }, 5*time.Millisecond, false)
	}
	return errno.ENOMEM
}

func (si *swapInfo) slotsInUse() int {
	si.lock.Lock()
	defer si.lock.Unlock()
	si.assertLocked()
	return si.inUse + si.badInUse
}

// unuseProcesses visits every address space. A user reference keeps the mm on
// the list while the lock is dropped.
func unuseProcesses(si *swapInfo) errno.Errno {
	for m := nextMM(nil); m != nil; m = nextMM(m) {
		step("try_to_unuse: next mm")
		if m.SwapEnts.Load() == 0 {
			continue
		}
		if e := unuseMM(m, si); e != 0 {
			MMPut(m)
			return e
		}
	}
	return 0
}

// unuseMM brings back what one address space has in the area (unuse_process).
func unuseMM(m *MM, si *swapInfo) errno.Errno {
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	for v := firstVMA(m); v != nil; v = v.vmNext {
		for addr := v.VMStart; addr < v.VMEnd; addr += arch.PageSize {
			var pte *uint64
			if pte, addr = nextPTE(m, addr, v.VMEnd); pte == nil {
				break
			}
			old := loadPTE(pte)
			if !PTESwapped(old) || PTESwapEntry(old).Type() != si.typ {
				continue
			}
			if e := unusePTE(m, v, pte, old); e != 0 {
				return e
			}
		}
	}
	return 0
}

// unusePTE gives a pte its page back (unuse_pte): dirty, for its slot will go,
// and read-only, so that do_wp_page decides who may write. MmapSem held; sleeps.
func unusePTE(m *MM, v *VMA, pte *uint64, old arch.PTE) errno.Errno {
	e := PTESwapEntry(old)
	p, _ := swapIn(e)
	if p == nil {
		if loadPTE(pte) != old {
			return 0
		}
		return errno.ENOMEM
	}
	step("unuse_pte: read")
	LockPage(p)
	err, mapped := unuseCached(m, v, pte, old, p)
	UnlockPage(p)
	if !mapped {
		PutPage(p) // else our reference is the pte's now
	}
	return err
}

// unuseCached maps p, which is locked, in place of the entry old, if that is
// still there: a truncate takes ptes away without mmap_sem. As long as it is, the
// pte's reference to the slot and ours to the page keep p in the swap cache.
// MmapSem held.
func unuseCached(m *MM, v *VMA, pte *uint64, old arch.PTE, p *Page) (err errno.Errno, mapped bool) {
	e := PTESwapEntry(old)
	valid := rereadSwapPage(p)
	n := pt.Make(p.PFN(), v.pageProt&^pt.Write|pt.Accessed|pt.Dirty|pteAnon)
	m.PageTableLock.Lock()
	if loadPTE(pte) != old {
		m.PageTableLock.Unlock()
		return 0, false
	}
	if !valid {
		m.PageTableLock.Unlock()
		return errno.EIO, false
	}
	if !p.InSwapCache() || p.index != uint64(e) {
		panic("mm: the page of a slot in use has left the swap cache")
	}
	SwapFree(e)
	m.SwapEnts.Add(-1)
	setPTE(pte, n)
	countPTE(m, n, 1)
	m.PageTableLock.Unlock()
	if SwapCount(e) == 1 {
		DeleteFromSwapCache(p) // no pte names the slot any more
	}
	return 0, true
}

// dropCachedSlots takes pages out of the swap cache that no pte's entry names,
// after a walk that left no entry. A count that once reached the maximum means
// nothing any more.
func dropCachedSlots(si *swapInfo) {
	for off := uint32(1); off < si.max.Load(); off++ {
		e := MakeSwapEntry(si.typ, off)
		n := SwapCount(e)
		if n != 1 && n != swapMapMax {
			continue
		}
		if p := FindLockPage(&swapperSpace, uint64(e)); p != nil {
			if n = SwapCount(e); n == 1 || n == swapMapMax {
				DeleteFromSwapCache(p)
			}
			UnlockPage(p)
			PutPage(p)
		}
		if n == swapMapMax {
			si.forceFree(off)
		}
	}
}

// forceFree frees a slot whose count overflowed.
func (si *swapInfo) forceFree(off uint32) {
	swapListLock.Lock()
	si.lock.Lock()
	if si.swapMap[off]&swapMapMax == swapMapMax {
		si.swapMap[off] &^= swapMapMax
		si.slotFreed(off)
	}
	si.lock.Unlock()
	swapListLock.Unlock()
}
