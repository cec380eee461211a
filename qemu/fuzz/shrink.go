package main

import "context"

// shrink makes the program of an unexplained difference as short as it gets: it
// takes lines away and makes arguments simpler, as long as some unexplained
// difference remains in the same call.
func shrink(ctx context.Context, m *machines, d *difference) (*difference, error) {
	for {
		smaller, err := bestOf(ctx, m, d, candidates(d))
		if err != nil {
			return d, err
		}
		if smaller == nil {
			smaller, err = bestOf(ctx, m, d, simpler(d.p))
		}
		if smaller == nil || err != nil {
			return d, err
		}
		d = smaller
	}
}

// candidates are what is left of d's program without some lines; what comes after
// the difference is never needed, but for the lines of a child.
func candidates(d *difference) (all []program) {
	p := d.p
	if n := d.at + 1; n < len(p) {
		all = append(all, p[:n])
	}
	for n := len(p) / 2; n >= 1; n /= 2 {
		for i := 0; i+n <= len(p); i += n {
			if n < len(p) {
				all = append(all, p.without(i, n))
			}
		}
		if n == 2 { // pairs that begin at odd lines too
			for i := 1; i+n <= len(p); i += n {
				all = append(all, p.without(i, n))
			}
		}
	}
	return all
}

// simpler are programs with one argument replaced.
func simpler(p program) (all []program) {
	for i, l := range p {
		for k := 1; k < len(l); k++ {
			for _, word := range simplerWords(l[k]) {
				q := append(line{}, l...)
				q[k] = word
				all = append(all, p.with(i, q))
			}
		}
	}
	return all
}

// simplerWords are shorter than word, or as short and smaller.
func simplerWords(word string) (all []string) {
	add := func(w string) {
		if len(w) < len(word) || len(w) == len(word) && w < word {
			all = append(all, w)
		}
	}
	prefix := ""
	if c := word[0]; c >= 'A' && c <= 'Z' {
		prefix, word = word[:1], word[1:]
	}
	whole := word
	word = prefix + whole
	for _, w := range []string{"0", "1", "3", "1000", "2000", "3000", "22", "32", "11", "12", "21", "31"} {
		add(prefix + w)
	}
	if len(whole) > 3 {
		add(prefix + whole[:len(whole)-3] + "000")
	}
	return all
}

// bestOf runs candidates, and returns the shortest that still differs in the same
// call as d; nil if none does.
func bestOf(ctx context.Context, m *machines, d *difference, all []program) (best *difference, err error) {
	const most = 400 // in one guest
	for len(all) > 0 && best == nil {
		n := min(most, len(all))
		both, died, err := m.run(ctx, all[:n])
		if err != nil {
			return nil, err
		}
		for i, a := range both {
			if died != "" && a.guest == nil {
				break
			}
			got, _ := compare(all[i], a)
			if got == nil || got.reason != nil || got.line()[0] != d.line()[0] {
				continue
			}
			if best == nil || len(got.p) < len(best.p) {
				best = got
			}
		}
		all = all[n:]
	}
	return best, nil
}
