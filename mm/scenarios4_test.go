package mm

import (
	"io"
	"syscall"

	"yolk/arch"
	"yolk/locks"
)

// Scenarios for the acquisitions that no other comes by: files that shrink under
// private copies and in the midst of a page, drivers' methods, core files, and who
// counts while others change.

func init() { scenarios = append(scenarios, lateScenarios...) }

var lateScenarios = []*scenario{
	// A truncate takes private copies away without mmap_sem, those in swap too: a
	// fault that reads one finds the slot free.
	{name: "truncate-private-swap", slots: 16, exhaust: 1, build: func(x *scene) {
		m, _ := x.space(1)
		f := fileIn(m, 4)
		a := base + 128*pg
		m.mapFile(f, a, 4*pg, rw, syscall.MAP_PRIVATE)
		for i := range 4 {
			m.put(0, a, i, 2)
		}
		stealFrom(m, GFPSwap)
		stealFrom(m, GFPKswapd)
		RunDiskQueue()
		shrinkMmap(0, GFPUser, 1<<20)
		x.task("truncate", func(int) { f.truncate(2) })
		x.task("fault", func(cpu int) { m.tryGet(cpu, a, 3, 2); m.get(cpu, a, 1, 2); m.tryPut(cpu, a, 2, 3) })
		x.stealer(m, 1)
		x.end(func() {
			m.get(0, a, 0, 2)
			if pteOf(m, a+2*pg) != 0 || pteOf(m, a+3*pg) != 0 {
				panic("a copy of a page beyond the end of the file is left")
			}
			must(m.tMunmap(a, 4*pg))
			must(m.tMunmap(base+64*pg, 4*pg))
			f.drop()
		})
	}},
	// The end of a file in the midst of a page, which is written and mapped.
	{name: "truncate-tail", slots: 8, build: func(x *scene) {
		m, _ := x.space(1)
		f := x.diskFile(3)
		a := f.mapIn(m)
		for i := range 3 {
			f.write(i, 1)
		}
		must(f.Fsync())
		x.task("truncate", func(int) { f.cut(pg + 100) })
		x.task("fault", func(cpu int) { m.put(cpu, a, 0, 2); m.tryGet(cpu, a, 2, 0, 1) })
		x.task("write", func(int) { f.write(1, 3) }) // in another page than the fault: programs may race there
		x.stealer(m, 2)
		x.end(func() {
			m.get(0, a, 1, 3)
			if v, r := m.peek(0, a+pg+104); r.Failed() || v != 0 {
				panic("what lies behind the end of the file is not empty")
			}
			f.done(m)
		})
	}},
	// Mappings of a file grow, move and merge while the file is cut.
	{name: "file-borders-truncate", slots: 16, exhaust: 1, build: func(x *scene) {
		m, _ := x.space(1)
		f := fileIn(m, 4)
		f.ops.Open, f.ops.Close = func(*VMA) {}, func(*VMA) {}
		at := base + 64*pg
		x.task("borders", func(int) {
			must(m.tMunmap(at+2*pg, 2*pg))
			_, e := m.tMremap(at, 2*pg, 4*pg, 0, 0)
			must(e)
			must(m.tMprotect(at+pg, 2*pg, syscall.PROT_READ))
			must(m.tMprotect(at, 4*pg, rw))
		})
		x.task("truncate", func(int) { f.truncate(1) })
		x.task("fault", func(cpu int) { m.tryGet(cpu, at, 3, 0, 1); m.tryPut(cpu, at, 1, 2) })
		x.stealer(m, 1)
		x.end(func() {
			for i := uintptr(1); i < 4; i++ {
				if presentAt(m, at+i*pg) {
					panic("a page beyond the end of the file is mapped")
				}
			}
			must(m.tMunmap(at, 4*pg))
			f.drop()
		})
	}},
	// One call merges mappings of a file, whose close gives the lock away, and then
	// others.
	{name: "merge-merge-steal", slots: 16, build: func(x *scene) {
		m, _ := x.space(1)
		f := fileIn(m, 4)
		f.ops.Close = func(*VMA) { assertDriver() }
		at := base + 64*pg
		_, e := m.tMmap(at+4*pg, 4*pg, rw, private|fixed)
		must(e)
		for _, i := range []uintptr{2, 6} {
			must(m.tMprotect(at+i*pg, 2*pg, syscall.PROT_READ))
		}
		x.task("merge", func(cpu int) { must(m.tMprotect(at, 8*pg, rw)); m.put(cpu, at, 7, 2) })
		x.task("fault", func(cpu int) { m.tryGet(cpu, at, 3, 1); m.tryPut(cpu, at, 4, 2) })
		x.stealer(m, 2)
		x.end(func() { m.get(0, at, 7, 2); must(m.tMunmap(at, 8*pg)); f.drop() })
	}},
	// The contract of a driver's methods: unmap and sync come with kernel_lock.
	{name: "driver-unmap-sync", slots: 8, build: func(x *scene) {
		m, _ := x.space(1)
		f := fileIn(m, 4)
		f.ops.Unmap = func(*VMA, uintptr, uintptr) { wantKernelLock() }
		f.ops.Sync = func(*VMA, uintptr, uintptr, int) syscall.Errno { wantKernelLock(); return 0 }
		at := base + 64*pg
		x.task("munmap", func(int) { must(m.tMunmap(at+2*pg, 2*pg)) })
		x.task("msync", func(int) { m.tMsync(at, 2*pg) })
		x.stealer(m, 2)
		x.end(func() { must(m.tMunmap(at, 2*pg)); f.drop() })
	}},
	// A detach frees what swapoff is about to read.
	{name: "shm-swapoff-detach", slots: 16, exhaust: 2, build: func(x *scene) {
		m, _ := x.space(1)
		a, e := m.tMmap(0, 2*pg, rw, shared)
		must(e)
		for i := range 2 {
			m.put(0, a, i, 1)
		}
		for range 2 {
			stealFrom(m, GFPKswapd)
		}
		asStealer(func() { shmSwap(0, GFPKswapd); shmSwap(0, GFPKswapd) })
		RunDiskQueue()
		shrinkMmap(0, GFPUser, 1<<20)
		x.task("swapoff", func(int) { must(SwapOff("prompt")) })
		x.task("munmap", func(int) { must(m.tMunmap(a, 2*pg)) })
	}},
	{name: "shm-get-get", slots: 4, exhaust: 2, build: func(x *scene) {
		for i := range int32(2) {
			x.task("get", func(int) {
				id, e := ShmGet(i+1, pg, IPCCreat|0o600, root)
				must(e)
				if again, e := ShmGet(i+1, pg, 0, root); e != 0 || again != id {
					panic("a segment is lost")
				}
				ShmStatAll()
				must(ShmRemove(id, root))
			})
		}
	}},
	{name: "core-munmap-steal", slots: 16, build: func(x *scene) {
		m, a := x.space(4)
		x.task("core", func(int) {
			var b [arch.PageSize]byte
			for _, s := range CoreSegments(m, CoreFilterDefault) {
				CorePage(m, s.Start, &b)
			}
			Pagemap(m, a, b[:4*PagemapEntrySize], true)
			AppendSmaps(nil, m, 0)
		})
		x.task("munmap", func(int) { must(m.tMunmap(a, pg)); must(m.tMprotect(a+2*pg, pg, syscall.PROT_READ)) })
		x.stealer(m, 2)
		x.end(func() { m.get(0, a, 1, 1); m.get(0, a, 2, 1) })
	}},
	// kupdate writes, sync counts, a truncate drops, the stealer hands over.
	{name: "kupdate-truncate-steal", frames: 64, slots: 8, build: func(x *scene) {
		m, _ := x.space(1)
		f, g := x.diskFile(12), x.diskFile(4)
		a := f.mapIn(m)
		for i := range 12 {
			m.put(0, a, i, 1)
		}
		for i := range 4 {
			g.write(i, 1)
		}
		kupdateQuit.Store(false)
		stealFrom(m, GFPSwap)
		x.stealer(m, 2)
		x.task("kupdate", func(int) { writeOld() })
		x.task("truncate", func(int) { f.truncate(8); g.truncate(1) })
		x.task("write", func(int) { g.write(0, 2); f.m.Flush() })
		x.end(func() { m.get(0, a, 0, 1); m.get(0, a, 7, 1); f.done(m); must(g.Fsync()); g.truncate(0) })
	}},
	// A fault and a truncate, and nobody else: all schedules with one preemption. A
	// truncate was through before the fault's page was in the cache, and the page stayed
	// mapped behind the end of the file.
	{name: "file-fault-truncate", slots: 4, exhaust: 1, build: faultAgainstTruncate(syscall.MAP_SHARED)},
	{name: "file-cow-truncate", slots: 4, exhaust: 1, build: faultAgainstTruncate(syscall.MAP_PRIVATE)},
	// A read fault maps what is cached around it while a truncate takes that away.
	{name: "file-around-truncate", slots: 4, exhaust: 1, build: func(x *scene) {
		m, _ := x.space(1)
		f := x.diskFile(3)
		m.MmapSem.Lock()
		a := base + 64*pg
		_, e := DoMmap(m, f, a, 3*pg, syscall.PROT_READ, syscall.MAP_PRIVATE|fixed, 0)
		m.MmapSem.Unlock()
		must(e)
		for i := range 3 {
			f.write(i, 1)
		}
		x.task("fault", func(cpu int) { m.peek(cpu, a+pg) })
		x.task("truncate", func(int) { f.truncate(1) })
		x.end(func() {
			m.get(0, a, 0, 1)
			if _, r := m.peek(0, a+2*pg); r != FaultBus {
				panic("a page behind the end of the file is mapped")
			}
			f.done(m)
		})
	}},
	{name: "file-steal-truncate", slots: 4, exhaust: 1, build: func(x *scene) {
		m, _ := x.space(1)
		f := x.diskFile(2)
		a := f.mapIn(m)
		m.put(0, a, 0, 1)
		m.put(0, a, 1, 1)
		stealFrom(m, GFPSwap)
		x.stealer(m, 1)
		x.task("truncate", func(int) { f.truncate(0) })
		x.end(func() { f.done(m) })
	}},
	// Writes to swap fail: their slots are retired while others are looked for.
	{name: "swap-write-errors", slots: 16, build: func(x *scene) {
		m, a := x.space(3)
		c, b := x.space(3)
		x.disk.bad = true
		x.stealer(m, 2)
		x.stealer(c, 2)
		x.task("shrink", func(int) {
			for range 3 {
				asStealer(func() { shrinkMmap(0, GFPKswapd, 8) })
			}
		})
		x.slowDisk(1)
		x.end(func() {
			for i := range 3 {
				m.get(0, a, i, 1)
				c.get(0, b, i, 1)
			}
			x.disk.bad = false
		})
	}},
	{name: "slabs-reap-reap", slots: 8, build: func(x *scene) {
		m, a := x.space(1)
		for range 2 {
			x.task("reap", func(int) { kmemCacheReap() })
		}
		x.task("fork", func(int) { MMPut(m.fork()) })
		x.task("proc", func(int) { WriteSlabinfo(io.Discard) })
		x.end(func() { m.get(0, a, 0, 1) })
	}},
	{name: "proc-shm-swapoff", slots: 16, build: func(x *scene) {
		m, a := x.space(2)
		id, e := ShmGet(IPCPrivate, 3*pg, 0o600, root)
		must(e)
		s, e := m.tShmAt(id, 0, 0, root)
		must(e)
		m.put(0, s, 0, 1)
		other := newPromptDisk(x.slots)
		x.task("proc", func(int) {
			WriteMeminfo(io.Discard)
			WriteSwaps(io.Discard)
			WriteRecount(io.Discard)
			WriteSysvipcShm(io.Discard)
			ShmStatAll()
			c := m.fork() // its attaches count too
			MMPut(c)
		})
		x.task("shm", func(cpu int) { m.put(cpu, s, 1, 1); m.put(cpu, s, 2, 1); must(m.tShmDt(s)) })
		x.task("swapon", func(int) { must(SwapOn(&namedDisk{&other}, 5)); must(SwapOff("prompt")) })
		x.task("stealer", func(int) { stealFrom(m, GFPKswapd); asStealer(func() { shmSwap(0, GFPKswapd) }); RunDiskQueue() })
		x.end(func() { m.get(0, a, 0, 1); must(ShmRemove(id, root)) })
	}},
	// CPUs that keep frames, a census, and one who is short of memory.
	{name: "per-cpu-frames", slots: 8, build: func(x *scene) {
		z := &zones[zoneDMA]
		z.keepMax = 4
		z.setPerCPU(4)
		for _, name := range []string{"one", "other"} {
			m, a := x.space(1)
			x.task(name, func(cpu int) {
				b, e := m.tMmap(a+8*pg, 6*pg, rw, private|fixed)
				must(e)
				for i := range 6 {
					m.put(cpu, b, i, 2)
				}
				must(m.tMunmap(b, 6*pg))
				m.get(cpu, a, 0, 1)
			})
		}
		x.task("census", func(int) { WriteRecount(io.Discard) })
		x.task("short", func(int) { FreePage(allocSlow(GFPUser, 0)) })
		x.end(func() {
			z.keepMax = 0
			z.setPerCPU(0)
		})
	}},
	// A fork's child is a victim as soon as it is in the list.
	{name: "fork-victim", slots: 32, build: func(x *scene) {
		m, a := x.space(4)
		x.task("fork", func(cpu int) {
			c := m.fork()
			c.get(cpu, a, 1, 1)
			MMPut(c)
		})
		x.task("stealer", func(int) {
			for range 4 {
				asStealer(func() { swapOut(0, GFPKswapd) })
			}
			RunDiskQueue()
		})
		x.end(func() { m.get(0, a, 0, 1); m.get(0, a, 3, 1) })
	}},
}

func wantKernelLock() {
	assertDriver()
	if !locks.KernelLocked() {
		panic("a driver's method is called without kernel_lock")
	}
}

// mapFile maps the beginning of a file.
func (m *MM) mapFile(f File, at, length uintptr, prot, flags int) {
	m.MmapSem.Lock()
	_, e := DoMmap(m, f, at, length, prot, flags|fixed, 0)
	m.MmapSem.Unlock()
	must(e)
}

// cut makes the file so many bytes long.
func (f *diskFile) cut(size int64) {
	f.iSem.Lock()
	defer f.iSem.Unlock()
	f.len.Store(size)
	must(f.m.Truncate(&f.mappings))
}

func faultAgainstTruncate(kind int) func(*scene) {
	return func(x *scene) {
		m, _ := x.space(1)
		f := x.diskFile(2)
		a := base + 64*pg
		m.mapFile(f, a, 2*pg, rw, kind)
		x.task("fault", func(cpu int) { m.tryPut(cpu, a, 1, 1) })
		x.task("truncate", func(int) { f.truncate(1) })
		x.end(func() {
			if presentAt(m, a+pg) {
				panic("a page beyond the end of the file is mapped")
			}
			f.done(m)
		})
	}
}
