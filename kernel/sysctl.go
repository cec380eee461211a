//go:build yolk

package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"sync/atomic"
	errno "syscall"

	"yolk/fs"
	"yolk/mm"
	"yolk/proc"
	"yolk/syscall"
)

// The files below /proc/sys, but for those that package proc makes.

// registerSysctls makes them. Of those with a fixed text nothing can be set.
func registerSysctls() {
	for name, v := range map[string]*atomic.Uint64{
		"shmmax": &mm.ShmLimits.Max,
		"shmall": &mm.ShmLimits.All,
		"shmmni": &mm.ShmLimits.Mni,
	} {
		registerNumber("kernel/"+name, v, math.MaxUint64)
	}
	registerNumber("vm/max_map_count", &mm.MaxMapCount, mm.TopMapCount)
	registerNumber("kernel/randomize_va_space", &proc.RandomizeVASpace, proc.MaxRandomizeVASpace)
	fs.RegisterProcRW("sys/kernel/shm_next_id", func(w io.Writer) { fmt.Fprintln(w, mm.ShmLimits.NextID.Load()) }, storeNextID)
	fs.RegisterProcRW("sys/kernel/core_pattern", func(w io.Writer) { fmt.Fprintln(w, proc.CorePattern()) }, storeCorePattern)
	fs.RegisterProc("sys/vm/min_free_kbytes", mm.WriteMinFree)
	fs.RegisterProcCommand("sys/vm/drop_caches", dropCaches)
	fs.RegisterProcCommand("sys/vm/compact_memory", compactMemory)
	for name, text := range map[string]string{
		"kernel/ostype":              "Linux",
		"kernel/osrelease":           syscall.Release,
		"kernel/version":             syscall.Version,
		"kernel/hostname":            "yolk",
		"kernel/cap_last_cap":        "40",
		"kernel/ngroups_max":         "65536",
		"vm/overcommit_memory":       "0",
		"vm/overcommit_ratio":        "50",
		"vm/nr_hugepages":            "0",
		"vm/nr_overcommit_hugepages": "0",
	} {
		fs.RegisterProc("sys/"+name, func(w io.Writer) { fmt.Fprintln(w, text) })
	}
}

// registerNumber makes a file of /proc/sys that shows a number, and sets it.
// EINVAL: what is written is none, or more than most.
func registerNumber(path string, v *atomic.Uint64, most uint64) {
	gen := func(w io.Writer) { fmt.Fprintln(w, v.Load()) }
	fs.RegisterProcRW("sys/"+path, gen, func(p []byte) errno.Errno {
		n, err := strconv.ParseUint(strings.TrimSpace(string(p)), 10, 64)
		if err != nil || n > most {
			return errno.EINVAL
		}
		v.Store(n)
		return 0
	})
}

// storeNextID takes the number for the next segment of shared memory; -1: any.
// EINVAL.
func storeNextID(p []byte) errno.Errno {
	n, err := strconv.ParseInt(strings.TrimSpace(string(p)), 10, 32)
	if err != nil || n < -1 {
		return errno.EINVAL
	}
	mm.ShmLimits.NextID.Store(n)
	return 0
}

// dropCaches is what a write to drop_caches does: 1 frees page cache, 2 slabs, 3 both,
// 4 is to be silent about it. EINVAL.
func dropCaches(p []byte) errno.Errno {
	n, err := strconv.ParseUint(strings.TrimSpace(string(p)), 10, 32)
	if err != nil || n < 1 || n > 4 {
		return errno.EINVAL
	}
	if n&1 != 0 {
		mm.DropCaches()
	}
	if n&2 != 0 {
		mm.DropSlabs()
	}
	return 0
}

// compactMemory takes the one number that Linux takes. There is nothing to compact: the
// buddies that are free are joined already, and no block of several frames is in demand. EINVAL.
func compactMemory(p []byte) errno.Errno {
	if strings.TrimSpace(string(p)) != "1" {
		return errno.EINVAL
	}
	return 0
}

func storeCorePattern(p []byte) errno.Errno {
	return proc.SetCorePattern(strings.TrimRight(string(p), "\n"))
}
