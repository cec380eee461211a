// Package explore runs a few tasks over the kernel's code on the host, one at a
// time, and decides at each operation of package locks who runs on. The same
// choices give the same run: a schedule that breaks something is named by a seed
// or by the list of its choices, and can be had again.
//
//	explore.go    Run: one schedule
//	point.go      what a task does at a point of choice, and when it must wait
//	strategy.go   who runs on: random walk, PCT
//	exhaustive.go all schedules with few preemptions
//	search.go     many schedules, one after the other
//	trace.go      who held what, and how it came to it
//
// Between tasks the baton is passed in a way that the race detector does not see
// (race.go): under -race the tasks are ordered by the kernel's own locks only.
//
// Only tests use it; it is empty in the kernel's build. docs/explorer.md says how
// to work with it.
package explore
