package mm

import (
	"io"
	"strconv"
	"sync/atomic"

	"yolk/arch"
)

// VMEvent is one counter of /proc/vmstat.
type VMEvent uint8

// Events, in the order of /proc/vmstat. The tso ("try_to_swap_out") ones count
// each way in which the stealer may leave a pte.
const (
	PgpgIn VMEvent = iota
	PgpgOut
	PSwpIn
	PSwpOut
	PgAllocDMA
	PgAllocNormal
	PgAllocHigh
	PgFree
	PgFault
	PgMajFault
	PgStealKswapd
	PgStealDirect
	PgScanKswapd
	PgScanDirect
	PageOutRun
	AllocStall
	KswapdWake
	KswapdThrottle
	SlabsScanned
	OOMKill
	SwapRA
	SwapRAHit
	SwapWriteError
	SwapReadError
	SwapWriteRetry
	SwapReadRetry
	SwapClosed
	SwapRequests
	TSOYoung
	TSOReserved
	TSOLocked
	TSOClass
	TSOSwapCached
	TSOClean
	TSONoIO
	TSOFile
	TSOFileError
	TSONoSlot
	TSONoBounce
	TSOAnon
	SwapOutFlush
	ShmSwapTry
	ShmSwapOut
	ShmSwapIn
	FileReadError
	FileWriteError
	BigmemSwapout
	BigmemReplace
	nrVMEvents
)

var vmEventNames = [nrVMEvents]string{
	"pgpgin", "pgpgout", "pswpin", "pswpout",
	"pgalloc_dma", "pgalloc_normal", "pgalloc_high", "pgfree",
	"pgfault", "pgmajfault",
	"pgsteal_kswapd", "pgsteal_direct", "pgscan_kswapd", "pgscan_direct",
	"pageoutrun", "allocstall", "kswapd_wake", "kswapd_throttle", "slabs_scanned", "oom_kill",
	"swap_ra", "swap_ra_hit", "swap_write_error", "swap_read_error", "swap_write_retry", "swap_read_retry", "swap_closed", "swap_requests",
	"swapout_young", "swapout_reserved", "swapout_locked", "swapout_class",
	"swapout_swapcached", "swapout_clean", "swapout_noio", "swapout_file",
	"swapout_file_error", "swapout_noslot", "swapout_nobounce", "swapout_anon", "swapout_flush",
	"shm_swaptry", "shm_swapout", "shm_swapin",
	"file_read_error", "file_write_error",
	"bigmem_swapout", "bigmem_replace",
}

// eventCPUs is how many CPUs count for themselves: those that fault at the same time
// would otherwise pass one cache line to and fro.
const eventCPUs = 8

// vmEvents are what each CPU has counted. A task may have moved since it asked for the
// number of its CPU, so the counters are atomic nevertheless.
var vmEvents [eventCPUs]struct {
	n [nrVMEvents]atomic.Uint64
	_ [64]byte
}

// CountVM counts one event. Callable anywhere.
func CountVM(e VMEvent) { CountVMs(e, 1) }

// CountVMs counts n events.
func CountVMs(e VMEvent, n int) { vmEvents[arch.CPU()%eventCPUs].n[e].Add(uint64(n)) }

// VMStat is a counter's value.
func VMStat(e VMEvent) (sum uint64) {
	for i := range vmEvents {
		sum += vmEvents[i].n[e].Load()
	}
	return sum
}

// WriteVmstat writes /proc/vmstat.
func WriteVmstat(w io.Writer) {
	line := make([]byte, 0, 64)
	put := func(name string, v uint64) {
		line = append(line[:0], name...)
		line = append(line, ' ')
		line = strconv.AppendUint(line, v, 10)
		line = append(line, '\n')
		w.Write(line)
	}
	put("nr_free_pages", uint64(NrFreePages()))
	put("nr_swapcached", uint64(swapperSpace.Pages()))
	put("nr_file_pages", uint64(pageCacheSize.Load()))
	put("nr_dirty", uint64(nrDirtyPages.Load()))
	for e, name := range vmEventNames {
		put(name, VMStat(VMEvent(e)))
	}
}
