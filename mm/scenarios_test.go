package mm

import "syscall"

// Two to four tasks over one small machine. Pages are few, so that the tasks meet.

var scenarios = []*scenario{
	{name: "fault-steal", slots: 16, exhaust: 2, build: func(x *scene) {
		m, a := x.space(2)
		x.task("fault", func(cpu int) {
			m.get(cpu, a, 0, 1)
			m.put(cpu, a, 1, 2)
		})
		x.stealer(m, 1)
		x.end(func() { m.get(0, a, 0, 1); m.get(0, a, 1, 2) })
	}},
	{name: "fault-munmap-steal", slots: 16, build: func(x *scene) {
		m, a := x.space(4)
		x.task("fault", func(cpu int) {
			for i := range 4 {
				m.tryGet(cpu, a, i, 1)
			}
		})
		x.task("munmap", func(int) { must(m.tMunmap(a+pg, 2*pg)) })
		x.stealer(m, 2)
		x.slowDisk(1)
		x.end(func() { m.get(0, a, 0, 1); m.get(0, a, 3, 1) })
	}},
	{name: "fork-steal-fault", slots: 32, build: func(x *scene) {
		m, a := x.space(3)
		x.task("fork", func(cpu int) {
			c := m.fork()
			c.get(cpu, a, 0, 1, 2)
			c.put(cpu, a, 1, 3)
			c.get(cpu, a, 1, 3)
			MMPut(c)
		})
		x.task("fault", func(cpu int) {
			m.put(cpu, a, 0, 2)
			m.get(cpu, a, 1, 1)
			m.get(cpu, a, 2, 1)
		})
		x.stealer(m, 2)
		x.slowDisk(1)
		x.end(func() { m.get(0, a, 0, 2); m.get(0, a, 1, 1) })
	}},
	{name: "exit-steal", slots: 32, build: func(x *scene) {
		m, _ := x.space(3)
		other, a := x.space(2)
		x.task("exit", func(int) { MMPut(m) })
		x.task("stealer", func(int) {
			for range 3 {
				asStealer(func() { swapOut(0, GFPKswapd) })
			}
			RunDiskQueue()
		})
		x.task("fault", func(cpu int) { other.get(cpu, a, 0, 1) })
		x.slowDisk(1)
		x.end(func() { other.get(0, a, 1, 1) })
	}},
	{name: "swapoff-steal-fault", slots: 32, build: func(x *scene) {
		m, a := x.space(3)
		stealFrom(m, GFPKswapd)
		RunDiskQueue()
		m.get(0, a, 0, 1)
		x.task("swapoff", func(int) {
			if e := SwapOff("prompt"); e != 0 && e != syscall.ENOMEM {
				panic(e)
			}
		})
		x.task("fault", func(cpu int) { m.get(cpu, a, 0, 1); m.put(cpu, a, 1, 2) })
		x.stealer(m, 3)
		x.slowDisk(1)
		x.end(func() { m.get(0, a, 0, 1); m.get(0, a, 1, 2); m.get(0, a, 2, 1) })
	}},
	{name: "mremap-truncate", slots: 16, exhaust: 2, build: func(x *scene) {
		m, _ := x.space(1)
		f := fileIn(m, 4)
		to := base + 1024*pg
		x.task("mremap", func(int) {
			_, e := m.tMremap(base+64*pg, 4*pg, 4*pg, MremapMayMove|MremapFixed, to)
			must(e)
		})
		x.task("truncate", func(int) { f.truncate(2) })
		x.end(func() {
			for i := uintptr(2); i < 4; i++ {
				if presentAt(m, base+(64+i)*pg) || presentAt(m, to+i*pg) {
					panic("a page beyond the end of the file is mapped")
				}
			}
			f.drop()
		})
	}},
}

// fileIn maps a file of n pages at base+64 pages, and writes to each.
func fileIn(m *MM, n int) *objectFile {
	f := &objectFile{pages: make([]*Page, n)}
	f.mappings.Init()
	f.refs.Store(1)
	f.size.Store(uint64(n))
	f.ops = VMOps{Nopage: f.nopage, Swapout: KeepPage}
	m.MmapSem.Lock()
	_, e := DoMmap(m, f, base+64*pg, uintptr(n)*pg, rw, syscall.MAP_SHARED|fixed, 0)
	m.MmapSem.Unlock()
	must(e)
	for i := range n {
		m.put(0, base+64*pg, i, 1)
	}
	return f
}

// drop gives back the file's own references to its pages.
func (f *objectFile) drop() {
	for i, p := range f.pages {
		if p != nil {
			PutPage(p)
			f.pages[i] = nil
		}
	}
	if f.misused.Load() > 0 {
		panic("the file was used without a reference")
	}
}
