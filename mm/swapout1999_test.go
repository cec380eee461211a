package mm

import (
	"syscall"
	"testing"
	"time"

	"yolk/locks"
)

// munmapWithoutInterlock is do_munmap of a whole vma, but for the kernel_lock
// that it takes before it gives the vma up.
func munmapWithoutInterlock(m *MM, addr, end uintptr) {
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	v, prev := findVMAPrev(m, addr)
	area := detachVMAs(m, v, prev, end)
	zapPageRange(m, addr, end)
	unmapFixup(m, area, addr, end, nil)
	freePgtables(m, prev, addr, end)
}

// TestSwapoutInterlock lets the owner of a mapping unmap it at the worst of times:
// when a stealer has dropped the vmlist lock and has yet to call the driver, whose
// method sleeps. The form of 1999 needs do_munmap's kernel_lock to survive that,
// and loses without. The form of the day after needs nothing.
func TestSwapoutInterlock(t *testing.T) {
	withInterlock := func(m *MM) { m.tMunmap(base, 4*pg) }
	without := func(m *MM) { munmapWithoutInterlock(m, base, base+4*pg) }
	for _, c := range []struct {
		name   string
		form99 bool
		munmap func(*MM)
		lost   bool
	}{
		{"1999", true, withInterlock, false},
		{"1999 without do_munmap's kernel_lock", true, without, true},
		{"mm18", false, withInterlock, false},
		{"mm18 without do_munmap's kernel_lock", false, without, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			promptMachine(t, 1024, 100)
			SelectSwapout1999(c.form99)
			defer SelectSwapout1999(false)
			f := newObjectFile(t, 4)
			called := 0
			f.ops.Swapout = func(_ *Page, file File) syscall.Errno {
				called++
				if file != File(f) || f.refs.Load() < 1 {
					t.Error("the method was given a file that is gone")
				}
				locks.Sleep(5*time.Millisecond, false) // drops kernel_lock: the owner may go on
				return 0
			}
			m := testSpace(t)
			mapFile(t, m, f)
			f.FPut() // close: from now on only the mapping keeps the file
			stealFrom(m, GFPSwap)
			finish := func() {}
			atStep(t, "try_to_swap_out: unlocked", func() { _, finish = begin(func() { c.munmap(m) }) })
			lost := false
			func() {
				defer func() {
					if lost = recover() != nil; lost { // what the stealer left behind
						locks.Current().Flags &^= locks.PFMemAlloc
						for locks.KernelLocked() {
							locks.UnlockKernel()
						}
					}
				}()
				stealFrom(m, GFPKswapd)
			}()
			finish()
			if lost != c.lost {
				t.Errorf("the race was lost: %v, want %v", lost, c.lost)
			}
			if !c.lost && (called == 0 || f.refs.Load() != 0) {
				t.Errorf("%d calls of swapout, %d references left", called, f.refs.Load())
			}
		})
	}
}
