package main

// reason is a difference that is meant to be.
type reason struct {
	name string // short, for the sums
	why  string
	// covers looks at a difference narrowly: at the call, its arguments and both answers.
	covers func(d *difference) bool
}

// reasons is all of them. What follows an explained difference in its program is not
// compared, and not counted.
var reasons = []reason{}

// explain finds the reason for a difference, or nil.
func explain(d *difference) *reason {
	for i := range reasons {
		if reasons[i].covers(d) {
			return &reasons[i]
		}
	}
	return nil
}
