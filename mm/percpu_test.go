package mm

import (
	"bytes"
	"strings"
	"sync"
	"testing"
)

// Frames that CPUs keep are free: they are counted as such, a census finds them, and who
// runs short gets them.
func TestPerCPUPages(t *testing.T) {
	boot(t, 8192, Config{DMAEnd: 0x100 + 512})
	z := &zones[zoneNormal]
	if z.keepMax < perCPUMin {
		t.Fatalf("a CPU may keep %d of %d frames", z.keepMax, z.pages.Load())
	}
	drainPerCPU()
	free := NrFreePages()
	p := AllocPage(GFPUser)
	if n := z.kept(); n != freeBatch-1 || NrFreePages() != free-1 {
		t.Errorf("after one frame was taken %d are kept and %d of %d free", n, NrFreePages(), free)
	}
	FreePage(p)
	if q := AllocPage(GFPUser); q != p {
		t.Error("the frame freed last is not the first to be taken")
	}
	FreePage(p)

	var many []*Page
	for range 2 * z.keepMax {
		p := AllocPage(GFPUser)
		p.count.Store(0)
		many = append(many, p)
	}
	freeFrames(many)
	if n := z.kept(); n != int(z.keepMax) || NrFreePages() != free {
		t.Errorf("%d frames are kept, want %d; %d of %d are free", n, z.keepMax, NrFreePages(), free)
	}
	recountFree(t)

	var out bytes.Buffer
	WriteRecount(&out)
	if s := out.String(); !strings.Contains(s, "unowned_frames 0\nstray_references 0\n") {
		t.Errorf("the census says:\n%s", s)
	}
	if z.kept() != 0 || NrFreePages() != free {
		t.Errorf("%d frames are kept after a census; %d of %d are free", z.kept(), NrFreePages(), free)
	}

	// Another CPU's frames are taken back before anything else is tried.
	c := &z.perCPU[3]
	c.lock.Lock()
	pageAllocLock.Lock()
	for n := range int32(freeBatch) {
		c.pfn[n] = z.take(0)
		c.count.Store(n + 1)
	}
	pageAllocLock.Unlock()
	c.lock.Unlock()
	got := drainReserves()
	if n := NrFreePages(); n != 0 || len(got) != free {
		t.Errorf("%d frames could not be had, %d of %d could", n, len(got), free)
	}
	for _, p := range got {
		FreePage(p)
	}
	if n := NrFreePages(); n != free {
		t.Errorf("%d frames free at the end, %d at the start", n, free)
	}
	recountFree(t)
}

// Small zones keep none: there each frame counts.
func TestPerCPUPagesSmall(t *testing.T) {
	boot(t, 1024, Config{DMAEnd: 0x100 + 16})
	FreePage(AllocPage(GFPUser))
	if n := zones[zoneNormal].kept(); n != 0 {
		t.Errorf("%d frames are kept", n)
	}
}

func TestPerCPUPagesRace(t *testing.T) {
	boot(t, 8192, Config{DMAEnd: 0x100 + 512})
	free := NrFreePages()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 200 {
				var mine []*Page
				for range 100 {
					if p := AllocPage(GFPAtomic); p != nil {
						mine = append(mine, p)
					}
				}
				for _, p := range mine {
					FreePage(p)
				}
			}
		})
	}
	all.Go(func() {
		for range 200 {
			drainPerCPU()
			WriteRecount(&bytes.Buffer{})
		}
	})
	all.Wait()
	if n := NrFreePages(); n != free {
		t.Errorf("%d frames free at the end, %d at the start", n, free)
	}
	recountFree(t)
}
