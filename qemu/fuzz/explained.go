package main

import "syscall"

// reason is a difference that is meant to be, or is known.
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
			return d.is("madvise") && isGuard(d.number(3)) && d.guest == "-022" ||
				// Linux may have installed some before it came to a mapping that it refuses.
				d.is("pages", "load", "store", "fill", "pwrite", "pread", "mincore", "maps") && d.earlier("madvise", 3, isGuard)
		}},
	{"sealed-split", "An munmap, or a mapping over others, that Linux refuses for a seal has split the mapping where it begins; here nothing has changed.",
		func(d *difference) bool {
			return d.is("maps") && (d.answered("munmap", "-001") || d.answered("mmap", "-001") || d.answered("mremap", "-001"))
		}},
	{"remove", "MADV_REMOVE: no mapping punches holes into what backs it here. EINVAL.",
		func(d *difference) bool { return d.is("madvise") && d.number(3) == 9 && d.guest == "-022" }},
	{"remap-shm", "remap_file_pages of an attached segment is refused: EINVAL.",
		func(d *difference) bool {
			return d.is("remap_file_pages") && d.earlier("shmat", 0, anything) && d.guest == "-022"
		}},
	{"free", "MADV_FREE takes the pages at once; Linux when memory is short, which here it never is. Both are in madvise(2).",
		func(d *difference) bool {
			return d.is("pages", "load", "mincore", "pwrite") && d.earlier("madvise", 3, func(n uint64) bool { return n == 8 })
		}},
	{"punched", "A page that fallocate has punched out stays in memory, as zeros: mincore says so.",
		func(d *difference) bool {
			return d.is("mincore") && d.earlier("fallocate", 2, func(n uint64) bool { return n == 3 })
		}},
	{"min-addr", "vm.mmap_min_addr is 65536 here, as Debian has it; the host's may be 4096.",
		func(d *difference) bool {
			return d.is("mmap", "mremap") && d.guest == "-001" && d.number(1) < 0x10000 && d.host[0] != 'A'
		}},
	{"failed-write", "A write to a file in RAM whose buffer cannot be read makes the file as long as its offset in Linux (shmem_write_end of nothing); that may make the buffer, a mapping of the file, readable.",
		func(d *difference) bool {
			return d.is("pwrite") && d.guest == "-014" && d.host[0] != '-' ||
				d.is("pwrite", "pread", "load", "store", "fill", "pages", "mincore", "madvise") && d.answered("pwrite", "-014")
		}},
	{"locked-twice", "MREMAP_DONTUNMAP of locked memory: Linux counts as locked what it no longer locks.",
		func(d *difference) bool {
			return (d.host == "-012" || d.host == "-011") && d.is("mlock", "mlock2", "mlockall", "mmap", "mremap", "brk", "shmat") &&
				d.earlier("mremap", 4, func(n uint64) bool { return n&4 != 0 })
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

func anything(uint64) bool { return true }

// is reports whether the difference is in a call of one of these names.
func (d *difference) is(names ...string) bool {
	for _, n := range names {
		if d.line()[0] == n {
			return true
		}
	}
	return false
}

// number is argument n, from 1 on, of the call, if it is a plain number.
func (d *difference) number(n int) uint64 { return plain(d.line(), n) }

// earlier reports whether there is a call of that name before, whose argument n is right.
func (d *difference) earlier(name string, n int, right func(uint64) bool) bool {
	for _, l := range d.p[:min(d.at, len(d.p))] {
		if l[0] == name && right(plain(l, n)) {
			return true
		}
	}
	return false
}

func isGuard(advice uint64) bool { return advice == 102 || advice == 103 }

// answered reports whether Linux has given that answer to a call of that name before.
func (d *difference) answered(name, answer string) bool {
	for i, at := range attribute(d.p) {
		if i < len(d.before) && d.p[at][0] == name && d.before[i] == answer {
			return true
		}
	}
	return false
}
