//go:build yolk

package rtc

import (
	"time"

	"github.com/usbarmory/tamago/soc/intel/rtc"

	"yolk/locks"
)

const (
	attempts  = 1000
	retryWait = 10 * time.Microsecond
)

// Unix returns the wall clock in seconds since 1970, or 0 if the clock cannot
// be read. The clock ticks while it is read, and the driver beneath reads
// field by field: two equal readings in a row are a whole one. It may sleep
// for some milliseconds.
func Unix() int64 {
	clock := rtc.RTC{Location: time.UTC}
	var last time.Time
	for range attempts {
		now, err := clock.Now()
		if err != nil { // an update is in progress
			locks.Sleep(retryWait, false)
			continue
		}
		if now.Equal(last) {
			return now.Unix()
		}
		last = now
	}
	return 0
}
