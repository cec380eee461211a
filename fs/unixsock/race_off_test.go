//go:build !race

package unixsock

const raceDetector = false
