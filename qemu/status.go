package main

import (
	"errors"
	"fmt"

	"yolk/qemu/program"
)

// Exit statuses that are not the program's. 126 and 127 come from package program,
// 128+N stands for signal N.
const (
	statusUsage   = 2
	statusTimeout = 124 // as timeout(1)
	statusMachine = 125 // the kernel panicked, or the machine could not be run
)

// failure is an error that says what to exit with.
type failure struct {
	status int
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func usageError(format string, a ...any) error {
	return &failure{statusUsage, fmt.Errorf(format, a...)}
}

func machineError(format string, a ...any) error {
	return &failure{statusMachine, fmt.Errorf(format, a...)}
}

// statusOf is the exit status for an error.
func statusOf(err error) int {
	var f *failure
	if errors.As(err, &f) {
		return f.status
	}
	var p *program.Error
	if errors.As(err, &p) {
		return p.Status
	}
	return statusMachine
}
