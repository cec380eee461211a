package mm

import (
	"fmt"
	"io"

	"yolk/arch"
)

// What /proc/PID says of an address space. The callers hold a user reference and
// no lock; w is a buffer.

// mapping is what /proc/PID/maps says of a vma, copied so that it can be written
// without MmapSem: the name of a file is found under locks of directories, and
// those rank before MmapSem.
type mapping struct {
	start, end, off uintptr
	flags           VMFlags
	name            string
	file            File     // referenced; nil for none
	usage           mapUsage // for smaps
}

// WriteMaps writes a piece of /proc/PID/maps: the mappings from address from on, up to
// a batch of them. It returns where the next piece begins, 0 when there is none. The
// list may change between two pieces; like Linux, each line is true of one moment
// and no address comes twice.
func WriteMaps(w io.Writer, m *MM, from uintptr) (next uintptr) {
	return eachMapping(m, from, nil, func(c *mapping) { writeMapLine(w, c) })
}

// mapBatch is how many mappings are written at a time.
const mapBatch = 32

// eachMapping calls show for each mapping of a batch, with no lock held; show drops the
// reference to the file. count, unless nil, counts its pages, under MmapSem.
func eachMapping(m *MM, from uintptr, count func(*MM, *VMA) mapUsage, show func(*mapping)) (next uintptr) {
	batch := copyMappings(m, make([]mapping, 0, mapBatch), from, count)
	for i := range batch {
		show(&batch[i])
	}
	if len(batch) < mapBatch {
		return 0
	}
	return batch[mapBatch-1].end
}

// copyMappings fills batch with the mappings that end above from. It takes
// MmapSem, and references to the files.
func copyMappings(m *MM, batch []mapping, from uintptr, count func(*MM, *VMA) mapUsage) []mapping {
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	for v := FindVMA(m, from); v != nil && len(batch) < cap(batch); v = v.vmNext {
		c := mapping{start: v.VMStart, end: v.VMEnd, flags: v.VMFlags, name: mapName(m, v)}
		if v.VMFile != nil {
			c.off = uintptr(v.VMPgoff) << arch.PageShift
			c.file = v.VMFile
			c.file.GetFile()
		}
		if count != nil {
			c.usage = count(m, v)
		}
		batch = append(batch, c)
	}
	return batch
}

// nameColumn is where names begin in /proc/PID/maps.
const nameColumn = 73

// writeMapLine writes the line and drops the reference to the file. No lock held.
func writeMapLine(w io.Writer, c *mapping) {
	var major, minor uint32
	var ino uint64
	name := c.name
	if c.file != nil {
		name, major, minor, ino = c.file.MapInfo()
		c.file.FPut()
	}
	perms := []byte("---p")
	for i, f := range []VMFlags{VMRead, VMWrite, VMExec} {
		if c.flags&f != 0 {
			perms[i] = "rwx"[i]
		}
	}
	if c.flags&VMMayShare != 0 {
		perms[3] = 's'
	}
	line := fmt.Sprintf("%08x-%08x %s %08x %02x:%02x %d ", c.start, c.end, perms, c.off, major, minor, ino)
	if name != "" {
		line = fmt.Sprintf("%-*s%s", nameColumn, line, name)
	}
	fmt.Fprintln(w, line)
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
