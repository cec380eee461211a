// Command kernel is Yolk: it starts the parts in their order, runs one program,
// and ends the machine with the program's status.
//
// It owns nothing that lives on but the kernel log and the report of a panic.
// Everything here runs once, at start-up, or in the kernel threads that it
// starts: interrupts (arch/amd64), console (the driver's input to the
// terminal), kswapd (mm), and main, which waits for the program.
package main
