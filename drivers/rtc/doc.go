// Package rtc reads the wall clock that the battery keeps: the MC146818 of every
// PC. It is read once at start-up; from then on the kernel counts time itself.
//
// It owns the ports 0x70 and 0x71. There is no lock: start-up is the only caller.
package rtc
