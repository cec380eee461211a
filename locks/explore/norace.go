//go:build !yolk && !race

package explore

// Raced: this is no build with the race detector.
const Raced = false

func unseen() {}
func seen()   {}

func raceErrors() int { return 0 }
