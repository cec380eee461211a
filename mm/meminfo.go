package mm

import (
	"fmt"
	"io"

	"yolk/arch"
)

// kib converts pages to KiB.
func kib(pages int) int { return pages << (arch.PageShift - 10) }

// MemInfo is the state of memory in pages, for sysinfo and /proc/meminfo.
type MemInfo struct {
	Total, Free, Cached, SwapCached int
	TotalSwap, FreeSwap             int
	TotalHigh, FreeHigh             int
	Mapped, Anon, PageTables        int
	Shmem                           int // pages of shared-memory objects
	HeapPages                       int
}

// Meminfo takes a snapshot (si_meminfo and si_swapinfo).
func Meminfo() MemInfo {
	i := MemInfo{
		Total:      TotalPages(),
		Free:       NrFreePages(),
		SwapCached: swapperSpace.Pages(),
		TotalSwap:  int(totalSwapPages.Load()),
		FreeSwap:   NrSwapPages(),
		TotalHigh:  int(zones[zoneHigh].pages.Load()),
		FreeHigh:   zones[zoneHigh].nrFree(),
		HeapPages:  max(0, int(heapPages.Load())),
	}
	i.Cached = max(0, int(pageCacheSize.Load())-i.SwapCached)
	shmLock.Lock()
	i.Shmem = shmObjects.rss
	shmLock.Unlock()
	mmlistLock.Lock()
	for m := mmlistHead; m != nil; m = m.mmlistNext {
		anon := int(m.AnonRSS.Load())
		i.Anon += anon
		i.Mapped += int(m.RSS.Load()) - anon
		i.PageTables += int(m.PTables.Load())
	}
	mmlistLock.Unlock()
	return i
}

// WriteMeminfo writes /proc/meminfo: the lines of Linux that do not depend on its
// configuration, in its order, those about high memory, and KernelHeap. What there is
// none of, or what nobody counts, is 0. Pages of programs count as active, for the one
// list of pages by age has those of the cache alone. May sleep.
func WriteMeminfo(w io.Writer) {
	i, slab := Meminfo(), slabPages()
	inactive := i.Cached + i.SwapCached
	locked := int(mlocked.Load())
	for _, l := range [...]struct {
		name  string
		pages int
	}{
		{"MemTotal", i.Total}, {"MemFree", i.Free}, {"MemAvailable", i.Free + i.Cached}, {"Buffers", 0},
		{"Cached", i.Cached}, {"SwapCached", i.SwapCached},
		{"Active", i.Anon}, {"Inactive", inactive},
		{"Active(anon)", i.Anon}, {"Inactive(anon)", i.SwapCached}, {"Active(file)", 0}, {"Inactive(file)", i.Cached},
		{"Unevictable", locked}, {"Mlocked", locked},
		{"HighTotal", i.TotalHigh}, {"HighFree", i.FreeHigh},
		{"LowTotal", i.Total - i.TotalHigh}, {"LowFree", i.Free - i.FreeHigh},
		{"SwapTotal", i.TotalSwap}, {"SwapFree", i.FreeSwap},
		{"Dirty", int(nrDirtyPages.Load())}, {"Writeback", 0},
		{"AnonPages", i.Anon}, {"Mapped", i.Mapped}, {"Shmem", i.Shmem},
		{"KReclaimable", 0}, {"Slab", slab}, {"SReclaimable", 0}, {"SUnreclaim", slab},
		{"KernelStack", 0}, {"PageTables", i.PageTables}, {"SecPageTables", 0},
		{"NFS_Unstable", 0}, {"Bounce", 0}, {"WritebackTmp", 0},
		{"CommitLimit", i.Total/2 + i.TotalSwap}, {"Committed_AS", int(CommittedAS())},
		{"VmallocTotal", 0}, {"VmallocUsed", 0}, {"VmallocChunk", 0}, {"Percpu", 0},
		{"KernelHeap", i.HeapPages},
	} {
		fmt.Fprintf(w, "%-15s %8d kB\n", l.name+":", kib(l.pages))
	}
}

// WriteSwaps writes /proc/swaps, with the columns of Linux's swap_show. Sizes
// leave out the header, as there.
func WriteSwaps(w io.Writer) {
	fmt.Fprint(w, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")
	for i := range swapInfos {
		si := &swapInfos[i]
		swapListLock.Lock() // swapon sets some under it alone
		si.lock.Lock()
		used, pages, inUse, prio, dev := si.used, si.pages, si.inUse, si.prio, si.dev
		si.lock.Unlock()
		swapListLock.Unlock()
		if used {
			name, kind := dev.Name(), "file\t"
			if name[0] != '/' { // a disk goes by its name in /dev
				name, kind = "/dev/"+name, "partition"
			}
			fmt.Fprintf(w, "%-39s %s\t%s%s%d\n", name, kind, sizeColumn(pages), sizeColumn(inUse), prio)
		}
	}
}

// sizeColumn is a size in KiB that takes two tab stops.
func sizeColumn(pages int) string {
	if kib(pages) < 10000000 {
		return fmt.Sprintf("%d\t\t", kib(pages))
	}
	return fmt.Sprintf("%d\t", kib(pages))
}

// WriteMinFree writes /proc/sys/vm/min_free_kbytes.
func WriteMinFree(w io.Writer) { fmt.Fprintln(w, kib(reservedPages())) }

// WriteZoneinfo writes the zones' sizes and watermarks, in /proc/zoneinfo's manner.
func WriteZoneinfo(w io.Writer) {
	for i := range zones {
		z := &zones[i]
		fmt.Fprintf(w, "Node 0, zone %8s\n  pages free     %d\n        min      %d\n        low      %d\n        high     %d\n        managed  %d\n",
			zoneNames[i], z.nrFree(), z.min, z.low, z.high, z.pages.Load())
	}
}

func writeSlabLine(w io.Writer, i cacheInfo) {
	fmt.Fprintf(w, "%-17s %6d %6d %6d %4d %4d : tunables %4d %4d %4d : slabdata %6d %6d %6d\n",
		i.name, i.active, i.total, i.size, i.perSlab, 1, 0, 0, 0, i.slabs, i.slabs, 0)
}
