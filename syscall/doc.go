// Package syscall is the kernel's Linux x86-64 system-call interface: one file
// per group of calls, each of which decodes arguments, checks them, calls the
// package that does the work and encodes the result. It owns the dispatch table
// and nothing else; every lock is taken by the packages below.
//
// Handlers run in the goroutine of the calling task, hold no lock on entry and
// may sleep. User pointers are untrusted: handlers touch what they point to only
// through the copy routines of mm.
package syscall
