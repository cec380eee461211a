// Package pci finds the functions on the PCI buses and reads what their
// configuration space says: identity, memory windows (BARs), capabilities, and
// the MSI-X table by which a function interrupts a CPU.
//
// The firmware has already assigned buses and BARs (QEMU's does for -kernel
// too), so the package reads the assignment and never moves or sizes a window.
//
// No lock guards it: configuration space is touched at start-up only, by the
// one goroutine that probes the drivers. Access goes through the Config
// interface; Ports is the real one (0xcf8/0xcfc), tests bring their own.
package pci
