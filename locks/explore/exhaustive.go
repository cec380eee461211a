//go:build !yolk

package explore

// Exhaustive goes through all schedules with at most so many preemptions: points at
// which a task that could go on does not. (Most bugs want one or two: Musuvathi and
// Qadeer, 2007.) Each run repeats the choices of the one before up to the last
// that still has an alternative, takes that, and goes on by default.
type Exhaustive struct {
	bound  int
	path   []branch
	at     int // in path
	spent  int // preemptions of this run
	Done   bool
	Missed bool // a schedule was longer than the path kept
}

// branch is a point at which there was a choice.
type branch struct {
	taken, of   int8
	preemptible bool // the default was to go on with the running task
}

// maxBranches is how many choices of a run can be tried otherwise.
const maxBranches = 1 << 14

// NewExhaustive makes the search; a run follows another until Done.
func NewExhaustive(preemptions int) *Exhaustive {
	return &Exhaustive{bound: preemptions, path: make([]branch, 0, maxBranches)}
}

// Begin starts over at the root.
func (s *Exhaustive) Begin(int) { s.at, s.spent = 0, 0 }

// End finds the next path.
func (s *Exhaustive) End() {
	s.path = s.path[:min(s.at, len(s.path))]
	for n := len(s.path); n > 0; n-- {
		b := &s.path[n-1]
		if b.taken+1 < b.of {
			b.taken++
			s.path = s.path[:n]
			return
		}
	}
	s.Done = true
}

// Pick follows the path, and beyond its end the default.
//
//go:norace
func (s *Exhaustive) Pick(_ int, enabled []int, running int) int {
	if s.at >= cap(s.path) {
		s.Missed = true
		return order(enabled, running, 0)
	}
	if s.at == len(s.path) {
		of := len(enabled)
		if running >= 0 && s.spent >= s.bound {
			of = 1
		}
		s.path = append(s.path, branch{of: int8(of), preemptible: running >= 0})
	}
	b := &s.path[s.at]
	s.at++
	if b.preemptible && b.taken > 0 {
		s.spent++
	}
	return order(enabled, running, int(b.taken))
}

// order is the n-th alternative: the running task, then the others as they stand.
//
//go:norace
func order(enabled []int, running, n int) int {
	if running < 0 {
		return enabled[n]
	}
	if n == 0 {
		return running
	}
	for _, id := range enabled {
		if id == running {
			continue
		}
		if n--; n == 0 {
			return id
		}
	}
	return running
}

// Clock: time passes only when nothing else does.
//
//go:norace
func (s *Exhaustive) Clock() bool { return false }
