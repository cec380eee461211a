package mm

import (
	"fmt"
	"io"
	"math/bits"
	"strconv"

	"yolk/arch"
)

// What /proc/PID says of an address space. The callers hold a user reference and
// no lock. Long texts are appended to the caller's buffer: nothing is allocated for
// a line.

// mapping is what /proc/PID/maps says of a vma, copied so that it can be written
// without MmapSem: the name of a file is found under locks of directories, and
// those rank before MmapSem.
type mapping struct {
	start, end, off uintptr
	flags           VMFlags
	name            string
	file            File // referenced; nil for none
	major, minor    uint32
	ino             uint64
	usage           mapUsage // for smaps
}

// mapBatch is how many mappings are written at a time.
const mapBatch = 32

// mappings is a batch of them.
type mappings [mapBatch]mapping

// AppendMaps appends a piece of /proc/PID/maps to b: the mappings from address from on,
// up to a batch of them. It returns where the next piece begins, 0 when there is none. The
// list may change between two pieces; like Linux, each line is true of one moment
// and no address comes twice.
func AppendMaps(b []byte, m *MM, from uintptr) (text []byte, next uintptr) {
	var room mappings
	batch := room.fill(m, from, nil)
	nameFiles(batch)
	for i := range batch {
		b = batch[i].appendLine(b)
	}
	dropFiles(batch)
	return b, nextBatch(batch)
}

// fill copies the mappings that end above from, as far as there is room, with
// references to their files. count, unless nil, counts the pages of each. Takes MmapSem.
func (room *mappings) fill(m *MM, from uintptr, count func(*MM, *VMA) mapUsage) []mapping {
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	n := 0
	for v := FindVMA(m, from); v != nil && n < len(room); v = v.vmNext {
		c := &room[n]
		*c = mapping{start: v.VMStart, end: v.VMEnd, flags: v.VMFlags, name: mapName(m, v)}
		if v.VMFile != nil {
			c.off = uintptr(v.VMPgoff) << arch.PageShift
			c.file = v.VMFile
			c.file.GetFile()
		}
		if count != nil {
			c.usage = count(m, v)
		}
		n++
	}
	return room[:n]
}

// nextBatch is where the batch after this one begins, 0: it is the last.
func nextBatch(batch []mapping) uintptr {
	if len(batch) < mapBatch {
		return 0
	}
	return batch[mapBatch-1].end
}

// nameFiles finds the names of the mapped files, once for neighbours of the same file.
// No lock held.
func nameFiles(batch []mapping) {
	var last *mapping
	for i := range batch {
		c := &batch[i]
		switch {
		case c.file == nil:
			continue
		case last != nil && last.file == c.file:
			c.name, c.major, c.minor, c.ino = last.name, last.major, last.minor, last.ino
		default:
			c.name, c.major, c.minor, c.ino = c.file.MapInfo()
		}
		last = c
	}
}

// dropFiles drops the references. No lock held.
func dropFiles(batch []mapping) {
	for i := range batch {
		if f := batch[i].file; f != nil {
			f.FPut()
		}
	}
}

// nameColumn is where names begin in /proc/PID/maps.
const nameColumn = 73

// appendLine appends the line of maps.
func (c *mapping) appendLine(b []byte) []byte {
	begin := len(b)
	b = appendHex(b, uint64(c.start), 8)
	b = append(b, '-')
	b = appendHex(b, uint64(c.end), 8)
	b = append(b, ' ')
	for i, f := range [...]VMFlags{VMRead, VMWrite, VMExec} {
		if c.flags&f != 0 {
			b = append(b, "rwx"[i])
		} else {
			b = append(b, '-')
		}
	}
	if c.flags&VMMayShare != 0 {
		b = append(b, "s "...)
	} else {
		b = append(b, "p "...)
	}
	b = appendHex(b, uint64(c.off), 8)
	b = append(b, ' ')
	b = appendHex(b, uint64(c.major), 2)
	b = append(b, ':')
	b = appendHex(b, uint64(c.minor), 2)
	b = append(b, ' ')
	b = strconv.AppendUint(b, c.ino, 10)
	b = append(b, ' ')
	if c.name != "" {
		b = appendSpaces(b, nameColumn-(len(b)-begin))
		b = append(b, c.name...)
	}
	return append(b, '\n')
}

// appendHex appends v with width digits at least.
func appendHex(b []byte, v uint64, width int) []byte {
	for n := max(width, (bits.Len64(v)+3)/4) - 1; n >= 0; n-- {
		b = append(b, "0123456789abcdef"[v>>(4*n)&15])
	}
	return b
}

// appendRight appends n at the right of a column.
func appendRight(b []byte, n, width int) []byte {
	var room [20]byte
	digits := strconv.AppendInt(room[:0], int64(n), 10)
	b = appendSpaces(b, width-len(digits))
	return append(b, digits...)
}

func appendSpaces(b []byte, n int) []byte {
	const spaces = "                                                                         "
	return append(b, spaces[:max(0, min(n, len(spaces)))]...)
}

// mapName names the mappings that have no file. MmapSem held.
func mapName(m *MM, v *VMA) string {
	if s := special(v); s != nil {
		return s.name
	}
	switch {
	case v.VMStart <= m.Brk && v.VMEnd >= m.StartBrk && m.Brk > m.StartBrk && v.VMStart < m.Brk:
		return "[heap]"
	case v.VMStart <= m.StartStack && v.VMEnd >= m.StartStack && v.VMFlags&VMGrowsDown != 0:
		return "[stack]"
	}
	return ""
}

// Usage is a snapshot of the sizes of an address space, in pages.
type Usage struct {
	Size, PeakSize, Locked, Data, Stack, Text int64
	RSS, PeakRSS, Anon, Swap, Tables          int64
}

// Usage returns the sizes of m. It takes MmapSem.
func (m *MM) Usage() Usage {
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	return Usage{
		Size: m.totalVM, PeakSize: m.peakVM, Locked: m.lockedVM, Data: m.dataVM, Stack: m.stackVM,
		Text: int64(pageAlign(m.EndCode)-m.StartCode&arch.PageMask) >> arch.PageShift,
		RSS:  m.RSS.Load(), PeakRSS: m.PeakRSS.Load(), Anon: m.AnonRSS.Load(),
		Swap: m.SwapEnts.Load(), Tables: m.PTables.Load(),
	}
}

// WriteStatus writes the lines of /proc/PID/status that are about memory.
func WriteStatus(w io.Writer, m *MM) {
	u := m.Usage()
	for _, l := range []struct {
		name  string
		pages int64
	}{
		{"VmPeak", u.PeakSize}, {"VmSize", u.Size}, {"VmLck", u.Locked}, {"VmPin", 0},
		{"VmHWM", u.PeakRSS}, {"VmRSS", u.RSS}, {"RssAnon", u.Anon}, {"RssFile", u.RSS - u.Anon}, {"RssShmem", 0},
		{"VmData", u.Data}, {"VmStk", u.Stack}, {"VmExe", u.Text}, {"VmLib", 0},
		{"VmPTE", u.Tables}, {"VmSwap", u.Swap},
	} {
		fmt.Fprintf(w, "%s:\t%8d kB\n", l.name, l.pages<<(arch.PageShift-10))
	}
}

// WriteStatm writes /proc/PID/statm.
func WriteStatm(w io.Writer, m *MM) {
	u := m.Usage()
	fmt.Fprintf(w, "%d %d %d %d 0 %d 0\n", u.Size, u.RSS, u.RSS-u.Anon, u.Text, u.Data+u.Stack)
}
