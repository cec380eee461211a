// Command yolk boots the kernel under QEMU and runs a program of the host in it,
// as if the program had been started here: same stdin, stdout, stderr and exit
// status. Without a program it opens a shell.
//
//	bin/yolk [flags] PROGRAM [ARGS…]
//
// The packages below do the work: program checks what is to run, rootfs makes the
// guest's root, swaparea the swap disk, and machine runs QEMU. Here are the command
// line, the terminal, and the report on a run that went wrong.
package main
