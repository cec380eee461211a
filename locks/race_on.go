//go:build race

package locks

// raceDetector: its atomic operations need a goroutine, which the scheduler's stack is not.
const raceDetector = true
