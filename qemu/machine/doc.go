// Package machine starts one virtual machine under QEMU and connects it to its
// caller: it owns the four serial channels that the kernel and the host speak
// over, QEMU's process, and the verdict on how the run ended.
//
// The channels are socket pairs whose far ends QEMU inherits, and the initrd and
// disks are passed as open descriptors. So nothing is ever given a name in a file
// system, and a run leaves nothing behind, however it ends.
//
//	COM1  kernel log              guest → host, raw
//	COM2  stdin, stdout           host → guest escaped (escape.go); guest → host raw
//	COM3  stderr                  guest → host, raw
//	COM4  control                 guest → host, lines: "ready", "exit N", "panic"
//
// Every channel has a goroutine of its own that reads until the end of file, which
// comes when QEMU has gone; Run waits for all of them, so no byte is lost. A slow
// reader of the program's output slows the guest down: QEMU's serial port waits.
package machine
