package mm

import (
	"sync/atomic"
	"syscall"
)

// ErrSeq tells each open file once of an error that happened to what it shares with
// others (errseq_t): a write of a file's pages fails long after write(2), and
// whoever calls fsync then must hear of it, even if another did before. The word
// holds the errno, whether anybody has heard of it, and a number that changes with
// the error after that.
//
// Source: Linux 4.13, lib/errseq.c.
type ErrSeq struct{ v atomic.Uint32 }

// ErrMark is up to where an open file has heard.
type ErrMark struct{ v atomic.Uint32 }

const (
	errSeqErrno = 1<<12 - 1
	errSeqSeen  = 1 << 12
	errSeqNext  = 1 << 13
)

// Set notes an error. Callable anywhere.
func (s *ErrSeq) Set(e syscall.Errno) {
	for {
		old := s.v.Load()
		n := old&^(errSeqErrno|errSeqSeen) | uint32(e)
		if old&errSeqSeen != 0 {
			n += errSeqNext
		}
		if s.v.CompareAndSwap(old, n) {
			return
		}
	}
}

// Sample is the mark of a file that is opened now: an error that nobody has heard
// of is told to it.
func (s *ErrSeq) Sample(m *ErrMark) {
	v := s.v.Load()
	if v&errSeqSeen == 0 {
		v = 0
	}
	m.v.Store(v)
}

// Check returns the error since the mark, if there was one, and moves the mark.
func (s *ErrSeq) Check(m *ErrMark) syscall.Errno {
	old, was := s.v.Load(), m.v.Load()
	if old == was {
		return 0
	}
	n := old | errSeqSeen
	s.v.CompareAndSwap(old, n) // if not, there is a newer error: for the next call
	if !m.v.CompareAndSwap(was, n) {
		return 0 // another call on the same file has told
	}
	return syscall.Errno(old & errSeqErrno)
}
