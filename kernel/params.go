package main

import (
	"strconv"
	"strings"
	"time"
)

// diskTimeout is the limit for a disk's answer if no parameter says otherwise.
const diskTimeout = 60 * time.Second

// params are the kernel parameters: words of the form name=value, or name.
type params struct {
	bigmem  int           // bigmem=SIZE: frames of an artificial high zone
	crash   string        // crash=NAME[:COMM]: a bug to run into, see crash.go
	inject  string        // inject=R1 … R12: the rule to break on purpose
	swapout string        // swapout=1999: the original form of the driver's method
	noRand  bool          // norandmaps: no address-space layout randomisation
	disk    time.Duration // disk_timeout=SECONDS: a disk that answers nothing for so long is given up; 0: none is
	profile int           // profile=HZ: samples a second, written to the log at the end
	unknown []string      // words that mean nothing to this kernel
}

// maxProfile is the most samples a second: the timer does not come more often.
const maxProfile = 10000

// parseParams reads a kernel command line.
func parseParams(line string) params {
	p := params{disk: diskTimeout}
	for _, word := range strings.Fields(line) {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "bigmem":
			n, ok := parseSize(value)
			if !ok {
				p.unknown = append(p.unknown, word)
				continue
			}
			p.bigmem = int(n >> 12)
		case "crash":
			p.crash = value
		case "inject":
			p.inject = value
		case "swapout":
			if p.swapout = value; value != "1999" && value != "mm18" {
				p.unknown = append(p.unknown, word)
			}
		case "disk_timeout":
			n, err := strconv.ParseUint(value, 10, 31)
			if err != nil {
				p.unknown = append(p.unknown, word)
				continue
			}
			p.disk = time.Duration(n) * time.Second
		case "profile":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 || n > maxProfile {
				p.unknown = append(p.unknown, word)
				continue
			}
			p.profile = n
		case "norandmaps":
			p.noRand = true
		default:
			p.unknown = append(p.unknown, word)
		}
	}
	return p
}

// parseSize reads a number of bytes with an optional K, M or G.
func parseSize(s string) (uint64, bool) {
	shift := 0
	if s != "" {
		switch s[len(s)-1] {
		case 'k', 'K':
			shift = 10
		case 'm', 'M':
			shift = 20
		case 'g', 'G':
			shift = 30
		}
	}
	if shift > 0 {
		s = s[:len(s)-1]
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n > ^uint64(0)>>shift {
		return 0, false
	}
	return n << shift, true
}
