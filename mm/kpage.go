package mm

import (
	"encoding/binary"
	"syscall"

	"yolk/arch"
)

// What /proc/kpageflags and /proc/kpagecount say of page frames, 8 bytes for each, by
// frame number (Linux's Documentation/admin-guide/mm/pagemap.rst).

// kpfOf are the bits of kpageflags by our PG_ bits.
var kpfOf = []struct {
	flag PageFlags
	kpf  uint64
}{
	{PGLocked, 1 << 0}, {PGError, 1 << 1}, {PGReferenced, 1 << 2}, {PGUptodate, 1 << 3}, {PGDirty, 1 << 4}, {PGLRU, 1 << 5},
	{PGSlab, 1 << 7}, {PGFree, 1 << 10}, {PGSwapCache, 1<<13 | 1<<14}, {PGTable, 1 << 26}, {PGReserved, 1 << 32},
}

// Bits that no flag of ours stands for.
const (
	kpfNoPage   = 1 << 20
	kpfZeroPage = 1 << 24
)

// kpageFlags is a frame's word.
func (p *Page) kpageFlags() (bits uint64) {
	if p.PFN() == zeroPFN {
		return kpfZeroPage
	}
	for _, f := range kpfOf {
		if p.Test(f.flag) {
			bits |= f.kpf
		}
	}
	return bits
}

// kpageCount estimates how many ptes name a frame: its references without that of a
// cache. Those who use it for a moment count too, and the owner of a frame that no
// program has.
func (p *Page) kpageCount() uint64 {
	if p.PFN() == zeroPFN || p.Test(PGReserved|PGSlab|PGTable|PGFree|PGKept) {
		return 0
	}
	n := p.Count()
	if p.mapping != nil { // as it was a moment ago: who asks can want no more
		n--
	}
	return uint64(max(0, n))
}

// ReadKpageflags fills p with the words from offset off on. EINVAL: not whole words.
func ReadKpageflags(p []byte, off int64) (int, syscall.Errno) {
	return readFrames(p, off, kpfNoPage, (*Page).kpageFlags)
}

// ReadKpagecount is the like for the counts.
func ReadKpagecount(p []byte, off int64) (int, syscall.Errno) {
	return readFrames(p, off, 0, (*Page).kpageCount)
}

func readFrames(p []byte, off int64, none uint64, word func(*Page) uint64) (n int, e syscall.Errno) {
	if off%PagemapEntrySize != 0 || len(p)%PagemapEntrySize != 0 {
		return 0, syscall.EINVAL
	}
	for at := uint64(off) / PagemapEntrySize; n < len(p) && at < uint64(len(memMap)); at++ {
		v := none
		if at != 0 {
			v = word(PageOf(arch.PFN(at)))
		}
		binary.LittleEndian.PutUint64(p[n:], v)
		n += PagemapEntrySize
	}
	return n, 0
}
