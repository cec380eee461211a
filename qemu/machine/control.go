package machine

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"time"
)

// control is what the guest has said on COM4. Written by the goroutine that
// reads the channel, read after that has ended.
type control struct {
	exited   bool
	status   int
	panicked bool
	toReady  time.Duration
}

// read takes lines until the end of the channel. The first "exit" counts; lines
// that mean nothing are left alone, so that a kernel may say more. over is called
// when the guest has said how it ends.
func (c *control) read(r io.Reader, start time.Time, ready, over func()) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		word, rest, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		switch word {
		case "ready":
			if c.toReady == 0 {
				c.toReady = max(time.Since(start), 1)
				ready()
			}
		case "panic":
			c.panicked = true
			over()
		case "exit":
			n, err := strconv.Atoi(rest)
			if err == nil && !c.exited && n >= 0 && n <= 255 {
				c.exited, c.status = true, n
				over()
			}
		}
	}
	// A line longer than the scanner takes ends the loop: keep the guest from
	// blocking on it.
	_, _ = io.Copy(io.Discard, r)
}
