//go:build !yolk

package mm

import (
	"sync/atomic"

	"yolk/locks"
)

// onStep is called between the steps of what must be one to others, so that a
// host test can do in between what another CPU might. It runs with whatever locks are
// held. An explorer may let other tasks go on there.
var onStep atomic.Pointer[func(where string)]

// step marks such a place. The kernel's build has none: steps_yolk.go.
func step(where string) {
	if f := onStep.Load(); f != nil {
		(*f)(where)
	}
	locks.Step(where)
}
