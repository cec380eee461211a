package mm

import (
	"time"

	"yolk/locks"
)

var (
	oomKiller func(victim *MM) bool
	currentMM func() *MM
	oomWait   locks.WaitQueue // an address space has gone
)

// SetOOMKiller sets how the users of an address space are killed: kill sends
// them SIGKILL, does not sleep, and reports whether there was anybody. Called
// from start-up only.
func SetOOMKiller(kill func(victim *MM) bool) { oomKiller = kill }

// SetCurrentMM sets how mm learns on whose behalf the running goroutine
// allocates; nil for kernel threads. Called from start-up only.
func SetCurrentMM(f func() *MM) { currentMM = f }

// dying reports whether the running task has been chosen by the OOM killer. It
// gets the last frames, so that it can die.
func dying() bool {
	if currentMM == nil {
		return false
	}
	m := currentMM()
	return m != nil && m.OOMKilled.Load()
}

// oomPatience is how long an allocation waits for a victim to give up its pages.
const oomPatience = 2 * time.Second

// outOfMemory is called when RAM and swap are full and reclaim made no progress, or
// would make next to none (out_of_memory). It kills the fattest address space, unless one that was
// killed is still on its way out, and waits for frames. It reports whether to
// try again. No spinlock held; sleeps.
func outOfMemory() bool {
	if oomKiller == nil || dying() {
		return false
	}
	victim, killed := chooseFattest()
	if victim == nil {
		return false
	}
	if !killed {
		victim.OOMKilled.Store(true)
		if !oomKiller(victim) {
			MMDrop(victim)
			return true // nobody left to kill in it: choose again
		}
		CountVM(OOMKill)
	}
	oomWait.WaitTimeout(func() bool {
		return NrFreePages() > reservedPages() || MMUsers(victim) == 0 || dying()
	}, oomPatience, false)
	MMDrop(victim)
	return !dying()
}

// tablesPerPage is how many page tables there may be for each page that is free or may be
// stolen. To search as many takes longer than to read the page back.
const tablesPerPage = 8

// littleToSteal reports whether nearly all of memory is page tables, which nobody can
// steal, and what is locked. The rest of the programs' pages then goes to swap and comes back for
// every few of their instructions, and to find it there are all those tables to
// search. No spinlock held.
func littleToSteal() bool {
	i := Meminfo()
	pages := max(i.Anon+i.Mapped, i.Cached+i.SwapCached+i.Shmem) // of what is in both, once
	return i.PageTables > tablesPerPage*(i.Free+max(0, pages-int(mlocked.Load())))
}

// Range of oom_score_adj.
const (
	OOMScoreAdjMin = -1000 // never chosen
	OOMScoreAdjMax = 1000
)

// oomBadness is what the end of m would free, in pages and page tables, moved by oom_score_adj as
// by that many thousandths of all memory; not ok if m is not to be killed. Source:
// Linux's oom_badness.
func oomBadness(m *MM) (points int64, ok bool) {
	adj := int64(m.Limits.OOMScoreAdj.Load())
	if adj == OOMScoreAdjMin {
		return 0, false
	}
	points = m.RSS.Load() + m.SwapEnts.Load() + m.PTables.Load()
	return points + adj*oomTotal()/OOMScoreAdjMax, points > 0
}

// oomTotal is all memory there is, in pages.
func oomTotal() int64 { return int64(TotalPages()) + totalSwapPages.Load() }

// OOMScore is oom_score: how likely m is chosen, from 0 to about 1333.
func OOMScore(m *MM) int64 {
	points, ok := oomBadness(m)
	if !ok {
		return 0
	}
	return max(0, (OOMScoreAdjMax+points*OOMScoreAdjMax/oomTotal())*2/3)
}

// chooseFattest returns, with mm_count taken, the address space that was killed
// and still has pages, or else the one whose end frees most, as far as its
// oom_score_adj lets it be chosen.
func chooseFattest() (victim *MM, killed bool) {
	mmlistLock.Lock()
	defer mmlistLock.Unlock()
	var worst int64
	for m := mmlistHead; m != nil; m = m.mmlistNext {
		if MMUsers(m) == 0 {
			continue
		}
		if m.OOMKilled.Load() && m.RSS.Load()+m.SwapEnts.Load() > 0 {
			victim, killed = m, true
			break
		}
		if points, ok := oomBadness(m); ok && (victim == nil || points > worst) {
			victim, worst = m, points
		}
	}
	if victim != nil {
		MMGrab(victim)
	}
	return victim, killed
}
