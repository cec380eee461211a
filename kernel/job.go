//go:build yolk

package main

import (
	"encoding/json"
	"fmt"
	errno "syscall"

	"yolk/drivers/uart"
	"yolk/fs"
	"yolk/proc"
)

// jobFile says what to run; bin/yolk puts it into the boot archive.
const jobFile = "/.yolk/run.json"

// job is the content of jobFile.
type job struct {
	Argv       []string
	Env        []string
	TTY        bool
	OneScreen  bool
	Rows, Cols uint16
	Cwd        string
}

// shells are tried in turn when no program is named.
var shells = []string{"/bin/sh", "/bin/busybox"}

// What a shell would answer for a program that it cannot start.
const (
	statusNotExecutable = 126
	statusNotFound      = 127
)

// runJob starts the program, waits for its end and returns its status as a
// shell would: 128+N when signal N killed it.
func runJob() int {
	j, err := readJob()
	if err != nil {
		klog("%s: %v", jobFile, err)
		return 125
	}
	if j.TTY {
		fs.ConsoleSetWinsize(j.Rows, j.Cols)
	}
	if len(j.Argv) == 0 {
		j.Argv = []string{findShell()}
	}
	files, e := openStdio(j.OneScreen)
	if e != 0 {
		klog("console: %v", e)
		return 125
	}
	fmt.Fprint(&uart.Control, "ready\n")
	t, e, reason := proc.Spawn(&proc.SpawnArgs{
		Path: j.Argv[0], Argv: j.Argv, Env: j.Env, Cwd: j.Cwd, TTY: j.TTY,
		Files: files,
	})
	if e != 0 {
		fmt.Fprintf(stderr{}, "yolk: %s: %s\n", j.Argv[0], reason)
		if e == errno.ENOENT {
			return statusNotFound
		}
		return statusNotExecutable
	}
	status := proc.WaitDone(t)
	if sig := status & 0x7f; sig != 0 {
		return 128 + int(sig)
	}
	return int(status >> 8 & 0xff)
}

// openStdio returns a table with the console as files 0, 1 and 2.
func openStdio(oneScreen bool) (*fs.FDTable, errno.Errno) {
	files := fs.NewFDTable()
	stdio, e := fs.OpenStdio(oneScreen)
	for fd := 0; fd < len(stdio) && e == 0; fd++ {
		_, e = files.Install(stdio[fd], fd, len(stdio), false)
	}
	return files, e
}

func readJob() (*job, error) {
	data, e := fs.ReadFile(jobFile)
	if e != 0 {
		return nil, e
	}
	j := new(job)
	return j, json.Unmarshal(data, j)
}

func findShell() string {
	for _, s := range shells {
		if fs.Exists(s) {
			return s
		}
	}
	return shells[0]
}
