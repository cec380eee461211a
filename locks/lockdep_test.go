//go:build lockdep

//lint:file-ignore SA2001 locks are taken here for their own sake

package locks

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unsafe"
)

// reports runs f in a goroutine of its own and returns what the checker says.
func reports(f func()) []string {
	var got []string
	SetReporter(func(r string) { got = append(got, r) })
	defer reporter.Store(nil)
	together(1, func(int) { f() })
	return got
}

func newSpin(c Class) *SpinLock { l := new(SpinLock); l.Init(c); return l }
func newMutex(c Class) *Mutex   { l := new(Mutex); l.Init(c); return l }
func newRWSem(c Class) *RWSem   { l := new(RWSem); l.Init(c); return l }

// within runs f with the locks held.
func within(f func(), ls ...interface {
	Lock()
	Unlock()
}) func() {
	return func() {
		for _, l := range ls {
			l.Lock()
		}
		f()
		for i := range ls {
			ls[len(ls)-1-i].Unlock()
		}
	}
}

// take takes and releases a lock.
func take(l interface {
	Lock()
	Unlock()
}) func() {
	return func() { l.Lock(); l.Unlock() }
}

// bigLock makes kernel_lock look like the others.
type bigLock struct{}

func (bigLock) Lock()   { LockKernel() }
func (bigLock) Unlock() { UnlockKernel() }

func TestRules(t *testing.T) {
	var (
		page  [3]byte
		ptl   = newSpin(PageTableLock)
		ptlB  = newSpin(PageTableLock)
		share = newSpin(ISharedLock)
		slab  = newSpin(CSpinlock)
		zone  = newSpin(ZoneLock)
		futex = []*SpinLock{newSpin(FutexLock), newSpin(FutexLock)}
		mmap  = newMutex(MmapSem)
		mmapB = newMutex(MmapSem)
		inode = newRWSem(ISem)
		plain = new(SpinLock)
		q     WaitQueue
	)
	pageAt := func(i int) unsafe.Pointer { return unsafe.Pointer(&page[i]) }
	if uintptr(unsafe.Pointer(futex[0])) > uintptr(unsafe.Pointer(futex[1])) {
		futex[0], futex[1] = futex[1], futex[0]
	}
	for _, tt := range []struct {
		name string
		f    func()
		want string // rule, or empty for none
	}{
		{"mmap_sem, then the vmlist lock, then a slab's", within(take(slab), mmap, ptl), ""},
		{"i_shared_lock before the vmlist lock", within(take(ptl), mmap, share), ""},
		{"kernel_lock around and inside a sleeping lock", within(take(bigLock{}), bigLock{}, mmap), ""},
		{"kernel_lock inside mmap_sem", within(within(take(ptl), bigLock{}), mmap), ""},
		{"sleeping with mmap_sem", within(func() { Sleep(time.Microsecond, false) }, mmap, bigLock{}), ""},
		{"futex buckets in ascending order", within(func() {}, futex[0], futex[1]), ""},
		{"a lock without a class", within(take(plain), ptl), ""},

		{"vmlist lock before i_shared_lock", within(take(share), ptl), "order"},
		{"i_sem inside mmap_sem", within(take(inode), mmap), "order"},
		{"reading i_sem inside mmap_sem", within(func() { inode.RLock(); inode.RUnlock() }, mmap), "order"},
		{"two mms' mmap_sem", within(take(mmapB), mmap), "order"},
		{"slab lock, then asking for pages", within(take(zone), slab), "order"},
		{"futex buckets in descending order", within(func() {}, futex[1], futex[0]), "order"},

		{"code that may sleep, under the vmlist lock", within(MaySleep, ptl), "R4"},
		{"waiting under the vmlist lock", within(func() { q.WaitTimeout(func() bool { return true }, 0, false) }, ptl), "R4"},
		{"stealing under the vmlist lock", within(MayAlloc, ptl), "R4"},
		{"page lock under the vmlist lock", within(func() {
			NoteAcquire(PageLock, pageAt(0), 0)
			NoteRelease(PageLock, pageAt(0))
		}, ptl), "R4"},
		{"sleeping lock under the vmlist lock", within(take(mmap), ptl), "R4"},
		{"kernel_lock under the vmlist lock", within(take(bigLock{}), ptl), "R4"},
		{"vmlist locks of two mms", within(take(ptlB), ptl), "R5"},
		{"trying the vmlist lock of a second mm", within(func() { ptlB.TryLock(); ptlB.Unlock() }, ptl), "R5"},
		{"driver method under a spinlock", within(func() { AssertNoSpinlock("R8") }, share), "R8"},
		{"swapout with mmap_sem", within(func() { AssertNotHeld("R8", MmapSem) }, mmap), "R8"},
		{"page stealer takes mmap_sem", func() {
			Current().Flags |= PFMemAlloc
			take(mmap)()
		}, "R10"},
		{"page stealer tries mmap_sem", func() {
			Current().Flags |= PFMemAlloc
			mmap.TryLock()
			mmap.Unlock()
		}, "R10"},
		{"sleeping lock under another spinlock", within(take(mmap), zone), "R11"},
		{"asking for memory under another spinlock", within(MayAlloc, slab), "R11"},
		{"sleeping under a lock without a class", within(MaySleep, plain), "R11"},
		{"vma list changed without mmap_sem", mmap.AssertHeld, "R1"},
		{"vma list changed without the vmlist lock", ptl.AssertHeld, "R2"},
		{"a rule checked by mm", func() { Violation("R9", "map_count %d, list %d", 1, 2) }, "R9"},
		{"a pte changed with no lock", func() { AssertGuard(PageTableLock, ShmLock, "a pte is set") }, "guard"},
		{"a pte changed with the wrong lock", within(func() { AssertGuard(PageTableLock, ShmLock, "a pte is set") }, zone), "guard"},
		{"a pte changed with one of its locks", within(func() { AssertGuard(ShmLock, PageTableLock, "a pte is set") }, ptl), ""},
		{"a call without kernel_lock", func() { AssertGuard(KernelLock, NoClass, "swapout is called") }, "guard"},
		{"a call with kernel_lock", within(func() { AssertGuard(KernelLock, NoClass, "swapout is called") }, bigLock{}), ""},
		{"to ring 3 with a lock", within(func() { AssertNoLocks("R4") }, mmap), "R4"},

		{"pages in ascending order", func() {
			NoteAcquire(PageLock, pageAt(0), 1)
			NoteAcquire(PageLock, pageAt(1), 2)
			NoteRelease(PageLock, pageAt(0))
			NoteRelease(PageLock, pageAt(1))
		}, ""},
		{"pages in descending order", func() {
			NoteAcquire(PageLock, pageAt(1), 2)
			NoteAcquire(PageLock, pageAt(0), 1)
			NoteRelease(PageLock, pageAt(0))
			NoteRelease(PageLock, pageAt(1))
		}, "order"},
		{"trying pages in descending order", func() {
			NoteAcquire(PageLock, pageAt(1), 2)
			NoteTry(PageLock, pageAt(0), 1)
			NoteRelease(PageLock, pageAt(0))
			NoteRelease(PageLock, pageAt(1))
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := reports(tt.f)
			want := "rule " + tt.want + " broken"
			switch tt.want {
			case "order":
				want = "lock order broken"
			case "guard":
				want = "unguarded"
			}
			switch {
			case tt.want == "" && len(got) > 0:
				t.Errorf("false alarm:\n%s", got[0])
			case tt.want != "" && len(got) == 0:
				t.Errorf("not noticed")
			case tt.want != "" && !strings.Contains(got[0], want):
				t.Errorf("want %q, got:\n%s", want, got[0])
			}
		})
	}
}

// TestR7 releases a lock that the running goroutine does not hold.
func TestR7(t *testing.T) {
	for name, l := range map[string]interface {
		Lock()
		Unlock()
	}{"spinlock": newSpin(PageTableLock), "mutex": newMutex(MmapSem), "rwsem": newRWSem(ISem)} {
		t.Run(name, func(t *testing.T) {
			got := reports(func() {
				defer func() { _ = recover() }() // the lock itself panics too
				l.Unlock()
			})
			if len(got) != 1 || !strings.Contains(got[0], "rule R7 broken") {
				t.Errorf("got %q", got)
			}
		})
	}
}

// TestReportHasBothStacks and names the place of the opposite order too.
func TestReportHasBothStacks(t *testing.T) {
	outer, inner := newSpin(SwapListLock), newSpin(SwapDeviceLock)
	if got := reports(func() { right(outer, inner) }); len(got) != 0 {
		t.Fatalf("false alarm: %s", got[0])
	}
	got := reports(func() { wrong(outer, inner) })
	if len(got) != 1 {
		t.Fatalf("%d reports", len(got))
	}
	for _, want := range []string{
		"taking swap_list_lock inside swap_device_lock",
		"yolk/locks.wrong", "yolk/locks.wrongFirst",
		"the opposite order was first seen when swap_list_lock was taken here",
		"yolk/locks.right", "lockdep_test.go:",
	} {
		if !strings.Contains(got[0], want) {
			t.Errorf("no %q in:\n%s", want, got[0])
		}
	}
}

//go:noinline
func right(outer, inner *SpinLock) {
	outer.Lock()
	inner.Lock()
	inner.Unlock()
	outer.Unlock()
}

//go:noinline
func wrong(outer, inner *SpinLock) {
	wrongFirst(inner)
	outer.Lock()
	outer.Unlock()
	inner.Unlock()
}

//go:noinline
func wrongFirst(l *SpinLock) { l.Lock() }

// A sleep drops kernel_lock and takes it again inside
// the sleeping locks that are held; the checker must follow.
func TestKernelLockIsFollowedThroughSleep(t *testing.T) {
	m := newMutex(MmapSem)
	if got := reports(func() {
		LockKernel()
		m.Lock()
		Sleep(time.Microsecond, false)
		UnlockKernel()
		m.Unlock()
		AssertNoLocks("R4")
	}); len(got) != 0 {
		t.Errorf("false alarm:\n%s", got[0])
	}
}

func TestDefaultReporterPanics(t *testing.T) {
	together(1, func(int) {
		panicsHere(t, func() { newMutex(MmapSem).AssertHeld() })
	})
}

func TestWriteLockdep(t *testing.T) {
	within(take(newSpin(PageTableLock)), newMutex(MmapSem))()
	var b strings.Builder
	WriteLockdep(&b)
	for _, want := range []string{
		"all lock classes:\n",
		fmt.Sprintf(" -> [%02d] page_table_lock\n", PageTableLock),
		"\nviolations: ",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in:\n%s", want, b.String())
		}
	}
}

func TestHeldListIsReused(t *testing.T) {
	a, b := newMutex(MmapSem), newSpin(PageTableLock)
	together(1, func(int) {
		for range 10 * maxHeld {
			a.Lock()
			b.Lock()
			a.Unlock() // out of order is allowed
			b.Unlock()
		}
		if n := Current().dep.n; n != 0 {
			t.Errorf("%d locks are still listed", n)
		}
	})
}
