package main

import (
	"debug/elf"
	"debug/gosym"
	"fmt"

	"github.com/google/pprof/profile"
)

// symbols reads the tables by which the Go runtime names its own stack frames.
func symbols(image string) (*gosym.Table, error) {
	f, err := elf.Open(image)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines, text := f.Section(".gopclntab"), f.Section(".text")
	if lines == nil || text == nil {
		return nil, fmt.Errorf("%s: no Go program", image)
	}
	data, err := lines.Data()
	if err != nil {
		return nil, err
	}
	return gosym.NewTable(nil, gosym.NewLineTable(data, text.Addr))
}

// builder makes one Location for each address, one Function for each function.
type builder struct {
	table     *gosym.Table
	p         *profile.Profile
	locations map[uint64]*profile.Location
	functions map[string]*profile.Function
}

// build is the profile of s.
func build(s *samples, table *gosym.Table) *profile.Profile {
	period := int64(1e9) / s.hz
	b := &builder{table: table, locations: map[uint64]*profile.Location{}, functions: map[string]*profile.Function{},
		p: &profile.Profile{
			SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
			PeriodType: &profile.ValueType{Type: "cpu", Unit: "nanoseconds"},
			Period:     period,
		}}
	for _, st := range s.stacks {
		sample := &profile.Sample{Value: []int64{st.count, st.count * period}}
		for i, pc := range st.pcs {
			if i > 0 {
				pc-- // inside of the call that returns there
			}
			sample.Location = append(sample.Location, b.location(pc))
		}
		b.p.Sample = append(b.p.Sample, sample)
		b.p.DurationNanos += st.count * period
	}
	if s.lost > 0 {
		b.p.Comments = append(b.p.Comments, fmt.Sprintf("%d samples were lost", s.lost))
	}
	return b.p
}

func (b *builder) location(pc uint64) *profile.Location {
	if l := b.locations[pc]; l != nil {
		return l
	}
	name, file, line := "ring 3", "", 0
	if pc != 0 {
		name = fmt.Sprintf("%#x", pc)
		if fn := b.table.PCToFunc(pc); fn != nil {
			name = fn.Name
			file, line, _ = b.table.PCToLine(pc)
		}
	}
	fn := b.functions[name]
	if fn == nil {
		fn = &profile.Function{ID: uint64(len(b.p.Function)) + 1, Name: name, SystemName: name, Filename: file}
		b.functions[name] = fn
		b.p.Function = append(b.p.Function, fn)
	}
	l := &profile.Location{ID: uint64(len(b.p.Location)) + 1, Address: pc, Line: []profile.Line{{Function: fn, Line: int64(line)}}}
	b.locations[pc] = l
	b.p.Location = append(b.p.Location, l)
	return l
}
