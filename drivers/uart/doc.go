// Package uart drives the four serial ports that join the guest to the host:
//
//	COM1  the kernel log, out
//	COM2  the program's standard input, in, and standard output, out
//	COM3  the program's standard error, out
//	COM4  control lines to the host, out
//
// The program's side is Console; the kernel's own ports, Log and Control, are
// written without a lock, so that a panic can use them at any point.
//
// Console's input queue is guarded by its spinlock (class driver_lock), which
// the interrupt handler takes; each of its outputs by a sleeping lock of its
// own (class dev_sem). Callers are fs (the terminal and the standard streams)
// and kernel (log, control).
//
// The host sends nothing before the guest has said "ready" on COM4: to set a port
// up is to empty it.
//
// Input is escaped, so that one port carries bytes, end of file and the size of
// the terminal: see Decoder. Escape and queue are plain code that the host
// tests run; the ports are in the files with the tag yolk.
package uart
