package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// bytesToMap is size, or times the machine's memory if size is empty.
func bytesToMap(size string, times int) (int, error) {
	if size == "" {
		kb, err := memTotal()
		return kb << 10 * times, err
	}
	digits := strings.TrimRight(size, "KMG")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0, fmt.Errorf("-size %q: %w", size, err)
	}
	switch size[len(digits):] {
	case "":
	case "K":
		n <<= 10
	case "M":
		n <<= 20
	case "G":
		n <<= 30
	default:
		return 0, fmt.Errorf("-size %q: unknown unit", size)
	}
	return n &^ (pageSize - 1), nil
}

// memTotal is the machine's memory in KiB.
func memTotal() (int, error) {
	kb := 0
	err := eachLine("/proc/meminfo", func(f []string) {
		if len(f) >= 2 && f[0] == "MemTotal:" {
			kb, _ = strconv.Atoi(f[1])
		}
	})
	if err == nil && kb == 0 {
		err = fmt.Errorf("/proc/meminfo has no MemTotal")
	}
	return kb, err
}

// counters are the lines of /proc/vmstat that tell how the paging went.
var counters = map[string]bool{
	"pgfault": true, "pgmajfault": true, "pswpin": true, "pswpout": true,
	"pgscan_kswapd": true, "pgsteal_kswapd": true, "pgscan_direct": true, "pgsteal_direct": true,
	"allocstall": true, "kswapd_wakeups": true, "pageoutrun": true,
}

func printCounters(w io.Writer) error {
	return eachLine("/proc/vmstat", func(f []string) {
		if len(f) == 2 && counters[f[0]] {
			_, _ = fmt.Fprintln(w, f[0], f[1])
		}
	})
}

func eachLine(file string, do func(fields []string)) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		do(strings.Fields(lines.Text()))
	}
	return lines.Err()
}
