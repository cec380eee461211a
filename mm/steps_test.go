package mm

import (
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"yolk/arch"
)

// atStep has f called, once, at the first passage of a step; the hook is off
// while f runs.
func atStep(t testing.TB, where string, f func()) {
	t.Helper()
	var done atomic.Bool
	hook := func(at string) {
		if at == where && done.CompareAndSwap(false, true) {
			f()
		}
	}
	onStep.Store(&hook)
	t.Cleanup(func() {
		onStep.Store(nil)
		if !done.Load() {
			t.Errorf("step %q was never passed", where)
		}
	})
}

// begin runs f in a goroutine and gives it some time. ended says whether it came
// to its end within that; finish waits for the end. The caller may hold a spinlock,
// so it must not park: it looks at the clock.
func begin(f func()) (ended bool, finish func()) {
	var over atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
		over.Store(true)
	}()
	for start := time.Now(); !over.Load() && time.Since(start) < 30*time.Millisecond; {
	}
	return over.Load(), func() { <-done }
}

// objectFile is a file that keeps its pages, and that tests may use from several
// goroutines. It notices when somebody uses it without a reference.
type objectFile struct {
	mappings IMmap
	refs     atomic.Int32
	misused  atomic.Int32 // uses of the file after its last reference
	pages    []*Page
	size     atomic.Uint64 // in pages
	ops      VMOps
	once     sync.Mutex // guards pages
}

func newObjectFile(t testing.TB, pages int) *objectFile {
	f := &objectFile{pages: make([]*Page, pages)}
	f.mappings.Init()
	f.refs.Store(1)
	f.size.Store(uint64(pages))
	f.ops = VMOps{Nopage: f.nopage, Swapout: KeepPage}
	t.Cleanup(func() {
		if n := f.misused.Load(); n > 0 {
			t.Errorf("the file was used %d times without a reference", n)
		}
	})
	return f
}

func (f *objectFile) nopage(v *VMA, addr uintptr, _ bool) (*Page, FaultResult) {
	i := v.pgoffAt(addr)
	if i >= f.size.Load() {
		return nil, FaultBus
	}
	f.once.Lock()
	defer f.once.Unlock()
	if f.pages[i] == nil {
		f.pages[i] = AllocPage(GFPUser | GFPZero)
	}
	GetPage(f.pages[i])
	return f.pages[i], FaultMinor
}

func (f *objectFile) GetFile() {
	if f.refs.Add(1) <= 1 {
		f.misused.Add(1)
	}
}

func (f *objectFile) FPut() {
	if f.refs.Add(-1) < 0 {
		f.misused.Add(1)
	}
}

func (f *objectFile) CanRead() bool             { return true }
func (f *objectFile) CanWrite() bool            { return true }
func (f *objectFile) Mmap(v *VMA) syscall.Errno { v.VMOps = &f.ops; return 0 }
func (f *objectFile) IMmap() *IMmap             { return &f.mappings }
func (f *objectFile) MapInfo() (name string, major, minor uint32, ino uint64) {
	return "/tmp/object", 8, 1, 43
}

// truncate makes the file end before page first, as a file system does.
func (f *objectFile) truncate(first uint64) {
	f.size.Store(first)
	VMTruncate(&f.mappings, first)
}

// mapFile maps the whole file shared at base and writes to every page.
func mapFile(t testing.TB, m *MM, f *objectFile) {
	t.Helper()
	m.MmapSem.Lock()
	_, e := DoMmap(m, f, base, uintptr(len(f.pages))*pg, rw, syscall.MAP_SHARED|fixed, 0)
	m.MmapSem.Unlock()
	if e != 0 {
		t.Fatal("mmap:", e)
	}
	for i := range f.pages {
		if r := m.poke(0, base+uintptr(i)*pg, 1); r.Failed() {
			t.Fatal("fault:", r)
		}
	}
}

// presentAt reports whether a pte of m maps a page at addr.
func presentAt(m *MM, addr uintptr) bool {
	m.PageTableLock.Lock()
	defer m.PageTableLock.Unlock()
	pte := lookupPTE(m, addr)
	return pte != nil && ptePresent(loadPTE(pte))
}

// pteOf returns the entry for addr.
func pteOf(m *MM, addr uintptr) arch.PTE {
	m.PageTableLock.Lock()
	defer m.PageTableLock.Unlock()
	if pte := lookupPTE(m, addr); pte != nil {
		return loadPTE(pte)
	}
	return 0
}

// changePTEOf changes the entry for addr, which has a table.
func changePTEOf(m *MM, addr uintptr, keep, set arch.PTE) {
	m.PageTableLock.Lock()
	defer m.PageTableLock.Unlock()
	changePTE(lookupPTE(m, addr), keep, set)
}
