//go:build yolk

package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/metrics"
	errno "syscall"

	"yolk/arch/amd64"
	"yolk/fs"
	"yolk/locks"
	"yolk/mm"
	"yolk/syscall"
)

// registerProc makes the files of /proc that tell of the whole system.
func registerProc() {
	for path, gen := range map[string]func(io.Writer){
		"meminfo":      mm.WriteMeminfo,
		"vmstat":       mm.WriteVmstat,
		"swaps":        mm.WriteSwaps,
		"zoneinfo":     mm.WriteZoneinfo,
		"recount":      mm.WriteRecount,
		"slabinfo":     mm.WriteSlabinfo,
		"sysvipc/shm":  mm.WriteSysvipcShm,
		"lockdep":      locks.WriteLockdep,
		"unknowncalls": syscall.WriteUnknown,
		"version":      writeVersion,
		"uptime":       writeUptime,
		"loadavg":      writeLoadavg,
		"stat":         writeStat,
		"cpuinfo":      writeCPUInfo,
		"cmdline":      func(w io.Writer) { fmt.Fprintln(w, amd64.CommandLine()) },
	} {
		fs.RegisterProc(path, gen)
	}
	fs.RegisterProcBinary("kpageflags", mm.ReadKpageflags)
	fs.RegisterProcBinary("kpagecount", mm.ReadKpagecount)
	fs.RegisterProcRW("goheap", writeGoHeap, collectGarbage)
	locks.Go("loadavg", watchLoad)
	registerSysctls()
}

// collectGarbage is what a write to /proc/goheap does: afterwards live_objects counts
// only what is in use. Twice, as what sync.Pool has lives for two cycles.
func collectGarbage([]byte) errno.Errno {
	runtime.GC()
	runtime.GC()
	return 0
}

// writeGoHeap prints what the kernel's own Go heap has done and holds: a program
// that reads it before and after a loop of system calls sees whether they
// allocate. Not a file of Linux.
func writeGoHeap(w io.Writer) {
	// Exact, unlike the metrics, which leave out what the CPUs' caches have given.
	var exact runtime.MemStats
	runtime.ReadMemStats(&exact)
	fmt.Fprintf(w, "mallocs %d\nmalloc_bytes %d\nlive_objects %d\nlive_bytes %d\n",
		exact.Mallocs, exact.TotalAlloc, exact.Mallocs-exact.Frees, exact.HeapAlloc)
	samples := []metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/sched/goroutines:goroutines"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/total:bytes"},
	}
	metrics.Read(samples)
	names := []string{"gc_cycles", "goroutines", "heap_objects_bytes", "mapped_bytes"}
	for i, s := range samples {
		fmt.Fprintf(w, "%s %d\n", names[i], s.Value.Uint64())
	}
	fmt.Fprintf(w, "frames %d\nreserve %d\n", amd64.HeapUsed(), amd64.HeapLevel())
}
