package main

import (
	"math/rand/v2"
	"strconv"
	"syscall"
)

// generator makes one program. Most of its calls meet in a few pages of the arena,
// so that they have something to do with each other.
type generator struct {
	r          *rand.Rand
	base, span int // the pages of the arena that this program is about
	forked     bool
	out        program
}

// generate makes program number n of a seed.
func generate(seed, n uint64) program {
	g := &generator{r: rand.New(rand.NewPCG(seed, n))}
	g.span = []int{4, 8, 16, 40}[g.r.IntN(4)]
	g.base = g.r.IntN(64 - g.span)
	g.files()
	for i, calls := 0, 8+g.r.IntN(32); i < calls; i++ {
		if g.one(40) {
			g.fork()
		} else {
			g.call()
		}
	}
	if g.forked {
		g.say("child", "2")
		g.look()
	}
	g.look()
	return g.out
}

func (g *generator) say(words ...string) { g.out = append(g.out, words) }

// look shows all of the pages that the program is about.
func (g *generator) look() {
	g.say("maps")
	g.say("pages", arena(g.base*page), hex(uint64(g.span+4)))
}

const page = 4096

func hex(n uint64) string { return strconv.FormatUint(n, 16) }

func arena(n int) string { return "A" + hex(uint64(n)) }

// one of n times it is true.
func (g *generator) one(n int) bool { return g.r.IntN(n) == 0 }

func (g *generator) pick(words ...string) string { return words[g.r.IntN(len(words))] }

// files opens what this program maps: a file of each kind, now and then.
func (g *generator) files() {
	for slot := range 3 {
		if !g.one(3) {
			g.open(slot)
		}
	}
	if g.one(3) {
		g.say("shmget", "0", g.fileSize(), g.pick("3b6", "3b6", "3b6", "3a4", "124"))
	}
}

func (g *generator) open(slot int) {
	kind := g.pick("0", "0", "1", "2", "3", "3")
	g.say("open", hex(uint64(slot)), kind)
	if kind == "0" || kind == "3" {
		g.say("ftruncate", file(slot), g.fileSize())
		if g.one(2) {
			g.say("pwrite", file(slot), "V0", hex(uint64(g.r.IntN(64))), hex(uint64(g.r.IntN(8*page))))
		}
	}
}

func file(slot int) string { return "F" + strconv.Itoa(slot) }

func (g *generator) anyFile() string {
	if g.one(30) {
		return g.pick("ffffffffffffffff", "3e7", "F4")
	}
	return file(g.r.IntN(3))
}

func (g *generator) fileSize() string {
	if g.one(4) {
		return hex(uint64(g.r.IntN(10 * page)))
	}
	return hex(uint64(g.r.IntN(12)) * page)
}

// address is one to give to a call.
func (g *generator) address() string {
	at := arena((g.base + g.r.IntN(g.span)) * page)
	switch {
	case g.one(24):
		return arena((g.base+g.r.IntN(g.span))*page + 1 + g.r.IntN(page-1))
	case g.one(60):
		return g.pick("0", "1000", "10000", "7ffffffff000", "7fffffffe000", "800000000000", "ffff800000000000", "fffffffffffff000", "ffffffff80200000",
			"A40000", "A41000", "40000000")
	case g.one(16):
		return "H" + hex(uint64(g.r.IntN(12))*page)
	case g.one(10):
		return "T" + hex(uint64(1+g.r.IntN(20))*page)
	}
	return at
}

// length is one to give to a call with an address.
func (g *generator) length() string {
	n := uint64(1+g.r.IntN(g.span)) * page
	if g.one(3) {
		n = uint64(1+g.r.IntN(3)) * page
	}
	switch {
	case g.one(16):
		return hex(n - uint64(1+g.r.IntN(page-1)))
	case g.one(50):
		return g.pick("0", "1", "ffffffffffffffff", "fffffffffffff000", "800000000000", "7ffffffff000", "10000000000", "fffffffffffff001",
			"100000000000000", "201000")
	}
	return hex(n)
}

// access is a place for the program itself to read or write.
func (g *generator) access() string {
	if g.one(12) {
		return g.address()
	}
	return arena((g.base+g.r.IntN(g.span+1))*page + g.r.IntN(page))
}

func (g *generator) prot() string {
	switch {
	case g.one(40):
		return g.pick("8", "10", "ffffffff", "1000003", "2000003", "3000003", "1000001", "100000003", "7fffffff")
	case g.one(2):
		return "3"
	}
	return g.pick("0", "1", "1", "2", "3", "4", "5", "6", "7")
}

// Flags of mmap that the standard library does not name.
const (
	mapFixedNoReplace = 0x100000
	mapUninitialized  = 0x4000000
	mapSync           = 0x80000
)

func (g *generator) mmapFlags() (flags uint64, anon bool) {
	flags = syscall.MAP_PRIVATE
	switch {
	case g.one(3):
		flags = syscall.MAP_SHARED
	case g.one(40):
		flags = uint64(g.r.IntN(16))
	}
	if anon = g.one(2); anon {
		flags |= syscall.MAP_ANON
	}
	if !g.one(5) {
		flags |= syscall.MAP_FIXED
	} else if g.one(2) {
		flags |= mapFixedNoReplace
	}
	for _, f := range []struct {
		flag uint64
		of   int
	}{
		{syscall.MAP_GROWSDOWN, 30}, {syscall.MAP_LOCKED, 40}, {syscall.MAP_NORESERVE, 25}, {syscall.MAP_POPULATE, 12},
		{syscall.MAP_NONBLOCK, 100}, {syscall.MAP_STACK, 60}, {syscall.MAP_32BIT, 150}, {syscall.MAP_HUGETLB, 200},
		{mapUninitialized, 300}, {mapSync, 300}, {syscall.MAP_DENYWRITE, 200}, {1 << g.r.IntN(64), 300},
	} {
		if g.one(f.of) {
			flags |= f.flag
		}
	}
	return flags, anon
}

func (g *generator) mmap() {
	flags, anon := g.mmapFlags()
	fd, off := "ffffffffffffffff", "0"
	if !anon {
		fd = g.anyFile()
	}
	if !anon || g.one(10) {
		off = hex(uint64(g.r.IntN(10)) * page)
		if g.one(40) {
			off = g.pick("1", "800", "fffffffffffff000", "7ffffffffffff000", "8000000000000000", "7fffffffff000")
		}
	}
	at := g.address()
	if flags&syscall.MAP_FIXED == 0 && g.one(2) {
		at = "0"
	}
	g.say("mmap", at, g.length(), g.prot(), hex(flags), fd, off)
}
