package mm

import (
	"encoding/binary"
	"math/rand"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"yolk/arch"
	"yolk/drivers/blk"
	"yolk/locks"
)

func TestStreamFourTimesRAM(t *testing.T) {
	const frames, pages = 1024, 4096
	d := swapMachine(t, frames, 6000)
	m := testSpace(t)
	addr := mustMmap(t, m, pages)
	for round := range uint64(2) {
		fill(t, m, 0, addr, pages, round)
		verify(t, m, 0, addr, pages, round)
	}
	CheckInvariants(m)
	recountFree(t)
	nothingLost(t)
	t.Logf("pswpout %d pswpin %d requests %d ra %d hit %d majflt %d kswapd %d/%d direct %d/%d stall %d", VMStat(PSwpOut), VMStat(PSwpIn), d.Requests(),
		VMStat(SwapRA), VMStat(SwapRAHit), VMStat(PgMajFault), VMStat(PgStealKswapd), VMStat(PgScanKswapd),
		VMStat(PgStealDirect), VMStat(PgScanDirect), VMStat(AllocStall))
	MMPut(m)
	checkEmptySwap(t, 6000)
}

func TestForkSharesSwap(t *testing.T) {
	const pages = 1500
	swapMachine(t, 1024, 4000)
	m := testSpace(t)
	addr := mustMmap(t, m, pages)
	fill(t, m, 0, addr, pages, 1)
	var kids []*MM
	for range 3 {
		c, e := DupMM(m, noLimits())
		if e != 0 {
			t.Fatal(e)
		}
		kids = append(kids, c)
	}
	for _, c := range kids {
		verify(t, c, 1, addr, pages, 1)
	}
	fill(t, kids[0], 1, addr, 300, 2)
	verify(t, m, 0, addr, pages, 1)
	verify(t, kids[0], 1, addr, 300, 2)
	for _, c := range append(kids, m) {
		CheckInvariants(c)
		MMPut(c)
	}
	checkEmptySwap(t, 4000)
}

func TestSwapoff(t *testing.T) {
	swapMachine(t, 2048, 4000)
	other := swapDisk("other", 500)
	if e := SwapOn(other, 5); e != 0 {
		t.Fatal(e)
	}
	if e := SwapOn(other, 5); e != syscall.EBUSY {
		t.Error("a second swapon:", e)
	}
	m := testSpace(t)
	const pages = 2500
	addr := mustMmap(t, m, pages)
	fill(t, m, 0, addr, pages, 3)
	if swapInfos[1].slotsInUse() == 0 {
		t.Error("the area of the higher priority was not used first")
	}
	if e := SwapOff("other"); e != 0 {
		t.Fatal("swapoff:", e)
	}
	verify(t, m, 0, addr, pages, 3)
	CheckInvariants(m)
	if e := SwapOff("swap"); e != syscall.ENOMEM {
		t.Error("swapoff of what does not fit into RAM:", e)
	}
	verify(t, m, 0, addr, pages, 3)
	m.tMunmap(addr, 1500*pg)
	if e := SwapOff("swap"); e != 0 {
		t.Fatal("swapoff:", e)
	}
	if m.SwapEnts.Load() != 0 || NrSwapPages() != 0 {
		t.Error("entries or slots left:", m.SwapEnts.Load(), NrSwapPages())
	}
	if e := SwapOff("swap"); e != syscall.EINVAL {
		t.Error("a second swapoff:", e)
	}
	for i := range uint64(1000) {
		if v, _ := m.peek(0, addr+uintptr(i+1500)*pg); v != pattern(3, i+1500, 0) {
			t.Fatal("page lost:", i)
		}
	}
}

func TestReadErrorIsSIGBUSForTheReader(t *testing.T) {
	d := swapMachine(t, 1024, 3000)
	m := testSpace(t)
	const pages = 2000
	addr := mustMmap(t, m, pages)
	fill(t, m, 0, addr, pages, 4)
	settle(t)
	failReads(t, d, m, addr, pages, 4)
	settle(t)
	verify(t, m, 0, addr, pages, 4)
}

func TestWriteErrorKeepsThePage(t *testing.T) {
	d := swapMachine(t, 1024, 3000)
	var n atomic.Int32
	d.SetFault(func(op blk.Op, _ uint64) syscall.Errno {
		if op == blk.Write && n.Add(1)%8 == 0 && n.Load() < 100 {
			return syscall.EIO
		}
		return 0
	})
	before := VMStat(SwapWriteError)
	m := testSpace(t)
	const pages = 2000
	addr := mustMmap(t, m, pages)
	fill(t, m, 0, addr, pages, 5)
	verify(t, m, 0, addr, pages, 5)
	MMPut(m)
	// Read anew at each look: a write that kswapd has under way may yet fail.
	lost := func() int { return int(VMStat(SwapWriteError) - before) }
	waitEmptySwap(t, func() int { return 3000 - lost() })
	if lost() == 0 {
		t.Error("no write failed")
	}
}

// TestStealFaultUnmapInParallel runs programs, each on a CPU of its own and
// checking its pages, against kswapd, fork, munmap, mprotect and swapoff.
func TestStealFaultUnmapInParallel(t *testing.T) {
	const frames, slots = 1024, 8000
	d := swapMachine(t, frames, slots)
	d.SetDelay(func() time.Duration { return time.Duration(rand.Intn(200)) * time.Microsecond })
	var wg sync.WaitGroup
	for cpu := range 3 {
		wg.Add(1)
		locks.Go("program", func() {
			defer wg.Done()
			runProgram(t, cpu, 500, 6)
		})
	}
	var stop atomic.Bool
	off := make(chan struct{})
	locks.Go("swapoff", func() {
		defer close(off)
		onAndOff(t, swapDisk("extra", 2000), stop.Load)
	})
	wg.Wait()
	stop.Store(true)
	<-off
	checkEmptySwap(t, slots)
	recountFree(t)
	nothingLost(t)
}

func runProgram(t *testing.T, cpu, pages, rounds int) {
	for round := range rounds {
		seed := uint64(cpu*100 + round)
		m := MMAlloc(noLimits())
		addr := mustMmap(t, m, pages)
		fill(t, m, cpu, addr, pages, seed)
		c, e := DupMM(m, noLimits())
		if e != 0 {
			t.Error("fork:", e)
			return
		}
		verify(t, m, cpu, addr, pages, seed)
		fill(t, c, cpu, addr, pages/2, seed+1000)
		if e := c.tMunmap(addr+uintptr(pages/2)*pg, uintptr(pages/4)*pg); e != 0 {
			t.Error("munmap:", e)
		}
		verify(t, c, cpu, addr, pages/2, seed+1000)
		MMPut(c)
		verify(t, m, cpu, addr, pages, seed)
		CheckInvariants(m)
		MMPut(m)
	}
}

func TestOOMKillsTheFattest(t *testing.T) {
	swapMachine(t, 1024, 600)
	thin, fat := testSpace(t), testSpace(t)
	a := mustMmap(t, thin, 100)
	fill(t, thin, 0, a, 100, 1)
	var killed atomic.Pointer[MM]
	SetOOMKiller(func(m *MM) bool {
		killed.Store(m)
		return true
	})
	SetCurrentMM(func() *MM { m, _ := locks.Current().Task.(*MM); return m })
	defer SetOOMKiller(nil)
	defer SetCurrentMM(nil)
	b, e := fat.tMmap(0, 4000*pg, rw, private|syscall.MAP_NORESERVE)
	if e != 0 {
		t.Fatal(e)
	}
	locks.Current().Task = fat
	defer func() { locks.Current().Task = nil }()
	for i := uintptr(0); i < 4000; i++ {
		if r := fat.poke(1, b+i*pg, 1); r.Failed() || killed.Load() != nil {
			break
		}
	}
	if killed.Load() != fat {
		t.Fatal("the killer chose", killed.Load(), "not the fat one", fat)
	}
	locks.Current().Task = nil
	MMPut(fat)
	verify(t, thin, 0, a, 100, 1)
}

func TestBigmemBounces(t *testing.T) {
	bigmemMachine(t, 3000)
	m := testSpace(t)
	addr := mustMmap(t, m, 2000)
	fill(t, m, 0, addr, 2000, 9)
	verify(t, m, 0, addr, 2000, 9)
	CheckInvariants(m)
	MMPut(m)
	checkEmptySwap(t, 3000)
	recountFree(t)
	nothingLost(t)
}

func TestSwapHeader(t *testing.T) {
	good := func() []byte {
		b := make([]byte, arch.PageSize)
		binary.LittleEndian.PutUint32(b[hdrVersion:], 1)
		binary.LittleEndian.PutUint32(b[hdrLastPage:], 100)
		copy(b[arch.PageSize-len(swapMagic):], swapMagic)
		return b
	}
	for _, c := range []struct {
		name string
		edit func(b []byte)
		want syscall.Errno
	}{
		{"good", func([]byte) {}, 0},
		{"no magic", func(b []byte) { b[arch.PageSize-1] = 'x' }, syscall.EINVAL},
		{"version 2", func(b []byte) { b[hdrVersion] = 2 }, syscall.EINVAL},
		{"empty", func(b []byte) { b[hdrLastPage] = 0 }, syscall.EINVAL},
		{"longer than the device", func(b []byte) { b[hdrLastPage] = 101 }, syscall.EINVAL},
		{"too many bad pages", func(b []byte) { b[hdrNrBad+1] = 0xff }, syscall.EINVAL},
		{"bad page beyond the end", func(b []byte) { b[hdrNrBad] = 1; b[hdrBadPages] = 101 }, syscall.EINVAL},
		{"bad page", func(b []byte) { b[hdrNrBad] = 1; b[hdrBadPages] = 7 }, 0},
	} {
		b := good()
		c.edit(b)
		if h, e := parseSwapHeader(b, 101); e != c.want {
			t.Errorf("%s: %v (%+v), want %v", c.name, e, h, c.want)
		}
	}
}
