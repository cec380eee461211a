package main

// kinds are the calls that programs are made of, and how often.
var kinds = []struct {
	weight int
	make   func(*generator)
}{
	{22, (*generator).mmap},
	{9, func(g *generator) { g.say("munmap", g.address(), g.length()) }},
	{9, func(g *generator) { g.say("mprotect", g.address(), g.length(), g.prot()) }},
	{10, (*generator).mremap},
	{7, (*generator).madvise},
	{3, func(g *generator) { g.say(g.pick("mlock", "munlock"), g.address(), g.length()) }},
	{1, func(g *generator) { g.say("mlock2", g.address(), g.length(), g.pick("0", "1", "1", "2")) }},
	{1, func(g *generator) { g.say("mlockall", g.pick("1", "2", "3", "4", "5", "6", "7", "0", "8")) }},
	{1, func(g *generator) { g.say("munlockall") }},
	{3, func(g *generator) {
		g.say("msync", g.address(), g.length(), g.pick("0", "1", "2", "4", "4", "6", "5", "8"))
	}},
	{4, func(g *generator) {
		g.say("mincore", g.address(), g.length(), g.pick("0", "0", "0", "0", "0", "1", "A0"))
	}},
	{4, func(g *generator) { g.say("brk", g.breakTo()) }},
	{1, func(g *generator) { g.say("mseal", g.address(), g.length(), g.pick("0", "0", "0", "0", "1")) }},
	{2, func(g *generator) {
		g.say("remap_file_pages", g.address(), g.length(), g.pick("0", "0", "0", "0", "1"), hex(uint64(g.r.IntN(10))), g.pick("0", "0", "10000", "1"))
	}},
	{4, (*generator).shm},
	{6, (*generator).fileCall},
	{2, (*generator).limit},
	{6, func(g *generator) { g.say("load", g.access()) }},
	{10, func(g *generator) { g.say("store", g.access(), hex(uint64(1+g.r.IntN(255)))) }},
	{5, func(g *generator) {
		g.say("fill", g.address(), hex(uint64(1+g.r.IntN(g.span))), hex(uint64(1+g.r.IntN(200))))
	}},
	{2, (*generator).look},
	{2, func(g *generator) { g.say("maps") }},
}

var allWeights int

func init() {
	for _, k := range kinds {
		allWeights += k.weight
	}
}

// call adds a call, or a few that belong together.
func (g *generator) call() {
	n := g.r.IntN(allWeights)
	for _, k := range kinds {
		if n -= k.weight; n < 0 {
			k.make(g)
			return
		}
	}
}

func (g *generator) mremap() {
	flags := uint64(g.r.IntN(4))
	switch {
	case g.one(8):
		flags |= 4
	case g.one(40):
		flags = 1 << g.r.IntN(32)
	}
	old, size := g.length(), g.length()
	if g.one(3) {
		size = old
	}
	if g.one(30) {
		old = "0"
	}
	g.say("mremap", g.address(), old, size, hex(flags), g.address())
}

func (g *generator) madvise() {
	advice := g.pick("0", "1", "2", "3", "4", "4", "4", "8", "9", "9", "a", "b", "c", "d", "e", "f", "10", "11", "12", "13", "14", "15", "16", "17",
		"18", "19", "66", "67", "4", "8", "16", "17")
	if g.one(40) {
		advice = g.pick("5", "6", "7", "1a", "1b", "32", "64", "65", "68", "ffffffffffffffff", "100000004")
	}
	g.say("madvise", g.address(), g.length(), advice)
}

func (g *generator) breakTo() string {
	switch {
	case g.one(20):
		return g.pick("0", "1", "7ffffffff000", "ffffffffffffffff", "400000000000")
	case g.one(3):
		return "H" + hex(uint64(g.r.IntN(12*page)))
	}
	return "H" + hex(uint64(g.r.IntN(12))*page)
}

func (g *generator) shm() {
	slot := g.pick("S0", "S0", "S0", "S1")
	if g.one(30) {
		slot = g.pick("ffffffffffffffff", "7fffffff")
	}
	switch g.r.IntN(8) {
	case 0:
		g.say("shmget", g.pick("0", "1"), g.fileSize(), g.pick("3b6", "3b6", "124", "1b6", "0", "13b6"))
	case 1:
		g.say("shmctl", slot, g.pick("2", "2", "2", "0", "b", "c"))
	case 2, 3:
		g.say("shmdt", g.address())
	default:
		at := g.address()
		if g.one(4) {
			at = "0"
		}
		g.say("shmat", slot, at, g.pick("0", "0", "0", "1000", "2000", "4000", "6000", "8000", "9000"))
	}
}

func (g *generator) fileCall() {
	f := g.anyFile()
	off, size := g.fileSize(), g.length()
	switch g.r.IntN(12) {
	case 0, 1, 2:
		g.say("ftruncate", f, g.fileSize())
	case 3:
		g.open(g.r.IntN(3))
	case 4, 5:
		g.say("pread", f, g.address(), size, off)
	case 6, 7:
		// No more than the file may grow to: its pages take memory.
		g.say("pwrite", f, g.address(), hex(uint64(g.r.IntN(4*page))), off)
	case 8:
		g.say("fallocate", f, g.pick("0", "1", "3", "3", "3", "2", "10", "20", "8", "40"), off, g.fileSize())
	case 9:
		g.say("fcntl", f, "409", hex(1<<g.r.IntN(6))) // F_ADD_SEALS
	case 10:
		g.say(g.pick("fsync", "close"), f)
	case 11:
		g.say("getrandom", g.address(), "0", "1")
	}
}

func (g *generator) limit() {
	kind := g.r.IntN(3)
	pages := g.r.IntN(24)
	if kind == 0 && g.one(3) {
		pages = 0
	}
	if g.one(3) {
		pages = 1 << 8
	}
	g.say("limit", hex(uint64(kind)), hex(uint64(pages)))
}

// fork begins a child, or lets the one there is go on.
func (g *generator) fork() {
	if !g.forked {
		g.forked = true
		g.say("fork")
		return
	}
	g.forked = false
	at := len(g.out)
	g.say("child", "0")
	for range 1 + g.r.IntN(5) {
		g.call()
	}
	g.look()
	g.out[at] = line{"child", hex(uint64(len(g.out) - at - 1))}
}
