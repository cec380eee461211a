package mm

import (
	"io"
	"syscall"
)

// Scenarios with those who look at others: ptrace, /proc, and calls that are rare.

func init() { scenarios = append(scenarios, rareScenarios...) }

var rareScenarios = []*scenario{
	{name: "ptrace-steal-munmap", slots: 32, build: func(x *scene) {
		m, a := x.space(3)
		f := fileIn(m, 2)
		x.task("ptrace", func(int) {
			var b [8]byte
			AccessProcessVM(m, a, b[:], false)
			AccessProcessVM(m, a+2*pg+8, []byte("poked"), true)
			AccessProcessVM(m, base+64*pg, b[:], true)
		})
		x.stealer(m, 2)
		x.task("munmap", func(int) { must(m.tMunmap(a+pg, pg)); must(m.tMunmap(base+64*pg, pg)) })
		x.slowDisk(1)
		x.end(func() {
			m.get(0, a, 0, 1)
			b := make([]byte, 5)
			if n := AccessProcessVM(m, a+2*pg+8, b, false); n != 5 || string(b) != "poked" {
				panic("what ptrace wrote is lost")
			}
			must(m.tMunmap(base+64*pg, 2*pg))
			f.drop()
		})
	}},
	{name: "proc-fork-exit", slots: 32, build: func(x *scene) {
		m, a := x.space(2)
		c, _ := x.space(2)
		_, e := m.tMmap(a+64*pg, pg, rw, private|fixed)
		must(e)
		x.task("proc", func(int) {
			WriteMeminfo(io.Discard)
			WriteSwaps(io.Discard)
			AppendMaps(nil, m, 0)
			WriteStatus(io.Discard, m)
			WriteSlabinfo(io.Discard)
			WriteRecount(io.Discard)
			WriteSysvipcShm(io.Discard)
			ShmStatAll()
			chooseFattest2()
		})
		x.task("fork", func(cpu int) {
			g := m.fork()
			g.put(cpu, a, 0, 2)
			MMPut(g)
		})
		x.task("exit", func(int) { must(m.tMunmap(a+64*pg, pg)); MMPut(c) })
		x.task("stealer", func(int) {
			for range 3 {
				asStealer(func() { swapOut(0, GFPKswapd); kmemCacheReap() })
			}
			RunDiskQueue()
		})
		x.end(func() { m.get(0, a, 0, 1); m.get(0, a, 1, 1) })
	}},
	{name: "stack-steal-mincore", slots: 32, build: func(x *scene) {
		m := MMAlloc(noLimits())
		x.watch(m)
		top := uintptr(base + 1024*pg)
		must(SetupArgPages(m, top, 2*pg))
		m.put(0, top-2*pg, 0, 1)
		m.put(0, top-2*pg, 1, 1)
		stealFrom(m, GFPSwap)
		x.task("grow", func(cpu int) { m.put(cpu, top-6*pg, 0, 1); m.get(cpu, top-2*pg, 0, 1) })
		x.task("copy", func(int) {
			b := make([]byte, 16)
			must(CopyToUser(m, top-4*pg, b))
			must(CopyFromUser(m, b, top-2*pg))
		})
		x.task("mincore", func(int) {
			m.MmapSem.Lock()
			_, e := DoMincore(m, top-2*pg, make([]byte, 2))
			must(e)
			must(DoMlockall(m, 1))
			DoMunlockall(m)
			m.MmapSem.Unlock()
		})
		x.stealer(m, 2)
		x.end(func() { m.get(0, top-6*pg, 0, 1); m.get(0, top-2*pg, 1, 1) })
	}},
	{name: "swapon-swapoff-steal", slots: 8, build: func(x *scene) {
		m, a := x.space(4)
		other := newPromptDisk(x.slots)
		x.task("swapon", func(int) { must(SwapOn(&namedDisk{&other}, 5)) })
		x.task("swapoff", func(int) { must(SwapOff("prompt")) })
		x.stealer(m, 2)
		x.task("stealer2", func(int) { stealFrom(m, GFPKswapd); RunDiskQueue() })
		x.end(func() {
			for i := range 4 {
				m.get(0, a, i, 1)
			}
		})
	}},
	{name: "shm-calls", slots: 16, build: func(x *scene) {
		m, _ := x.space(1)
		id, e := ShmGet(77, 2*pg, IPCCreat|0o600, root)
		must(e)
		x.task("get", func(int) {
			if other, e := ShmGet(78, pg, IPCCreat|0o600, root); e == 0 {
				must(ShmRemove(other, root))
			}
			if again, e := ShmGet(77, pg, 0, root); e == 0 && again != id {
				panic("a key with two segments")
			}
		})
		x.task("lock", func(int) {
			ShmSetLocked(id, true, root)
			ShmSet(id, 0, 0, 0o640, root)
			ShmSetLocked(id, false, root)
		})
		x.task("attach", func(cpu int) {
			if a, e := m.tShmAt(id, 0, 0, root); e == 0 {
				m.put(cpu, a, 0, 1)
				_, _ = ShmStatByPlace(0, true, root)
				must(m.tShmDt(a))
			}
		})
		x.task("remove", func(int) { _, _ = ShmStatByID(id, root); must(ShmRemove(id, root)) })
		x.end(func() {
			if n := ShmStatAll().Used; n != 0 {
				panic("a segment is left")
			}
		})
	}},
	{name: "sync-write-steal", slots: 16, build: func(x *scene) {
		m, _ := x.space(1)
		f, g := x.diskFile(2), x.diskFile(2)
		a := f.mapIn(m)
		g.write(0, 3)
		m.put(0, a, 0, 1)
		stealFrom(m, GFPSwap)
		x.task("sync", func(int) { SyncMappings() })
		x.task("write", func(int) { f.write(1, 2); g.write(1, 2); nextDirty() })
		x.task("dontneed", func(int) {
			m.MmapSem.Lock()
			must(DoMadvise(m, a, pg, syscall.MADV_DONTNEED))
			m.MmapSem.Unlock()
		})
		x.stealer(m, 2)
		x.end(func() {
			m.get(0, a, 0, 1)
			m.get(0, a, 1, 2)
			f.done(m)
			must(g.Fsync())
			g.truncate(0)
		})
	}},
}

// chooseFattest2 is the OOM killer's choice, given back.
func chooseFattest2() {
	if m, _ := chooseFattest(); m != nil {
		MMDrop(m)
	}
}

// namedDisk is a second disk.
type namedDisk struct{ *promptDisk }

func (namedDisk) Name() string { return "other" }
