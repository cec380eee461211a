package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"yolk/qemu/machine"
	"yolk/qemu/rootfs"
	"yolk/qemu/swaparea"
)

// system is a kernel to run the program under.
type system struct {
	name   string
	kernel string                           // its image
	params string                           // what it is told; "" or words that end in "--", after which come the program's
	files  []rootfs.Addition                // what the program needs there
	output func(*machine.Config) *io.Writer // where its console goes
}

// yolk is ours. Its program gets its arguments by the job in the boot archive.
func yolk(image string) *system {
	return &system{name: "yolk", kernel: image,
		output: func(c *machine.Config) *io.Writer { return &c.Stdout }}
}

// program is the name of the benchmark in the guest: for Linux, init.
const program = "/init"

// runTime is the limit for one run of all rows.
const runTime = 15 * time.Minute

// bootRow is the way from the machine's start to ring 3: the program's first line.
const bootRow = "boot"

// row is one result.
type row struct {
	name  string
	value float64 // nanoseconds, or instructions
}

// run boots the system once and returns what the program measured.
func (s *system) run(ctx context.Context, m mode, binary string, args []string) ([]row, error) {
	qemu, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		return nil, errors.New("qemu-system-x86_64 is not installed; on Debian or Ubuntu: apt-get install qemu-system-x86")
	}
	c := &machine.Config{QEMU: qemu, Kernel: s.kernel, Timeout: runTime}
	m.accel(c)
	if s.params != "" {
		c.Params = s.params + " " + strings.Join(args, " ")
	}
	if c.Initrd, err = s.archive(binary, args); err != nil {
		return nil, err
	}
	defer c.Initrd.Close()
	if m.swap {
		disk, err := swapDisk()
		if err != nil {
			return nil, err
		}
		defer disk.Close()
		c.Disks = []machine.Disk{{File: disk, Serial: "swap"}}
	}
	out := &transcript{began: time.Now()}
	*s.output(c) = out
	res, err := machine.Run(ctx, c)
	if err != nil {
		return nil, err
	}
	rows, err := out.rows(m)
	if err != nil {
		return nil, fmt.Errorf("%s (%s): %w\n--- its output:\n%s--- the kernel's log:\n%s%s",
			s.name, m.name, err, out.text.Bytes(), res.LogTail, res.QEMUOutput)
	}
	return rows, nil
}

// archive makes the boot archive, the same for both systems but for files.
func (s *system) archive(binary string, args []string) (*os.File, error) {
	root, err := rootfs.Open("")
	if err != nil {
		return nil, err
	}
	f, err := scratch()
	if err != nil {
		return nil, err
	}
	job := &rootfs.Job{Argv: append([]string{program}, args...), Dir: "/"}
	add := append([]rootfs.Addition{{Host: binary, Guest: program, Exec: true}}, s.files...)
	if err := root.Build(f, job, add); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func swapDisk() (*os.File, error) {
	f, err := scratch()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(swaparea.Format(f, swapSize, "bench"), f.Truncate(swapSize)); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// scratch makes a file that is gone when it is closed.
func scratch() (*os.File, error) {
	f, err := os.CreateTemp("", "yolk-bench-*")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

// transcript is the console's output, and when its first line of the program's came.
type transcript struct {
	began time.Time
	boot  time.Duration
	text  bytes.Buffer
}

func (t *transcript) Write(p []byte) (int, error) {
	n, err := t.text.Write(p)
	if t.boot == 0 && bytes.Contains(t.text.Bytes(), []byte(bootRow+" ")) {
		t.boot = time.Since(t.began)
	}
	return n, err
}

// rows reads the program's lines; a kernel's own lines may stand between them. It is an
// error when the last one is missing.
func (t *transcript) rows(m mode) ([]row, error) {
	var rows []row
	for line := range strings.Lines(t.text.String()) {
		f := strings.Fields(line)
		switch {
		case len(f) == 1 && f[0] == "done":
			return rows, nil
		case len(f) > 0 && f[0] == "FAILED:":
			return nil, errors.New(strings.TrimSpace(line))
		case len(f) != 3 || f[2] != "ns" && f[2] != "tsc":
			continue
		}
		n, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil {
			continue
		}
		r := row{f[0], float64(n)}
		if r.name == bootRow && !m.icount {
			r.value = float64(t.boot) // the TSC is the host's
		}
		rows = append(rows, r)
	}
	return nil, errors.New("the program did not come to its end")
}
