package mm

import (
	"math/rand"
	"sync"
	"testing"
	"time"

	"yolk/locks"
)

// shmWorld is what the programs of TestShmInParallel share. A page holds zero or
// what was written for its index.
type shmWorld struct {
	ids  [3]int
	stop time.Time
}

func (w *shmWorld) program(t *testing.T, cpu int) {
	rng := rand.New(rand.NewSource(int64(cpu)))
	m := MMAlloc(noLimits())
	var at [8]uintptr // of segment i%3
	for n := 0; time.Now().Before(w.stop) && !t.Failed(); n++ {
		i := rng.Intn(len(at))
		switch {
		case at[i] == 0:
			addr, e := m.tShmAt(w.ids[i%3], 0, 0, root)
			if e != 0 {
				t.Error("shmat:", e)
				return
			}
			at[i] = addr
		case rng.Intn(20) == 0:
			if e := m.tShmDt(at[i]); e != 0 {
				t.Error("shmdt:", e)
			}
			at[i] = 0
		case rng.Intn(40) == 0:
			c, e := DupMM(m, noLimits())
			if e != 0 {
				t.Error("fork:", e)
				return
			}
			if rng.Intn(2) == 0 { // the parent goes, the child stays
				m, c = c, m
			}
			CheckInvariants(c)
			MMPut(c)
		default:
			w.touch(t, m, cpu, at[i], i%3, rng)
		}
	}
	MMPut(m)
}

// shmWorldPages is the size of each segment: all together are twice the RAM.
const shmWorldPages = 350

func (w *shmWorld) touch(t *testing.T, m *MM, cpu int, addr uintptr, seg int, rng *rand.Rand) {
	from := rng.Intn(shmWorldPages)
	for page := from; page < min(shmWorldPages, from+30); page++ {
		want := uint64(seg+1)<<32 | uint64(page)
		v, r := m.peek(cpu, addr+uintptr(page)*pg)
		if r.Failed() || v != 0 && v != want {
			t.Errorf("segment %d page %d: %#x, %v", seg, page, v, r)
			return
		}
		if r := m.poke(cpu, addr+uintptr(page)*pg, want); r.Failed() {
			t.Errorf("segment %d page %d: %v", seg, page, r)
			return
		}
	}
}

func TestShmInParallel(t *testing.T) {
	const frames, slots = 512, 4000
	d := swapMachine(t, frames, slots)
	d.SetDelay(func() time.Duration { return time.Duration(rand.Intn(200)) * time.Microsecond })
	w := shmWorld{stop: time.Now().Add(2 * time.Second)}
	if testing.Short() {
		w.stop = time.Now().Add(300 * time.Millisecond)
	}
	for i := range w.ids {
		w.ids[i] = mustShmGet(t, shmWorldPages)
	}
	var wg sync.WaitGroup
	for cpu := range 3 {
		wg.Add(1)
		locks.Go("program", func() {
			defer wg.Done()
			w.program(t, cpu)
		})
	}
	wg.Add(2)
	locks.Go("swapoff", func() {
		defer wg.Done()
		onAndOff(t, swapDisk("extra", 600), func() bool { return !time.Now().Before(w.stop) })
	})
	locks.Go("segments", func() {
		defer wg.Done()
		shortLives(t, w.stop)
	})
	wg.Wait()
	for _, id := range w.ids {
		wantNattch(t, id, 0)
	}
	recountShm(t)
	for _, id := range w.ids {
		mustShmRemove(t, id)
	}
	t.Logf("out %d of %d tries, in %d", VMStat(ShmSwapOut), VMStat(ShmSwapTry), VMStat(ShmSwapIn))
	checkNoShm(t)
	checkEmptySwap(t, slots)
	recountFree(t)
	nothingLost(t)
}

// shortLives makes segments under one key and removes them, attached or not.
func shortLives(t *testing.T, stop time.Time) {
	m := MMAlloc(noLimits())
	for n := 0; time.Now().Before(stop); n++ {
		id, e := ShmGet(99, 20*pg, IPCCreat|IPCExcl|0o600, root)
		if e != 0 {
			t.Error("shmget:", e)
			break
		}
		if n%3 > 0 {
			a := mustShmAt(t, m, id)
			fill(t, m, 3, a, 20, uint64(n))
			if n%3 == 1 {
				verify(t, m, 3, a, 20, uint64(n))
				m.tShmDt(a)
			}
		}
		mustShmRemove(t, id)
		if n%30 == 29 {
			MMPut(m) // with what is still attached
			m = MMAlloc(noLimits())
		}
	}
	MMPut(m)
}
