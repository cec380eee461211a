//go:build !yolk && race

package explore

import "runtime"

// Raced: this is a build with the race detector, in which all takes longer.
const Raced = true

// unseen begins a hand-over that orders nothing in the eyes of the race detector.
func unseen() { runtime.RaceDisable() }

// raceErrors counts the detector's reports.
func raceErrors() int { return runtime.RaceErrors() }

func seen() { runtime.RaceEnable() }
