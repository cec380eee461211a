package mm

import (
	"unsafe"

	"yolk/arch"
	"yolk/locks"
)

// The page stealer's walk: swap_out chooses an address space, and swap_out_mm,
// swap_out_vma and swap_out_pmd lead it to the ptes (brief §2.13).
//
// The freezing contract: swap_out_mm takes the vmlist lock of its victim, which
// freezes both the vma list and the ptes. Each function below it returns 0 with
// that lock still held. Any other result means that the lock is gone already,
// and with it every guarantee about vmas and ptes: the caller touches nothing
// and returns. Only the struct, pinned by mm_count, is left to rely on.
//
// A stealer never takes any mmap_sem: in direct reclaim it may hold one.

// swapClusterMax is SWAP_CLUSTER_MAX: how many pages a stealer frees at a go.
const swapClusterMax = 32

// swapOut unmaps some pages of the fattest address space and starts to write
// those that need it (swap_out). Returns how many it unmapped; 0: found nothing.
// kernel_lock is taken; no spinlock is held on entry; may sleep.
func swapOut(prio int, gfp GFP) int {
	locks.LockKernel()
	defer locks.UnlockKernel()
	throttleWrites()
	for range max(1, mmCount()/(prio+1)) + 1 {
		m := chooseVictim()
		if m == nil {
			return 0
		}
		n := swapOutMM(m, gfp)
		MMDrop(m)
		if n > 0 {
			return n
		}
	}
	return 0
}

func mmCount() int {
	mmlistLock.Lock()
	defer mmlistLock.Unlock()
	return nrMMs
}

// chooseVictim returns the mm of which the stealer wants most this round, with
// mm_count taken. When nothing is wanted of any, a new round begins: then it
// wants of each what that has.
func chooseVictim() *MM {
	mmlistLock.Lock()
	defer mmlistLock.Unlock()
	for round := 0; round < 2; round++ {
		var best *MM
		var most int64
		for m := mmlistHead; m != nil; m = m.mmlistNext {
			rss := m.RSS.Load()
			if round > 0 {
				m.SwapCnt.Store(rss)
			}
			if cnt := m.SwapCnt.Load(); rss > 0 && cnt > most {
				best, most = m, cnt
			}
		}
		if best != nil {
			MMGrab(best)
			return best
		}
	}
	return nil
}

// swapOutMM steals from one address space (swap_out_mm), going on where the last
// scan stopped. It returns with the vmlist lock dropped in any case.
func swapOutMM(m *MM, gfp GFP) int {
	locks.AssertGuard(locks.KernelLock, locks.NoClass, "an address space is stolen from")
	var s steal
	s.m, s.gfp = m, gfp
	injectR10(m)
	vmlistAccessLock(m)
	addr := m.SwapAddress
	for v := FindVMA(m, addr); v != nil; v = v.vmNext {
		s.v = v
		n := swapOutVMA(&s, max(addr, v.VMStart))
		assertFrozen(m, n)
		if n > 0 {
			m.SwapCnt.Add(int64(-n))
			return n
		}
	}
	m.SwapCnt.Store(0)
	m.SwapAddress = 0
	vmlistAccessUnlock(m)
	return 0
}

// swapOutVMA steals from one vma, from addr on (swap_out_vma). vmlist lock: see
// the contract above.
func swapOutVMA(s *steal, addr uintptr) int {
	m := s.m
	if s.v.VMFlags&(VMLocked|VMReserved|VMIO) != 0 {
		return 0
	}
	for addr < s.v.VMEnd {
		pte, at := nextPTE(s.m, addr, s.v.VMEnd)
		if pte == nil {
			break
		}
		addr = min(s.v.VMEnd, at&^(pmdSize-1)+pmdSize)
		n := swapOutPMD(s, pte, at, addr)
		assertFrozen(m, n)
		if n > 0 {
			return n
		}
	}
	s.m.SwapAddress = s.v.VMEnd
	n := injectR6(m, tryToSwapOut(s))
	assertFrozen(m, n)
	if n == 0 {
		s.flush()
	}
	return n
}

// swapOutPMD offers the ptes of [addr, end), which lie in one table, to the
// stealer (swap_out_pmd). vmlist lock: see the contract above.
func swapOutPMD(s *steal, first *uint64, addr, end uintptr) int {
	m := s.m
	ptes := unsafe.Slice(first, (end-addr)>>arch.PageShift)
	for i := range ptes {
		s.consider(&ptes[i], addr)
		addr += arch.PageSize
		if s.n == len(s.cand) {
			s.m.SwapAddress = addr
			n := tryToSwapOut(s)
			assertFrozen(m, n)
			if n > 0 {
				return n
			}
		}
	}
	return 0
}
