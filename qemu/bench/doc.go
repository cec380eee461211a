// Command bench measures Yolk against Linux: the same program (user/bench), the same
// QEMU with the same flags, in turns.
//
//	make bench                                     # both modes, all rows
//	bin/yolk-bench -mode icount -rounds 1 fault fork   # rows whose names begin so
//
// See docs/bench.md for the rows, the modes and how to read the table.
//
//	main.go     options, rounds
//	mode.go     what the two modes ask of the machine
//	system.go   the two kernels, and one run of the program under one of them
//	linux.go    gets Debian's kernel, its disk driver too
//	table.go    medians, ratios, history
package main
