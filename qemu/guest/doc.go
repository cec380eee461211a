// Package guest tests the whole: it boots the real kernel through bin/yolk, runs
// the programs under user/ in it, and judges what they print and exit with. Those
// that a Linux host can run are also run there, so that each expectation is one of
// Linux and not only ours.
//
// Each run is a guest of its own with its own time limit; as many run at once as
// go test allows parallel tests, which is one for each core. A guest that hangs
// is a failure, shown with the kernel's log.
package guest
