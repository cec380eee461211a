// Package wire is what the harness on the host and its hand in the guest say to
// each other: a list of tests goes in as a file, and events come out as lines of
// JSON on the hand's stdout.
package wire

import "time"

// ListFile is where the guest finds its list, which is a []Test in JSON.
const ListFile = "/.yolk/tests.json"

// Test is one program to run.
type Test struct {
	Argv  []string      `json:"argv"` // Argv[0] is a path in the guest
	Env   []string      `json:"env"`
	Dir   string        `json:"dir"` // "": a directory of its own, removed afterwards
	Stdin []byte        `json:"stdin"`
	Limit time.Duration `json:"limit"`
}

// Event is something that happened to the test with the number Test in the list.
// A test's events are: one Started, any number with output, one Ended.
type Event struct {
	Test     int    `json:"test"`
	Started  bool   `json:"started,omitempty"`
	Out      []byte `json:"out,omitempty"` // of its stdout
	Err      []byte `json:"err,omitempty"` // of its stderr
	Ended    bool   `json:"ended,omitempty"`
	Status   int    `json:"status,omitempty"`   // of an Ended one: as a shell has it, 128+N for signal N
	TimedOut bool   `json:"timedout,omitempty"` // of an Ended one: Limit passed, and it was killed
	Reason   string `json:"reason,omitempty"`   // of an Ended one: why it could not be run
}
