package mm

import (
	"fmt"
	"io"

	"yolk/arch"
)

// What /proc/PID says of an address space. The callers hold a user reference and
// no lock; MmapSem is taken here and held while w, a buffer, is written.

// WriteMaps writes /proc/PID/maps.
func WriteMaps(w io.Writer, m *MM) {
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	for v := m.mmap; v != nil; v = v.vmNext {
		writeMapLine(w, m, v)
	}
}

// nameColumn is where names begin in /proc/PID/maps.
const nameColumn = 73

func writeMapLine(w io.Writer, m *MM, v *VMA) {
	var major, minor uint32
	var ino, off uint64
	name := mapName(m, v)
	if v.VMFile != nil {
		name, major, minor, ino = v.VMFile.MapInfo()
		off = v.VMPgoff << arch.PageShift
	}
	perms := []byte("---p")
	for i, f := range []VMFlags{VMRead, VMWrite, VMExec} {
		if v.VMFlags&f != 0 {
			perms[i] = "rwx"[i]
		}
	}
	if v.VMFlags&VMMayShare != 0 {
		perms[3] = 's'
	}
	line := fmt.Sprintf("%08x-%08x %s %08x %02x:%02x %d ", v.VMStart, v.VMEnd, perms, off, major, minor, ino)
	if name != "" {
		line = fmt.Sprintf("%-*s%s", nameColumn, line, name)
	}
	fmt.Fprintln(w, line)
}

// mapName names the mappings that have no file.
func mapName(m *MM, v *VMA) string {
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
