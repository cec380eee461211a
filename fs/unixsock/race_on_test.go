//go:build race

package unixsock

const raceDetector = true
