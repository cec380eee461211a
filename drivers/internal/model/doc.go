// Package model is a virtio device made of host code, for tests: it has the
// registers of a modern device, reads and writes the rings as section 2.7 of the
// standard says, and lets a test play the part behind them, well or badly.
package model
