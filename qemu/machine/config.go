package machine

import (
	"io"
	"os"
	"time"
)

// Accel selects what executes the guest's instructions.
type Accel string

// TCG translates; KVM runs them on the host's CPU.
const (
	TCG Accel = "tcg"
	KVM Accel = "kvm"
)

// Disk is one virtio-blk disk.
type Disk struct {
	File   *os.File // inherited by QEMU
	Serial string   // what the guest knows it by: "swap", "disk"
}

// Config describes a machine and its connections. All fields but QEMU, Kernel
// and Memory may be zero. Immutable while Run has it.
type Config struct {
	QEMU   string   // path of qemu-system-x86_64
	Kernel string   // path of the kernel's ELF image
	Initrd *os.File // newc archive; nil for none
	Params string   // kernel parameters
	Memory int64    // bytes
	CPUs   int      // 0 means 1
	Disks  []Disk
	Accel  Accel    // "" means TCG
	ICount bool     // one instruction is one nanosecond; needs one CPU and TCG
	GDB    bool     // hold the CPUs until gdb says continue
	Extra  []string // further arguments for QEMU

	Stdin  io.Reader     // nil: the program reads end of file at once
	Size   <-chan Window // sizes of the terminal, the first one before any input; nil if stdin is none
	Stdout io.Writer     // nil discards, as for the other two
	Stderr io.Writer
	Log    io.Writer // the kernel's log

	Timeout time.Duration // 0: no limit
	Ready   func()        // called once, when the program is about to run
}

// Window is the size of a terminal in characters.
type Window struct{ Rows, Cols uint16 }

// Ending says what ended a run.
type Ending uint8

const (
	Exited   Ending = iota // the guest said "exit N"
	Panicked               // the kernel said "panic"
	Died                   // QEMU ended and the guest had said neither
	TimedOut               // Config.Timeout passed
	Stopped                // the context was cancelled
)

// Result is the outcome of Run.
type Result struct {
	Ending     Ending
	Status     int           // of the program, if Exited
	LogTail    []byte        // the last of the kernel's log
	QEMUOutput []byte        // the last of what QEMU itself printed
	Elapsed    time.Duration // from QEMU's start to its end
	ToReady    time.Duration // from QEMU's start to "ready"; 0 if it never came
}
