//go:build yolk

package main

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync/atomic"
	errno "syscall"

	"yolk/arch/amd64"
	"yolk/fs"
	"yolk/locks"
	"yolk/mm"
	"yolk/proc"
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
		"goheap":       writeGoHeap,
		"unknowncalls": syscall.WriteCounts,
		"version":      writeVersion,
		"uptime":       writeUptime,
		"loadavg":      writeLoadavg,
		"stat":         writeStat,
		"cpuinfo":      writeCPUInfo,
		"cmdline":      func(w io.Writer) { fmt.Fprintln(w, amd64.CommandLine()) },
	} {
		fs.RegisterProc(path, gen)
	}
	locks.Go("loadavg", watchLoad)
	for name, v := range map[string]*atomic.Uint64{
		"shmmax": &mm.ShmLimits.Max,
		"shmall": &mm.ShmLimits.All,
		"shmmni": &mm.ShmLimits.Mni,
	} {
		registerNumber("sys/kernel/"+name, v, math.MaxUint64)
	}
	registerNumber("sys/kernel/randomize_va_space", &proc.RandomizeVASpace, proc.MaxRandomizeVASpace)
}

// registerNumber makes a file of /proc that shows a number, and sets it. EINVAL:
// what is written is none, or more than most.
func registerNumber(path string, v *atomic.Uint64, most uint64) {
	gen := func(w io.Writer) { fmt.Fprintln(w, v.Load()) }
	fs.RegisterProcRW(path, gen, func(p []byte) errno.Errno {
		n, err := strconv.ParseUint(strings.TrimSpace(string(p)), 10, 64)
		if err != nil || n > most {
			return errno.EINVAL
		}
		v.Store(n)
		return 0
	})
}

// writeGoHeap prints what the kernel's own Go heap has done and holds: a program
// that reads it before and after a loop of system calls sees whether they
// allocate. Not a file of Linux.
func writeGoHeap(w io.Writer) {
	// Exact, unlike the metrics, which leave out what the CPUs' caches have given.
	var exact runtime.MemStats
	runtime.ReadMemStats(&exact)
	fmt.Fprintf(w, "mallocs %d\nmalloc_bytes %d\n", exact.Mallocs, exact.TotalAlloc)
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
