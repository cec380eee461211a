// Package harness runs programs in guests and judges them, many in one boot.
//
// A Group is a kind of guest and the tests that can share one. Run gives each
// group a guest, as many at once as it is told to; in the guest, the program
// inguest runs the group's tests in turn, and says of each when it begins and how
// it ends. So the harness knows which test the kernel was busy with when it
// panicked, or when a test's time had passed and the guest did not even say so.
// That test has failed, with the kernel's log as its output, and the tests after it
// are run in a fresh boot.
//
// A test is judged by its exit status and output, or by cases that it reports
// itself (Test.Cases). Results go to a Report, which writes TAP, JUnit's XML and
// a summary. A Known list names what is not expected to pass, and why; it is an
// error for one of those to pass, so that the list only shrinks.
//
// Guests are booted through bin/yolk: its command line is the interface.
package harness
