package unixsock

import (
	"fmt"
	"strings"

	"yolk/fs"
)

// pieceSockets is how many lines a piece of /proc/net/unix has.
const pieceSockets = 64

func init() { fs.RegisterProcPart("net/unix", writeSockets) }

// writeSockets appends the lines of up to pieceSockets sockets whose serial is at or beyond at.
func writeSockets(b []byte, at uint64) (text []byte, next uint64) {
	if at == 0 {
		b = append(b, "Num       RefCount Protocol Flags    Type St Inode Path\n"...)
	}
	var some [pieceSockets]*Socket
	n := 0
	connLock.Lock()
	for s := all.first; s != nil; s = s.next {
		if s.serial < at {
			continue
		}
		if n == len(some) {
			next = s.serial
			break
		}
		some[n] = s
		n++
	}
	connLock.Unlock()
	for _, s := range some[:n] {
		b = s.describe(b)
	}
	return b, next
}

// describe appends s's line.
func (s *Socket) describe(b []byte) []byte {
	const unconnected, isConnected, acceptFlag = 1, 3, 0x10000
	refs, ino, st, flags := 2, uint64(0), unconnected, 0
	if s.file != nil {
		refs, ino = s.file.Refs()+1, s.file.Inode().Ino()
	}
	switch s.state.Load() {
	case connected:
		st = isConnected
	case listening:
		flags = acceptFlag
	}
	path := strings.ReplaceAll(string(s.Name()), "\x00", "@")
	if path != "" {
		path = " " + path
	}
	return fmt.Appendf(b, "%016x: %08X 00000000 %08X %04X %02X %5d%s\n", s.serial, refs, flags, s.typ, st, ino, path)
}
