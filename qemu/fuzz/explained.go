package main

import (
	"slices"
	"strconv"
	"strings"
	"syscall"
)

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
	{"hugetlb", "There are no huge pages: MAP_HUGETLB is refused before anything else is looked at. Where it has none to spare, Linux has unmapped what was there before it says so.",
		func(d *difference) bool {
			huge := func(flags uint64) bool { return flags&syscall.MAP_HUGETLB != 0 }
			return d.is("mmap") && huge(d.number(4)) && d.guest[0] == '-' ||
				d.answered("mmap", "-012") && d.earlier("mmap", 4, func(flags uint64) bool { return huge(flags) && flags&syscall.MAP_FIXED != 0 })
		}},
	{"huge-shared", "Shared anonymous memory of more than 64 GiB is refused even with MAP_NORESERVE: one array has room for all of its tables of slots. ENOMEM.",
		func(d *difference) bool {
			const flags = syscall.MAP_SHARED | syscall.MAP_ANON | syscall.MAP_NORESERVE
			return d.is("mmap") && d.number(4)&(flags|syscall.MAP_PRIVATE) == flags && d.number(2) > 64<<30 && d.guest == "-012"
		}},
	{"refused-split", "An munmap, or a mapping over others, that Linux refuses for a seal, or a mapping for want of memory, has split the mappings where it begins and ends; here nothing has changed. A later mprotect may have room for one half and not for the whole; a segment counts both as attached.",
		func(d *difference) bool {
			refused := d.answered("munmap", "-001") || d.answered("mmap", "-001") || d.answered("mremap", "-001") || d.answered("mmap", "-012") || d.answered("shmat", "-012") ||
				d.answered("mseal", "0") && d.earlier("brk", 0, anything)
			return refused && (d.is("maps") && (joined(d.host) == joined(d.guest) || d.answered("mprotect", "-012")) || d.is("mremap") && d.host == "-014" || d.is("shmctl") && moreAttached(d.host, d.guest))
		}},
	{"remap-shm", "remap_file_pages of an attached segment is refused: EINVAL.",
		func(d *difference) bool {
			return d.is("remap_file_pages") && d.earlier("shmat", 0, anything) && d.guest == "-022"
		}},
	{"free", "MADV_FREE takes the pages at once; Linux when memory is short, which here it never is. Both are in madvise(2).",
		func(d *difference) bool {
			return d.is("pages", "load", "mincore", "pwrite") && d.earlier("madvise", 3, func(n uint64) bool { return n == 8 })
		}},
	{"fallocate", "A page that fallocate has made room for is there at once; for mincore Linux does not count it yet.",
		func(d *difference) bool {
			return d.is("mincore") && d.earlier("fallocate", 0, anything) && onlyMore(d.guest, d.host)
		}},
	{"pageout", "MADV_PAGEOUT takes ptes from shared memory and files, whose pages stay in memory for now; Linux drops pages of files in RAM that were only read.",
		func(d *difference) bool {
			return d.is("mincore") && d.earlier("madvise", 3, func(n uint64) bool { return n == 21 }) && onlyMore(d.guest, d.host)
		}},
	{"low", "Where MAP_32BIT puts things is random in Linux: in which order they lie, whether they touch, and whether one is in the way at 40000000.",
		func(d *difference) bool {
			return d.earlier("mmap", 4, func(flags uint64) bool { return flags&syscall.MAP_32BIT != 0 }) &&
				(len(d.line()) > 1 && d.line()[1] == "40000000" || d.is("maps") && withoutLow(d.host) == withoutLow(d.guest))
		}},
	{"overlap", "A read or write of a file whose memory is a mapping of that file goes through a buffer; in Linux what has been copied already may be copied again.",
		func(d *difference) bool {
			return d.is("pages", "load") && d.mappedItself()
		}},
	{"min-addr", "vm.mmap_min_addr is 65536 here, as Debian has it; the host's may be 4096.",
		func(d *difference) bool {
			return d.is("mmap") && d.guest == "-001" && d.number(1) < 0x10000 && d.host[0] != 'A' ||
				d.is("mremap") && d.line()[5] == "1000" && d.host == "1000"
		}},
	{"thp-align", "Linux puts private memory of a multiple of 2 MiB, for which no address is given, at a multiple of that, if it has huge pages.",
		func(d *difference) bool {
			return d.is("mmap") && d.line()[1] == "0" && d.number(2) > 0 && d.number(2)%(2<<20) == 0 && d.number(4)&(syscall.MAP_SHARED|syscall.MAP_ANON) == syscall.MAP_ANON &&
				d.host[0] == 'T' && d.guest[0] == 'T' && plain(line{d.host[1:]}, 0)-plain(line{d.guest[1:]}, 0) < 2<<20
		}},
	{"shrink-charge", "An mremap that moves and shrinks is charged in Linux for what it gives up as if it grew by that.",
		func(d *difference) bool {
			return d.is("mremap") && d.number(4)&2 != 0 && d.number(2) >= 1<<40 && d.number(3) < d.number(2) && d.host == "-012" && d.guest[0] != '-'
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

// mappedItself reports whether a file was mapped before and then read or written.
func (d *difference) mappedItself() bool {
	mapped := map[string]bool{}
	for _, l := range d.p[:min(d.at, len(d.p))] {
		switch l[0] {
		case "mmap":
			mapped[l[5]] = mapped[l[5]] || plain(l, 4)&syscall.MAP_ANON == 0
		case "pread", "pwrite":
			if mapped[l[1]] {
				return true
			}
		}
	}
	return false
}

// answered reports whether Linux has given that answer to a call of that name before.
func (d *difference) answered(name, answer string) bool {
	for i, at := range attribute(d.p) {
		if i < len(d.before) && d.p[at][0] == name && d.before[i] == answer {
			return true
		}
	}
	return false
}

// onlyMore reports whether mincore has said the same twice, but that a has more pages.
func onlyMore(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && (a[i] != '1' || b[i] != '0') {
			return false
		}
	}
	return true
}

// withoutLow is what maps has said, but for what MAP_32BIT has mapped.
func withoutLow(maps string) string {
	lines := slices.DeleteFunc(strings.Split(maps, " | "), func(l string) bool { return strings.HasPrefix(l, "low") })
	return strings.TrimSpace(strings.Join(lines, " | "))
}

// moreAttached says that two answers of shmctl differ in the number of attaches alone,
// of which the first has more.
func moreAttached(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	if len(x) != 4 || len(y) != 4 || plain(x, 2) <= plain(y, 2) {
		return false
	}
	x[2] = y[2]
	return slices.Equal(x, y)
}

// joined is what maps has said, with neighbours in it joined that differ in nothing.
func joined(maps string) string {
	var out []string
	end, follows := "", "" // what the next one has to be
	for _, line := range strings.Split(maps, " | ") {
		from, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		start, stop, _ := strings.Cut(from, "-")
		if len(out) > 0 && start == end && rest == follows {
			out[len(out)-1] = stop
		} else {
			out = append(out, rest, start, stop)
		}
		end, follows = stop, behind(rest, start, stop)
	}
	return strings.Join(out, " ")
}

// behind is the rest of a line of maps, permissions, offset and name, for what would
// follow the mapping [start, stop) if it were of one piece with it.
func behind(rest, start, stop string) string {
	words := strings.SplitN(rest, " ", 3)
	if len(words) < 3 || words[1] == "far" || stop == "" || start[0] != stop[0] || !strings.HasPrefix(words[2], "/") {
		return rest // private memory: no offset is shown
	}
	off := plain(words, 1)
	if start[0] == 'T' { // counts down
		start, stop = stop, start
	}
	words[1] = strconv.FormatUint(off+plain(line{stop[1:]}, 0)-plain(line{start[1:]}, 0), 16)
	return strings.Join(words, " ")
}
