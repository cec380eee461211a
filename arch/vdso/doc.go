// Package vdso makes the vDSO: the small shared library that the kernel maps into
// every program, so that asking for the time or the CPU needs no system call.
//
//	code_amd64.s  its functions, which run in ring 3 as copies
//	image.go      puts the copies into an ELF image with a symbol table
//	elf.go        the tables of that image
//	clock.go      the page of data that the functions read
//
// A program sees two pages: [vvar], the Clock, and above it [vdso], the image.
// The C libraries and the Go runtime find the image by AT_SYSINFO_EHDR and look
// their functions up by name and version, as in any shared library. The names,
// the version LINUX_2.6 and what the functions do are those of vdso(7).
//
// The package knows no kernel: mm maps the pages, proc does so for each exec, and
// arch/amd64 writes the clock. What the Go runtime itself reads the time with, in
// ring 0, is another thing (arch/amd64/vdso_amd64.s). It takes no locks.
package vdso
