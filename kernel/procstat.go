//go:build yolk

package main

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"sync"
	"time"

	"yolk/arch"
	"yolk/arch/amd64"
	"yolk/locks"
	"yolk/proc"
	"yolk/sched"
	"yolk/syscall"
)

// The files of /proc about CPUs and time, in the format of Linux's proc(5).

// userHZ is the unit of time in /proc/stat: 10 ms.
const userHZ = time.Second / 100

func writeVersion(w io.Writer) {
	fmt.Fprintf(w, "Linux version %s (yolk) (%s) %s\n", syscall.Release, runtime.Version(), syscall.Version)
}

// busyAndIdle returns the time that tasks have used of all CPUs, and the rest.
func busyAndIdle() (busy, idle time.Duration) {
	for cpu := range arch.NumCPU() {
		user, system := sched.CPUTimes(cpu)
		busy += user + system
	}
	return busy, max(0, proc.Uptime()*time.Duration(arch.NumCPU())-busy)
}

func writeUptime(w io.Writer) {
	_, idle := busyAndIdle()
	fmt.Fprintf(w, "%.2f %.2f\n", proc.Uptime().Seconds(), idle.Seconds())
}

func writeStat(w io.Writer) {
	var lines [8]struct{ user, system, idle time.Duration }
	n := min(arch.NumCPU(), len(lines))
	var all struct{ user, system, idle time.Duration }
	for cpu := range n {
		l := &lines[cpu]
		l.user, l.system = sched.CPUTimes(cpu)
		l.idle = max(0, proc.Uptime()-l.user-l.system)
		all.user, all.system, all.idle = all.user+l.user, all.system+l.system, all.idle+l.idle
	}
	const format = "%s %d 0 %d %d 0 0 0 0 0 0\n"
	fmt.Fprintf(w, format, "cpu ", all.user/userHZ, all.system/userHZ, all.idle/userHZ)
	for cpu, l := range lines[:n] {
		fmt.Fprintf(w, format, fmt.Sprintf("cpu%d", cpu), l.user/userHZ, l.system/userHZ, l.idle/userHZ)
	}
	ever, _ := proc.Started()
	boot := time.Now().Add(-proc.Uptime()).Unix()
	fmt.Fprintf(w, "ctxt %d\nbtime %d\nprocesses %d\nprocs_running %d\nprocs_blocked 0\n",
		sched.Switches(), boot, ever, sched.Running())
}

// load is the number of running tasks, averaged over the last 1, 5 and 15
// minutes: each sample counts for less by a factor of e for every period passed.
var load struct {
	mu      sync.Mutex
	average [3]float64 // guarded by mu
}

const loadInterval = 5 * time.Second

// watchLoad samples the load for ever.
func watchLoad() {
	for {
		locks.Sleep(loadInterval, false)
		now := float64(sched.Running())
		load.mu.Lock()
		for i, minutes := range [...]float64{1, 5, 15} {
			keep := math.Exp(-loadInterval.Minutes() / minutes)
			load.average[i] = load.average[i]*keep + now*(1-keep)
		}
		load.mu.Unlock()
	}
}

func writeLoadavg(w io.Writer) {
	load.mu.Lock()
	a := load.average
	load.mu.Unlock()
	_, last := proc.Started()
	fmt.Fprintf(w, "%.2f %.2f %.2f %d/%d %d\n", a[0], a[1], a[2], sched.Running(), proc.Count(), last)
}

func writeCPUInfo(w io.Writer) {
	c := amd64.Identify()
	mhz := float64(amd64.TSCFrequency()) / 1000
	for cpu := range arch.NumCPU() {
		fmt.Fprintf(w, "processor\t: %d\nvendor_id\t: %s\ncpu family\t: %d\nmodel\t\t: %d\nmodel name\t: %s\n",
			cpu, c.Vendor, c.Family, c.Model, c.Name)
		fmt.Fprintf(w, "stepping\t: %d\ncpu MHz\t\t: %.3f\nphysical id\t: 0\nsiblings\t: %d\ncore id\t\t: %d\ncpu cores\t: %d\n",
			c.Stepping, mhz, arch.NumCPU(), cpu, arch.NumCPU())
		fmt.Fprintf(w, "fpu\t\t: yes\nwp\t\t: yes\nflags\t\t: %s\nbogomips\t: %.2f\nclflush size\t: 64\n\n", c.Flags, 2*mhz)
	}
}
