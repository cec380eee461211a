package main

import (
	"strconv"
	"time"

	"yolk/qemu/harness"
	"yolk/qemu/harness/wire"
)

// stressors are those of stress-ng that work on memory and processes, and how many
// operations each is to do: a second or two of work.
var stressors = []struct {
	name string
	ops  int
	args []string
}{
	{"vm", 20, []string{"--vm-bytes", "8M"}},
	{"mmap", 5, []string{"--mmap-bytes", "4M"}},
	{"mremap", 20, []string{"--mremap-bytes", "4M"}},
	{"mlock", 5, nil},
	{"mprotect", 200, nil},
	{"madvise", 1, nil},
	{"mincore", 20, nil},
	{"msync", 50, []string{"--msync-bytes", "1M"}},
	{"brk", 2000, nil},
	{"stack", 5, nil},
	{"shm", 2, []string{"--shm-bytes", "1M"}},
	{"shm-sysv", 2, []string{"--shm-sysv-bytes", "1M"}},
	{"fork", 30, nil},
	{"clone", 30, nil},
	{"vfork", 30, nil},
	{"pipe", 2000, nil},
	{"sockpair", 300, nil},
	{"sockfd", 2000, nil},
	{"splice", 200, []string{"--splice-bytes", "256K"}},
	{"epoll", 500, []string{"--epoll-domain", "unix"}},
	{"futex", 500, nil},
	{"sigsegv", 200, nil},
	{"fault", 100, nil},
	{"malloc", 2000, []string{"--malloc-bytes", "4M"}},
	{"bigheap", 500, []string{"--bigheap-growth", "64K"}},
}

func stressTest(name, what string) harness.Test {
	t := harness.Test{Name: name, Test: wire.Test{Limit: 90 * time.Second}}
	for _, s := range stressors {
		if s.name == what {
			t.Argv = append([]string{"/usr/bin/stress-ng", "--" + s.name, "1", "--" + s.name + "-ops", strconv.Itoa(s.ops), "--verify"}, s.args...)
		}
	}
	return t
}
