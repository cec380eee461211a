package main

import "syscall"

// reason is a difference that is meant to be.
type reason struct {
	name string // short, for the sums
	why  string
	// covers looks at a difference narrowly: at the call, its arguments and both answers.
	covers func(d *difference) bool
}

// reasons is all of them. What follows an explained difference in its program is not
// compared, and not counted.
var reasons = []reason{
	{"hugetlb", "There are no huge pages: MAP_HUGETLB is refused before anything else is looked at.",
		func(d *difference) bool {
			return d.is("mmap") && d.number(4)&syscall.MAP_HUGETLB != 0 && d.guest[0] == '-'
		}},
	{"guard", "MADV_GUARD_INSTALL and _REMOVE, new in Linux 6.13, are unknown here: EINVAL, as before that.",
		func(d *difference) bool {
			return d.is("madvise") && (d.number(3) == 102 || d.number(3) == 103) && d.guest == "-022"
		}},
}

// explain finds the reason for a difference, or nil.
func explain(d *difference) *reason {
	for i := range reasons {
		if reasons[i].covers(d) {
			return &reasons[i]
		}
	}
	return nil
}
