// Package memdisk is a block device that keeps its sectors in memory. Host tests
// swap to it, with delays and errors on request. It guards its state with a
// mutex of its own; requests complete from goroutines of their own, in any order.
package memdisk
