//go:build yolk

package main

import (
	"yolk/drivers/uart"
	"yolk/fs"
	"yolk/locks"
)

// serial joins the console of package fs to the serial ports.
type serial struct{ c *uart.Console }

// Write implements fs.ConsoleBackend.
func (s serial) Write(stream int, p []byte) {
	if stream == 2 {
		s.c.Err.Write(p)
	} else {
		s.c.Out.Write(p)
	}
}

// console is set once, by startConsole.
var console *uart.Console

// startConsole opens the serial ports and starts the thread that feeds input to
// the terminal.
func startConsole() {
	console = uart.OpenConsole()
	fs.SetConsole(serial{console})
	locks.Go("console", feedConsole)
}

func feedConsole() {
	buf := make([]byte, 256)
	for {
		n, ev := console.Read(buf)
		if n > 0 {
			fs.ConsolePush(buf[:n])
		}
		switch ev {
		case uart.EventEOF:
			fs.ConsoleEOF()
			return
		case uart.EventResized:
			rows, cols, _ := console.Size()
			fs.ConsoleSetWinsize(rows, cols)
		}
	}
}

// stderr is the program's standard error, for what is said in its place.
type stderr struct{}

func (stderr) Write(p []byte) (int, error) {
	console.Err.Write(p)
	return len(p), nil
}
