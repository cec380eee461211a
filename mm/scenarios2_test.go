package mm

import (
	"sync/atomic"
	"syscall"

	"yolk/drivers/blk"
	"yolk/locks"
	"yolk/locks/explore"
)

// More scenarios: calls that change mappings against the stealer, memory that is
// short, shared memory, and files in the page cache.

func init() { scenarios = append(scenarios, moreScenarios...) }

var moreScenarios = []*scenario{
	// A fork's child was on the mmlist with a user for a moment, and what swapoff
	// took then was lost: it ended the child that fork was still making.
	{name: "fork-swapoff", slots: 16, exhaust: 2, build: func(x *scene) {
		m, a := x.space(1)
		stealFrom(m, GFPKswapd)
		RunDiskQueue()
		x.task("fork", func(cpu int) {
			c := m.fork()
			c.get(cpu, a, 0, 1)
			MMPut(c)
		})
		x.task("swapoff", func(int) { must(SwapOff("prompt")) })
		x.end(func() { m.get(0, a, 0, 1) })
	}},
	// The read-ahead of swapoff took a slot that a stealer had just got for one to
	// read, and cached a page for it before the stealer did.
	{name: "swapoff-readahead-steal", slots: 32, exhaust: 1, build: func(x *scene) {
		m, a := x.space(1)
		stealFrom(m, GFPKswapd)
		RunDiskQueue()
		shrinkMmap(0, GFPUser, 1<<20)
		c, b := x.space(2)
		x.stealer(c, 1)
		x.task("swapoff", func(int) { must(SwapOff("prompt")) })
		x.end(func() { m.get(0, a, 0, 1); c.get(0, b, 0, 1); c.get(0, b, 1, 1) })
	}},
	{name: "mprotect-steal-fork", slots: 32, build: func(x *scene) {
		m, a := x.space(4)
		x.task("mprotect", func(cpu int) {
			must(m.tMprotect(a+pg, pg, syscall.PROT_READ))
			must(m.tMprotect(a+pg, 2*pg, rw))
			m.put(cpu, a, 2, 2)
		})
		x.task("fork", func(cpu int) {
			c := m.fork()
			c.get(cpu, a, 2, 1, 2)
			MMPut(c)
		})
		x.stealer(m, 2)
		x.slowDisk(1)
		x.end(func() { m.get(0, a, 1, 1); m.get(0, a, 2, 2) })
	}},
	{name: "mlock-steal-fault", slots: 32, build: func(x *scene) {
		m, a := x.space(4)
		x.task("mlock", func(int) {
			must(m.tMlock(a+pg, 2*pg, 0))
			must(m.tMunlock(a+pg, pg))
		})
		x.task("fault", func(cpu int) { m.put(cpu, a, 1, 2); m.get(cpu, a, 2, 1) })
		x.stealer(m, 2)
		x.slowDisk(2)
		x.end(func() { m.get(0, a, 1, 2); m.get(0, a, 3, 1) })
	}},
	{name: "mremap-steal-fault", slots: 32, build: func(x *scene) {
		m, a := x.space(3)
		to := base + 600*pg
		x.task("mremap", func(cpu int) {
			_, e := m.tMremap(a, 3*pg, 3*pg, MremapMayMove|MremapFixed, to)
			must(e)
			m.get(cpu, to, 1, 1, 2)
		})
		x.task("fault", func(cpu int) { m.tryPut(cpu, a, 1, 2); m.tryGet(cpu, to, 2, 1) })
		x.stealer(m, 2)
		x.slowDisk(1)
		x.end(func() { m.get(0, to, 0, 1); m.get(0, to, 1, 1, 2); m.get(0, to, 2, 1) })
	}},
	{name: "madvise-steal-swapoff", slots: 32, build: func(x *scene) {
		m, a := x.space(3)
		stealFrom(m, GFPKswapd)
		RunDiskQueue()
		m.get(0, a, 1, 1)
		x.task("madvise", func(cpu int) {
			m.MmapSem.Lock()
			must(DoMadvise(m, a, 2*pg, syscall.MADV_DONTNEED))
			m.MmapSem.Unlock()
			m.get(cpu, a, 0, 0)
		})
		x.task("swapoff", func(int) { must(SwapOff("prompt")) })
		x.stealer(m, 2)
		x.end(func() { m.get(0, a, 0, 0); m.get(0, a, 1, 0); m.get(0, a, 2, 1) })
	}},
	{name: "fork-swapoff-exit", slots: 32, build: func(x *scene) {
		m, a := x.space(3)
		stealFrom(m, GFPKswapd)
		RunDiskQueue()
		c := m.fork()
		x.watch(c)
		x.task("fork", func(cpu int) {
			g := m.fork()
			g.put(cpu, a, 0, 2)
			g.get(cpu, a, 1, 1)
			MMPut(g)
		})
		x.task("swapoff", func(int) { must(SwapOff("prompt")) })
		x.task("exit", func(cpu int) { c.get(cpu, a, 2, 1); MMPut(c) })
		x.slowDisk(1)
		x.end(func() { m.get(0, a, 0, 1); m.get(0, a, 1, 1); m.get(0, a, 2, 1) })
	}},
	{name: "truncate-munmap-fault", slots: 16, build: func(x *scene) {
		m, _ := x.space(1)
		f := fileIn(m, 4)
		at := base + 64*pg
		x.task("truncate", func(int) { f.truncate(2) })
		x.task("munmap", func(int) { must(m.tMunmap(at+pg, pg)) })
		x.task("fault", func(cpu int) { m.tryGet(cpu, at, 0, 1); m.tryGet(cpu, at, 3, 1) })
		x.end(func() {
			if presentAt(m, at+pg) || presentAt(m, at+2*pg) {
				panic("a page beyond the end of the file is mapped")
			}
			f.drop()
		})
	}},
	{name: "reclaim-reclaim-exit", frames: 64, slots: 64, build: func(x *scene) {
		m, a := x.space(6)
		c, b := x.space(6)
		hog(x)
		x.task("writer", func(cpu int) { fillSome(m, cpu, a, 12) })
		x.task("other", func(cpu int) { fillSome(c, cpu, b, 12); MMPut(c) })
		x.slowDisk(1)
		x.end(func() { m.get(0, a, 0, 1); m.get(0, a+6*pg, 5, 1) })
	}},
	{name: "shm-fault-swap-remove", slots: 32, build: func(x *scene) {
		m, _ := x.space(1)
		c, _ := x.space(1)
		id, e := ShmGet(IPCPrivate, 3*pg, 0o600, root)
		must(e)
		a, e := m.tShmAt(id, 0, 0, root)
		must(e)
		for i := range 3 {
			m.put(0, a, i, 1)
		}
		for range 2 {
			stealFrom(m, GFPKswapd)
		}
		x.task("fault", func(cpu int) { m.get(cpu, a, 0, 1); m.put(cpu, a, 1, 2) })
		x.task("attach", func(cpu int) {
			if b, e := c.tShmAt(id, 0, 0, root); e == 0 {
				c.get(cpu, b, 2, 1)
				must(c.tShmDt(b))
			}
			must(ShmRemove(id, root))
		})
		x.task("stealer", func(int) {
			asStealer(func() {
				for range 4 {
					shmSwap(0, GFPKswapd)
				}
			})
			stealFrom(m, GFPKswapd)
			RunDiskQueue()
		})
		x.slowDisk(1)
		x.end(func() { m.get(0, a, 0, 1); m.get(0, a, 1, 2); must(m.tShmDt(a)) })
	}},
	{name: "shm-swapoff-fork", slots: 32, build: func(x *scene) {
		m, _ := x.space(1)
		a, e := m.tMmap(0, 3*pg, rw, shared)
		must(e)
		for i := range 3 {
			m.put(0, a, i, 1)
		}
		for range 2 {
			stealFrom(m, GFPKswapd)
		}
		asStealer(func() { shmSwap(0, GFPKswapd); shmSwap(0, GFPKswapd) })
		RunDiskQueue()
		x.task("swapoff", func(int) { must(SwapOff("prompt")) })
		x.task("fork", func(cpu int) {
			c := m.fork()
			c.put(cpu, a, 0, 2)
			c.get(cpu, a, 1, 1)
			MMPut(c)
		})
		x.task("stealer", func(int) {
			asStealer(func() { shmSwap(0, GFPKswapd) })
			RunDiskQueue()
		})
		x.task("munmap", func(cpu int) { m.get(cpu, a, 0, 1, 2); must(m.tMunmap(a+2*pg, pg)) })
		x.end(func() { m.get(0, a, 0, 2); m.get(0, a, 1, 1); must(m.tMunmap(a, 2*pg)) })
	}},
	{name: "file-write-mmap-truncate", slots: 16, build: func(x *scene) {
		m, _ := x.space(1)
		f := x.diskFile(4)
		a := f.mapIn(m)
		m.put(0, a, 1, 1)
		x.task("write", func(int) { f.write(3, 3) })
		x.task("truncate", func(int) { f.truncate(2) })
		x.task("fault", func(cpu int) {
			m.put(cpu, a, 0, 2)
			if !explore.Raced { // a program may well read while another writes
				m.tryGet(cpu, a, 3, 0, 3)
			}
		})
		x.task("msync", func(int) { m.tMsync(a, 2*pg) })
		x.end(func() {
			m.get(0, a, 0, 2)
			m.get(0, a, 1, 1)
			if presentAt(m, a+2*pg) || presentAt(m, a+3*pg) {
				panic("a page beyond the end of the file is mapped")
			}
			f.done(m)
		})
	}},
	{name: "file-steal-writeback", slots: 16, build: func(x *scene) {
		m, _ := x.space(1)
		f := x.diskFile(3)
		a := f.mapIn(m)
		for i := range 3 {
			m.put(0, a, i, 1)
		}
		stealFrom(m, GFPSwap)
		x.stealer(m, 2)
		x.task("fsync", func(int) { must(f.Fsync()) })
		x.task("shrink", func(int) { asStealer(func() { shrinkMmap(0, GFPKswapd, 8) }) })
		x.task("fault", func(cpu int) { m.put(cpu, a, 1, 2); m.get(cpu, a, 2, 1) })
		x.end(func() { m.get(0, a, 0, 1); m.get(0, a, 1, 2); f.done(m) })
	}},
}

// tryPut is put for a page that may be gone.
func (m *MM) tryPut(cpu int, addr uintptr, i int, seed uint64) {
	m.poke(cpu, addr+uintptr(i)*pg, pattern(seed, uint64(i), 0))
}

func (m *MM) tMsync(addr, length uintptr) syscall.Errno {
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	return DoMsync(m, addr, length, syscall.MS_SYNC)
}

// hog takes frames until few are left, so that the tasks have to steal.
func hog(x *scene) {
	var kept []*Page
	for NrFreePages() > 16 {
		p := AllocPage(GFPAtomic)
		if p == nil {
			break
		}
		kept = append(kept, p)
	}
	x.end(func() {
		for _, p := range kept {
			PutPage(p)
		}
	})
}

// fillSome maps more behind addr and writes and reads it.
func fillSome(m *MM, cpu int, addr uintptr, pages int) {
	addr += 6 * pg
	_, e := m.tMmap(addr, uintptr(pages)*pg, rw, private|fixed)
	must(e)
	for i := range pages {
		m.put(cpu, addr, i, 1)
	}
	for i := range pages {
		m.get(cpu, addr, i, 1)
	}
}

// diskFile is a file in the page cache, on a disk that answers at once.
type diskFile struct {
	objectFile
	m     Mapping
	heard ErrMark
	iSem  locks.Mutex
	len   atomic.Int64
	disk  promptDisk
}

func (x *scene) diskFile(pages int) *diskFile {
	f := &diskFile{}
	f.iSem.Init(locks.ISem)
	f.mappings.Init()
	f.refs.Store(1)
	f.m.Ops = f
	f.len.Store(int64(pages) * pg)
	f.disk.data = make([]byte, (pages+1)*pg)
	return f
}

func (f *diskFile) Device() blk.Device    { return &f.disk }
func (f *diskFile) Size() int64           { return f.len.Load() }
func (f *diskFile) Grow(size int64)       { f.len.Store(size) }
func (f *diskFile) Commit() syscall.Errno { return 0 }

func (f *diskFile) GetBlocks(index uint64, _ int64, at *PageBlocks) syscall.Errno {
	at.N = 1
	at.Sector[0] = (index + 1) * sectorsPerPage
	return 0
}

// Mmap implements File.
func (f *diskFile) Mmap(v *VMA) syscall.Errno { GenericFileMmap(&f.m, v); return 0 }

// Fsync implements Fsyncer.
func (f *diskFile) Fsync() syscall.Errno { return f.m.Fsync(&f.mappings, &f.heard) }

// mapIn maps the whole file shared.
func (f *diskFile) mapIn(m *MM) uintptr {
	at := base + 64*pg
	m.MmapSem.Lock()
	_, e := DoMmap(m, f, at, uintptr(f.Size()), rw, syscall.MAP_SHARED|fixed, 0)
	m.MmapSem.Unlock()
	must(e)
	return at
}

// write puts a pattern into one page, if it is in the file.
func (f *diskFile) write(i int, seed uint64) {
	v := pattern(seed, uint64(i), 0)
	b := make([]byte, 8)
	for k := range b {
		b[k] = byte(v >> (8 * k))
	}
	f.iSem.Lock()
	defer f.iSem.Unlock()
	if int64(i)*pg < f.Size() {
		n, e := f.m.Write(b, int64(i)*pg)
		must(e)
		if n != len(b) {
			panic("a short write")
		}
	}
}

func (f *diskFile) truncate(pages int) {
	f.iSem.Lock()
	defer f.iSem.Unlock()
	f.len.Store(int64(pages) * pg)
	must(f.m.Truncate(&f.mappings))
}

// done unmaps the file and forgets its pages.
func (f *diskFile) done(m *MM) {
	must(m.tMunmap(base+64*pg, 8*pg))
	must(f.Fsync())
	f.truncate(0)
	if f.m.Pages() != 0 || f.misused.Load() > 0 {
		panic("pages of a file that is gone, or used without a reference")
	}
}
