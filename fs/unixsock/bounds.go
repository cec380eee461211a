package unixsock

import (
	"sync/atomic"

	"yolk/arch"
	"yolk/mm"
)

// Linux's defaults.
const (
	bufferDefault = 212992 // SO_SNDBUF, and half of the most that may be asked for
	minSndbuf     = 4608
	minRcvbuf     = 2304
	queueLength   = 10   // net.unix.max_dgram_qlen
	maxBacklog    = 4096 // net.core.somaxconn
)

// One socket costs the Go heap about 1.5 KiB with its file. Of a machine's memory sockets
// may take about a tenth, and what lies in their queues an eighth.
func maxSockets() int64  { return int64(mm.TotalPages()) / 4 }
func maxQueued() int64   { return int64(mm.TotalPages()) * arch.PageSize / 8 }
func maxInFlight() int64 { return maxSockets() }

var (
	sockets atomic.Int64 // that are not dead
	queued  atomic.Int64 // bytes of packets, as charged
)

// countSocket counts one more. False: there are enough. Takes scmLock; may sleep.
func countSocket() bool {
	if sockets.Add(1) <= maxSockets() {
		return true
	}
	sockets.Add(-1)
	Collect() // there may be some that nobody can reach
	if sockets.Add(1) <= maxSockets() {
		return true
	}
	sockets.Add(-1)
	return false
}

// charge counts n more bytes in queues. False: there is no memory for them. May sleep.
func charge(n int64) bool {
	if queued.Add(n) <= maxQueued() && mm.EnsureHeap() {
		return true
	}
	queued.Add(-n)
	return false
}
