package mm

import (
	"math/rand"
	"sync"
	"syscall"
	"testing"
	"time"

	"yolk/arch"
)

// A program that does random calls on a window of pages and knows what every
// page must hold; while it runs, kswapd and direct reclaim steal from it.

const window = 600

// modelPage is what one page of the window should be.
type modelPage struct {
	mapped bool
	write  bool
	read   bool
	locked bool
	shared bool
	value  uint64
}

type randomProgram struct {
	t    *testing.T
	rng  *rand.Rand
	m    *MM
	cpu  int
	page [window]modelPage
	next uint64
}

func (p *randomProgram) span(limit int) (from, to int) {
	from = p.rng.Intn(window)
	return from, min(window, from+1+p.rng.Intn(limit))
}

func at(i int) uintptr { return base + uintptr(i)*pg }

// step does one random thing; it reports what went wrong as a fatal error.
func (p *randomProgram) step() {
	from, to := p.span(60)
	length := uintptr(to-from) * pg
	var e syscall.Errno
	switch op := p.rng.Intn(40); {
	case op < 5:
		p.mmap(from, to)
	case op < 8:
		e = p.m.tMunmap(at(from), length)
		clear(p.page[from:to])
	case op < 12:
		p.mprotect(from, to)
	case op < 15:
		p.mremap(from, to)
	case op < 16:
		p.mlock(from, min(to, from+8))
	case op < 17:
		p.fork()
	case op < 19:
		p.dontneed(from, to)
	default:
		for i := from; i < to; i++ {
			p.touch(i)
		}
	}
	if e != 0 {
		p.t.Fatal(e)
	}
}

func (p *randomProgram) mmap(from, to int) {
	prot := []int{rw, rw, syscall.PROT_READ, 0}[p.rng.Intn(4)]
	kind := private
	if to-from < 10 { // shared pages cannot be swapped out: only few
		kind = shared
	}
	if _, e := p.m.tMmap(at(from), uintptr(to-from)*pg, prot, kind|fixed); e != 0 {
		p.t.Fatal("mmap", e)
	}
	for i := from; i < to; i++ {
		p.page[i] = modelPage{mapped: true, read: prot != 0, write: prot == rw, shared: kind == shared}
	}
}

func (p *randomProgram) mprotect(from, to int) {
	prot := []int{rw, syscall.PROT_READ, 0}[p.rng.Intn(3)]
	e := p.m.tMprotect(at(from), uintptr(to-from)*pg, prot)
	for i := from; i < to; i++ {
		if !p.page[i].mapped {
			if e != syscall.ENOMEM {
				p.t.Fatal("mprotect over a hole", e)
			}
			return
		}
		p.page[i].read, p.page[i].write = prot != 0, prot == rw
	}
	if e != 0 {
		p.t.Fatal("mprotect", e)
	}
}

// mremap moves one run of equal pages somewhere else in the window.
func (p *randomProgram) mremap(from, to int) {
	dst := p.rng.Intn(window)
	n := min(to-from, window-dst)
	if from < dst+n && dst < from+n {
		return
	}
	got, e := p.m.tMremap(at(from), uintptr(n)*pg, uintptr(n)*pg, MremapMayMove|MremapFixed, at(dst))
	if !p.page[from].mapped {
		if e != syscall.EFAULT {
			p.t.Fatal("mremap of a hole", e)
		}
		return
	}
	if e != 0 || got != at(dst) {
		p.t.Fatal("mremap", e)
	}
	for i := range n { // what the holes come to lie on stays
		if p.page[from+i].mapped {
			p.page[dst+i], p.page[from+i] = p.page[from+i], modelPage{}
		}
	}
}

func (p *randomProgram) mlock(from, to int) {
	e := p.m.tMlock(at(from), uintptr(to-from)*pg, MlockOnFault)
	for i := from; i < to; i++ {
		if !p.page[i].mapped {
			if e != syscall.ENOMEM {
				p.t.Fatal("mlock over a hole", e)
			}
			return
		}
		p.page[i].locked = true
	}
	if e != 0 {
		p.t.Fatal("mlock", e)
	}
	if p.rng.Intn(2) == 0 {
		p.m.tMunlock(base, window*pg)
		for i := range p.page {
			if !p.page[i].mapped {
				break
			}
			p.page[i].locked = false
		}
	}
}

func (p *randomProgram) dontneed(from, to int) {
	p.m.MmapSem.Lock()
	e := DoMadvise(p.m, at(from), uintptr(to-from)*pg, syscall.MADV_DONTNEED)
	p.m.MmapSem.Unlock()
	for i := from; i < to; i++ {
		if p.page[i].locked {
			if e != syscall.EINVAL {
				p.t.Fatal("MADV_DONTNEED of a locked page", e)
			}
			return
		}
		if !p.page[i].shared {
			p.page[i].value = 0
		}
	}
}

// touch reads or writes page i.
func (p *randomProgram) touch(i int) {
	w := &p.page[i]
	if p.rng.Intn(3) == 0 {
		p.next++
		r := p.m.poke(p.cpu, at(i), p.next)
		if r.Failed() == w.write {
			p.t.Fatalf("store to page %d %+v: %d", i, *w, r)
		}
		if w.write {
			w.value = p.next
		}
		return
	}
	v, r := p.m.peek(p.cpu, at(i))
	if r.Failed() == w.read || v != 0 && v != w.value || !r.Failed() && v != w.value {
		p.t.Fatalf("load from page %d %+v: %d, %d", i, *w, v, r)
	}
}

// fork lets a child look at everything and write some, and exit.
func (p *randomProgram) fork() {
	c, e := DupMM(p.m, noLimits())
	if e != 0 {
		p.t.Fatal("fork", e)
	}
	child := &randomProgram{t: p.t, rng: p.rng, m: c, cpu: p.cpu, page: p.page, next: p.next + 1<<32}
	for i := range child.page {
		child.page[i].locked = false
		child.touch(i)
		if p.page[i].shared {
			p.page[i].value = child.page[i].value
		}
	}
	CheckInvariants(c)
	MMPut(c)
}

func TestRandomPrograms(t *testing.T) {
	const frames, slots = 448, 8000
	swapMachine(t, frames, slots)
	stop := time.Now().Add(2 * time.Second)
	if testing.Short() {
		stop = time.Now().Add(200 * time.Millisecond)
	}
	var wg sync.WaitGroup
	for cpu := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			p := &randomProgram{t: t, rng: rand.New(rand.NewSource(int64(cpu))), cpu: cpu, m: MMAlloc(noLimits())}
			defer func() {
				MMPut(p.m)
			}()
			for n := 0; time.Now().Before(stop) && !t.Failed(); n++ {
				p.step()
				if n%16 == 0 {
					CheckInvariants(p.m)
				}
			}
		}()
	}
	wg.Wait()
	t.Logf("pswpout %d pswpin %d", VMStat(PSwpOut), VMStat(PSwpIn))
	checkEmptySwap(t, slots)
	recountFree(t)
	nothingLost(t)
}

// TestThreads: some threads change the mappings of one mm, others use them. A
// page holds zero or its own address, or the access fails.
func TestThreads(t *testing.T) {
	const frames, slots = 320, 4000
	swapMachine(t, frames, slots)
	m := testSpace(t)
	m.tMmap(base, window*pg, rw, private|fixed)
	stop := time.Now().Add(time.Second)
	var wg sync.WaitGroup
	for cpu := range 4 {
		wg.Add(1)
		rng := rand.New(rand.NewSource(int64(cpu)))
		go func() {
			defer wg.Done()
			for time.Now().Before(stop) && !t.Failed() {
				if cpu == 0 {
					changeSomething(m, rng)
					continue
				}
				addr := at(rng.Intn(window))
				if v, r := m.peek(cpu, addr); !r.Failed() && v != 0 && v != uint64(addr) {
					t.Errorf("%#x holds %#x", addr, v)
				}
				m.poke(cpu, addr, uint64(addr))
			}
		}()
	}
	wg.Wait()
}

func changeSomething(m *MM, rng *rand.Rand) {
	from := rng.Intn(window)
	to := min(window, from+1+rng.Intn(20))
	addr, length := at(from), uintptr(to-from)*pg
	switch rng.Intn(4) {
	case 0:
		m.tMunmap(addr, length)
	case 1, 2:
		m.tMmap(addr, length, rw, private|fixed)
	case 3:
		m.tMprotect(addr, length, []int{rw, syscall.PROT_READ}[rng.Intn(2)])
	}
	if rng.Intn(50) == 0 {
		if c, e := DupMM(m, noLimits()); e == 0 {
			CheckInvariants(c)
			for range 20 {
				addr := at(rng.Intn(window))
				if v, ok := arch.SoftLoad(0, &c.Ctx, addr); ok && v != 0 && v != uint64(addr) {
					panic("child sees another page's contents")
				}
			}
			MMPut(c)
		}
	}
	if rng.Intn(50) == 0 {
		CheckInvariants(m)
	}
}
