package proc

import "encoding/binary"

// SigInfo is siginfo_t exactly as programs see it: 128 bytes, the meaning of
// Data depending on the code.
type SigInfo struct {
	Signo, Errno, Code int32
	_                  int32
	Data               [112]byte
}

// Origins of a signal (si_code).
const (
	SIUser   = 0 // kill
	SIKernel = 0x80
	SIQueue  = -1
	SITimer  = -2
	SITkill  = -6

	ILLIllOpn    = 2
	FPEIntDiv    = 1
	FPEIntOvf    = 2
	FPEFltDiv    = 3
	FPEFltOvf    = 4
	FPEFltUnd    = 5
	FPEFltRes    = 6
	FPEFltInv    = 7
	SegvMapErr   = 1
	SegvAccErr   = 2
	BusAdrAln    = 1
	BusAdrErr    = 2
	TrapBrkpt    = 1
	TrapTrace    = 2
	TrapHWBkpt   = 4
	CLDExited    = 1
	CLDKilled    = 2
	CLDDumped    = 3
	CLDTrapped   = 4
	CLDStopped   = 5
	CLDContinued = 6
)

// UserInfo is the siginfo of kill, tgkill and the like: sent by process pid of
// user uid.
func UserInfo(sig int, code int32, pid int, uid uint32) SigInfo {
	i := SigInfo{Signo: int32(sig), Code: code}
	binary.LittleEndian.PutUint32(i.Data[0:], uint32(pid))
	binary.LittleEndian.PutUint32(i.Data[4:], uid)
	return i
}

// KernelInfo is the siginfo of a signal that no process sent.
func KernelInfo(sig int) SigInfo { return SigInfo{Signo: int32(sig), Code: SIKernel} }

// FaultInfo is the siginfo of a signal caused by an instruction: si_addr is addr.
func FaultInfo(sig int, code int32, addr uint64) SigInfo {
	i := SigInfo{Signo: int32(sig), Code: code}
	binary.LittleEndian.PutUint64(i.Data[0:], addr)
	return i
}

// childInfo is the siginfo of SIGCHLD.
func childInfo(sig int, code int32, pid int, uid uint32, status int32, utime, stime int64) SigInfo {
	i := UserInfo(sig, code, pid, uid)
	binary.LittleEndian.PutUint32(i.Data[8:], uint32(status))
	binary.LittleEndian.PutUint64(i.Data[16:], uint64(toTicks(utime)))
	binary.LittleEndian.PutUint64(i.Data[24:], uint64(toTicks(stime)))
	return i
}

// ChildInfo is the siginfo that waitid stores.
func ChildInfo(w *WaitReport) *SigInfo {
	i := UserInfo(SIGCHLD, w.Code, w.PID, w.UID)
	binary.LittleEndian.PutUint32(i.Data[8:], uint32(w.Value))
	return &i
}

// queued is a pending signal in a list.
type queued struct {
	next  *queued
	info  SigInfo
	in    bool        // it is in a queue
	timer *posixTimer // whose signal it is, or nil
}

// sigQueue holds pending signals: a set, and the siginfo of those that carry
// one. A signal may be in the set without an element (memory was short, or the
// queue limit reached): then its siginfo is made up on delivery. Standard
// signals are held once, real-time signals as often as sent.
type sigQueue struct {
	set         Sigset
	first, last *queued
}

// add appends an element; q may be nil.
func (s *sigQueue) add(sig int, q *queued) {
	s.set |= SigMask(sig)
	if q == nil {
		return
	}
	q.in = true
	if s.last == nil {
		s.first = q
	} else {
		s.last.next = q
	}
	s.last = q
}

// take removes one instance of sig and fills info. The signal leaves the set
// unless more instances are queued. It returns the element freed, if there was one.
func (s *sigQueue) take(sig int, info *SigInfo) *queued {
	*info = SigInfo{Signo: int32(sig), Code: SIUser}
	var found, prev *queued
	more := false
	var link = &s.first
	for q := s.first; q != nil; q = q.next {
		if int(q.info.Signo) == sig {
			if found != nil {
				more = true
				break
			}
			found = q
			*link = q.next
			if s.last == q {
				s.last = prev
			}
			continue
		}
		prev, link = q, &q.next
	}
	if !more {
		s.set &^= SigMask(sig)
	}
	if found != nil {
		found.in, found.next = false, nil
		*info = found.info
	}
	return found
}

// flush drops all instances of the signals in mask and returns how many
// elements were freed.
func (s *sigQueue) flush(mask Sigset) int {
	if s.set&mask == 0 {
		return 0
	}
	s.set &^= mask
	n := 0
	old := s.first
	s.first, s.last = nil, nil
	for q := old; q != nil; {
		next := q.next
		q.next = nil
		if mask.Has(int(q.info.Signo)) {
			q.in = false
			n++
		} else {
			if s.last == nil {
				s.first = q
			} else {
				s.last.next = q
			}
			s.last = q
		}
		q = next
	}
	return n
}
