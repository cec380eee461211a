package guest

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// What user/powercut has been promised, by its account. A line comes before what it
// tells of, but for those of fsync and sync, which have returned by then.

// account is the state after some of the lines.
type account struct {
	files map[int]*promised
	names map[string]int // which file has a name now
	// swaps are the names at which one good file is taking the place of another: one of
	// them must be there.
	swaps map[string][]int
}

// promised is one file. Lengths are in words of 8 bytes.
type promised struct {
	id     int
	name   string   // "" without one
	must   bool     // it has to be there, under one of allowed
	going  bool     // it is losing its last name: it may be gone
	at     []string // where it may be
	words  []uint32 // the version that each word must have; 0: zeros
	writes []extent // since the last fsync
	cuts   []int    // lengths given by truncate since then
	now    []uint32 // what a reader sees now
}

type extent struct{ at, n, version int }

func newAccount() *account {
	return &account{files: map[int]*promised{}, names: map[string]int{}, swaps: map[string][]int{}}
}

// take enters one line.
func (a *account) take(line string) error {
	f := strings.Fields(line)
	n := make([]int, len(f))
	for i := range f {
		n[i], _ = strconv.Atoi(f[i])
	}
	var p *promised
	if len(f) > 1 {
		p = a.files[n[1]]
	}
	switch {
	case len(f) == 3 && f[0] == "n":
		a.files[n[1]] = &promised{id: n[1], name: f[2], at: []string{f[2]}}
		a.names[f[2]] = n[1]
	case len(f) == 2 && f[0] == "D":
		a.syncDir(f[1] + "/")
	case len(f) == 1 && f[0] == "S":
		a.syncAll()
	case p == nil:
		return fmt.Errorf("no sense in %q", line)
	case len(f) == 5 && f[0] == "w":
		p.write(extent{n[2], n[3], n[4]})
	case len(f) == 3 && f[0] == "t":
		p.cuts = append(p.cuts, n[2])
		p.now = resize(p.now, n[2])
	case len(f) == 3 && f[0] == "r":
		a.rename(p, f[2])
	case len(f) == 2 && f[0] == "d":
		p.going = true
		a.unname(p)
	case len(f) == 2 && f[0] == "s":
		a.sync(p)
	default:
		return fmt.Errorf("no sense in %q", line)
	}
	return nil
}

func resize(w []uint32, n int) []uint32 {
	if n <= len(w) {
		return w[:n:n]
	}
	return append(slices.Clip(w), make([]uint32, n-len(w))...)
}

func (p *promised) write(e extent) {
	p.writes = append(p.writes, e)
	p.now = slices.Clone(resize(p.now, max(len(p.now), e.at+e.n)))
	for k := range e.n {
		p.now[e.at+k] = uint32(e.version)
	}
}

// unname: the file loses its name, or is about to.
func (a *account) unname(p *promised) {
	delete(a.names, p.name)
	delete(a.swaps, p.name)
	p.name = ""
}

func (a *account) rename(p *promised, name string) {
	a.unname(p)
	if old := a.files[a.names[name]]; old != nil {
		candidates := append(a.swaps[name], old.id)
		a.unname(old)
		old.going = true
		if p.must && (len(candidates) > 1 || old.must && len(old.at) == 1) { // the disk has had the name
			a.swaps[name] = append(candidates, p.id)
		}
	}
	p.name = name
	p.at = append(p.at, name)
	a.names[name] = p.id
}

// sync: the file is on the disk, by the name that it has.
func (a *account) sync(p *promised) {
	p.words, p.writes, p.cuts = p.now, nil, nil
	p.must = true
	a.named(p)
}

// named: the disk knows the file's name.
func (a *account) named(p *promised) {
	if p.name != "" {
		p.at = []string{p.name}
		delete(a.swaps, p.name)
	}
}

func (a *account) syncDir(dir string) {
	for _, p := range a.files {
		if strings.HasPrefix(p.name, dir) {
			a.named(p)
		}
	}
}

func (a *account) syncAll() {
	for _, p := range a.files {
		if p.name != "" {
			a.sync(p)
		}
	}
}

// promises is how many files have to be there.
func (a *account) promises() (n int) {
	for _, p := range a.files {
		if p.must && !p.going {
			n++
		}
	}
	return n
}

// broken lists the promises that a disk with these files does not keep.
func (a *account) broken(disk map[string][]byte) (list []string) {
	for _, p := range a.files {
		if !p.must || p.going {
			continue
		}
		why := []string{}
		for _, name := range p.at {
			err := p.differs(disk[name])
			if err == "" {
				why = nil
				break
			}
			if _, ok := disk[name]; !ok {
				err = "not there"
			}
			why = append(why, fmt.Sprintf("%.40s: %s", name, err))
		}
		if why != nil {
			list = append(list, fmt.Sprintf("file %d: %s", p.id, strings.Join(why, "; ")))
		}
	}
	for name, files := range a.swaps {
		data, ok := disk[name]
		if !ok || !slices.ContainsFunc(files, func(id int) bool { return a.files[id].differs(data) == "" }) {
			list = append(list, fmt.Sprintf("%.40s should be one of files %d; is there: %v", name, files, ok))
		}
	}
	return list
}

// differs says what is wrong with a file's contents, "" if nothing.
func (p *promised) differs(data []byte) string {
	least := len(p.words)
	for _, n := range p.cuts {
		least = min(least, n)
	}
	switch {
	case len(data) < 8*least:
		return fmt.Sprintf("%d bytes, should be %d at least", len(data), 8*least)
	case len(p.cuts) == 0 && len(p.writes) == 0 && len(data) != 8*least:
		return fmt.Sprintf("%d bytes, should be %d", len(data), 8*least)
	}
	for k := range least {
		got := binary.LittleEndian.Uint64(data[8*k:])
		if got != p.word(k, int(p.words[k])) && !p.written(k, got) {
			return fmt.Sprintf("word %d is %#x, should be %#x", k, got, p.word(k, int(p.words[k])))
		}
	}
	return ""
}

// word is word k of the file as written by write version.
func (p *promised) word(k, version int) uint64 {
	if version == 0 {
		return 0
	}
	return uint64(p.id)<<48 | uint64(version)<<24 | uint64(k)
}

// written reports whether a write that is not promised yet puts that there.
func (p *promised) written(k int, got uint64) bool {
	for _, w := range p.writes {
		if k >= w.at && k < w.at+w.n && got == p.word(k, w.version) {
			return true
		}
	}
	return false
}
