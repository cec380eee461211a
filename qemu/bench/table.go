package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"
)

// results are the rows of one mode: by system, by row, a value for each round.
type results struct {
	mode   mode
	order  []string // of the rows
	values map[string]map[string][]float64
}

func newResults(m mode) *results {
	return &results{mode: m, values: map[string]map[string][]float64{}}
}

func (r *results) add(system string, rows []row) {
	of := r.values[system]
	if of == nil {
		of = map[string][]float64{}
		r.values[system] = of
	}
	for _, row := range rows {
		if !slices.Contains(r.order, row.name) {
			r.order = append(r.order, row.name)
		}
		of[row.name] = append(of[row.name], row.value)
	}
}

// median of the rounds; ok is false when there was none.
func (r *results) median(system, row string) (value float64, ok bool) {
	v := slices.Sorted(slices.Values(r.values[system][row]))
	if len(v) == 0 {
		return 0, false
	}
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2, true
}

// ratio is yolk's time by linux's.
func (r *results) ratio(row string) (float64, bool) {
	ours, ok1 := r.median("yolk", row)
	theirs, ok2 := r.median("linux", row)
	return ours / theirs, ok1 && ok2 && theirs > 0
}

// print writes the table, and under it what is asked of the rows together.
func (r *results) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%s (%s)\tyolk\tlinux\tratio\t\n", r.mode.name, r.mode.unit())
	var ratios []float64
	for _, name := range r.order {
		fmt.Fprintf(t, "%s\t%s\t%s\t", name, r.cell("yolk", name), r.cell("linux", name))
		if ratio, ok := r.ratio(name); ok {
			ratios = append(ratios, ratio)
			fmt.Fprintf(t, "%.2f\t\n", ratio)
		} else {
			fmt.Fprint(t, "-\t\n")
		}
	}
	_ = t.Flush()
	if len(ratios) > 0 {
		slices.Sort(ratios)
		above := 0
		for _, x := range ratios {
			if x > 1 {
				above++
			}
		}
		fmt.Fprintf(w, "median ratio %.2f, rows above 1.0: %d of %d\n", ratios[len(ratios)/2], above, len(ratios))
	}
	for _, system := range []string{"yolk", "linux"} {
		few, ok1 := r.median(system, "vmas_10")
		many, ok2 := r.median(system, "vmas_10000")
		one, ok3 := r.median(system, "faults_of_1")
		two, ok4 := r.median(system, "faults_of_2")
		if ok1 && ok2 {
			fmt.Fprintf(w, "%s: a fault among 10,000 vmas costs %.2f times one among 10\n", system, many/few)
		}
		if ok3 && ok4 && r.mode.cpus > 1 {
			fmt.Fprintf(w, "%s: 2 tasks on %d CPUs fault %.2f times as fast as one\n", system, r.mode.cpus, one/two)
		}
	}
}

func (r *results) cell(system, row string) string {
	v, ok := r.median(system, row)
	if !ok {
		return "-"
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// appendTo adds the medians to a history file: date, what was measured, mode, row, yolk, linux.
func (r *results) appendTo(file, label string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	w := csv.NewWriter(f)
	w.Comma = '\t'
	day := time.Now().Format(time.DateOnly)
	for _, name := range r.order {
		if err := w.Write([]string{day, label, r.mode.name, name, r.cell("yolk", name), r.cell("linux", name)}); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}
