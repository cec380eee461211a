package mm

import (
	"fmt"
	"syscall"
	"testing"
)

// cached is Cached of an objectFile.
func (f *objectFile) cached(v *VMA, addr uintptr, pages []*Page) {
	f.once.Lock()
	defer f.once.Unlock()
	for i := range pages {
		if k := v.pgoffAt(addr) + uint64(i); k < f.size.Load() && f.pages[k] != nil {
			GetPage(f.pages[k])
			pages[i] = f.pages[k]
		}
	}
}

// readOnly maps the whole file for reading.
func readOnly(t *testing.T, m *MM, f *objectFile) {
	t.Helper()
	f.ops.Cached = f.cached
	m.MmapSem.Lock()
	_, e := DoMmap(m, f, base, uintptr(len(f.pages))*pg, syscall.PROT_READ, syscall.MAP_PRIVATE|fixed, 0)
	m.MmapSem.Unlock()
	if e != 0 {
		t.Fatal("mmap:", e)
	}
}

// TestTruncateMeetsFaultAround cuts the file when fault-around has its pages and has
// not mapped them: it must not do so any more, not even if the file has grown again.
func TestTruncateMeetsFaultAround(t *testing.T) {
	for _, after := range []uint64{1, 8} {
		t.Run(fmt.Sprintf("to %d pages", after), func(t *testing.T) {
			testMachine(t, 1024)
			f := newObjectFile(t, 8)
			mapFile(t, testSpace(t), f)
			m := testSpace(t)
			readOnly(t, m, f)
			atStep(t, "fault_around: has pages", func() {
				f.truncate(1)
				f.size.Store(after)
			})
			if r := HandleFault(m, base, AccessRead); r.Failed() {
				t.Fatal("fault:", r)
			}
			if rss := m.RSS.Load(); rss != 1 {
				t.Errorf("%d pages are mapped, want the one that the file kept", rss)
			}
		})
	}
}
