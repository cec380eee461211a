// Command fuzz compares this kernel with the Linux of the host: it makes programs of
// memory calls from a seed, runs each here and in a guest, and compares what every
// call returned and what the program saw of its memory and of /proc/self/maps.
//
//	bin/yolk-fuzz [-seed N] [-calls N] [-smp N] [-guests N] [-lockdep] [-first N] [-shrink N] [-keep DIR] [-show] [FILE...]
//
// The programs' language, and who runs them, is user/mmfuzz. A difference that no rule
// of explained.go covers is shrunk to the fewest calls that show it, and ends in exit
// status 1. What there is about it: docs/fuzz.md.
package main
