package machine

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// channelSet is one socket pair for each of ports and one for the monitor: near is
// ours, far is QEMU's.
type channelSet struct{ near, far []*os.File }

func openChannels() (*channelSet, error) {
	s := &channelSet{}
	for _, name := range append(ports[:len(ports):len(ports)], "monitor") {
		fd, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			s.closeNear()
			s.closeFar()
			return nil, fmt.Errorf("making the %s channel: %w", name, err)
		}
		// Ours is non-blocking so that the Go poller serves it and Close ends a
		// pending Read; QEMU sets its own end as it likes.
		_ = unix.SetNonblock(fd[0], true)
		s.near = append(s.near, os.NewFile(uintptr(fd[0]), name))
		s.far = append(s.far, os.NewFile(uintptr(fd[1]), name+" (guest)"))
	}
	return s, nil
}

func (s *channelSet) closeFar()  { closeAll(s.far) }
func (s *channelSet) closeNear() { closeAll(s.near) }

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
