//go:build !yolk

package explore

// Strategy decides who runs on. Its methods are called by whoever has the baton:
// Pick and Clock are go:norace, and touch no maps.
type Strategy interface {
	// Begin and End enclose a run.
	Begin(tasks int)
	End()
	// Pick returns one of the enabled tasks, which are in ascending order; running
	// is the one that has run so far, or -1 if it cannot go on.
	Pick(decision int, enabled []int, running int) int
	// Clock reports whether sleeps with a time-out may end by it now, though others
	// can run.
	Clock() bool
}

// rng is a small generator of random numbers (splitmix64).
type rng uint64

//go:norace
func (r *rng) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

//go:norace
func (r *rng) below(n int) int { return int(r.next() % uint64(n)) }

// random is a walk: at each point it goes on with another task, or stays with the
// running one, with a probability that it draws for each run.
type random struct {
	rng  rng
	stay int // in 64
}

// NewRandom makes a random walk.
func NewRandom(seed uint64) Strategy { return &random{rng: rng(seed)} }

func (s *random) Begin(int) { s.stay = [...]int{0, 32, 56, 62}[s.rng.below(4)] }
func (s *random) End()      {}

//go:norace
func (s *random) Pick(_ int, enabled []int, running int) int {
	if running >= 0 && s.rng.below(64) < s.stay {
		return running
	}
	return enabled[s.rng.below(len(enabled))]
}

//go:norace
func (s *random) Clock() bool { return s.rng.below(64) == 0 }

// pct is the probabilistic concurrency testing of Burckhardt and others (2010):
// each task has a random priority, the highest runs, and at depth-1 random steps
// the running task falls below all others. A bug that takes d orderings among n
// tasks of k steps in all is found by a run with probability at least 1/(n*k^(d-1)).
type pct struct {
	rng      rng
	depth    int
	length   int // steps to expect
	priority [16]int
	change   [8]int // steps at which the running task falls
	lowest   int
	since    int // steps without a switch
}

// NewPCT makes PCT of a depth up to 8; length is how many steps a run takes, as
// far as known.
func NewPCT(seed uint64, depth, length int) Strategy {
	return &pct{rng: rng(seed), depth: min(depth, 8), length: max(length, 1)}
}

func (s *pct) Begin(tasks int) {
	for i := range tasks {
		s.priority[i] = 1000 + i
	}
	for i := tasks - 1; i > 0; i-- {
		j := s.rng.below(i + 1)
		s.priority[i], s.priority[j] = s.priority[j], s.priority[i]
	}
	for i := range s.depth - 1 {
		s.change[i] = s.rng.below(s.length)
	}
	s.lowest = 999
}

func (s *pct) End() {}

// patience is after how many steps a task that others wait for in vain, because it
// goes round in a loop, falls.
const patience = 5000

//go:norace
func (s *pct) Pick(decision int, enabled []int, running int) int {
	s.since++
	for _, c := range s.change[:s.depth-1] {
		if c == decision && running >= 0 {
			s.fall(running)
		}
	}
	if s.since > patience && running >= 0 {
		s.fall(running)
	}
	best := enabled[0]
	for _, id := range enabled {
		if s.priority[id] > s.priority[best] {
			best = id
		}
	}
	if best != running {
		s.since = 0
	}
	return best
}

//go:norace
func (s *pct) fall(id int) {
	s.priority[id] = s.lowest
	s.lowest--
}

//go:norace
func (s *pct) Clock() bool { return s.rng.below(256) == 0 }

// replay does what a list of choices says.
type replay struct {
	choices []Choice
	at      int
}

// NewReplay repeats a run.
func NewReplay(choices []Choice) Strategy { return &replay{choices: choices} }

func (s *replay) Begin(int) {}
func (s *replay) End()      {}

//go:norace
func (s *replay) Pick(decision int, enabled []int, running int) int {
	for s.at < len(s.choices) && s.choices[s.at].Decision < decision {
		s.at++
	}
	if s.at < len(s.choices) && s.choices[s.at].Decision == decision {
		want := s.choices[s.at].Task
		for _, id := range enabled {
			if id == want {
				s.at++
				return id
			}
		}
	}
	if running >= 0 {
		return running
	}
	return enabled[0]
}

// Clock: a replay times out whom its choices name.
//
//go:norace
func (s *replay) Clock() bool { return s.at < len(s.choices) }
