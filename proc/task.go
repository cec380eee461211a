package proc

import (
	"sync/atomic"
	"time"

	"yolk/arch"
	"yolk/fs"
	"yolk/locks"
	"yolk/mm"
	"yolk/sched"
)

// Args are the arguments of the system call a task is in.
type Args [6]uintptr

// Task is one thread of a program: what Linux calls task_struct. One goroutine
// runs it from birth to death.
type Task struct {
	// Used by the task's own goroutine only, or by its creator before it starts.

	Ctx  arch.UserContext // registers of the program; the CPU's entry code points here
	Args Args             // arguments of the current system call
	// Scratch is where system calls keep small structures on their way to and
	// from the program, so that these need no allocation.
	Scratch [512]byte

	// call is the number of the system call being carried out, or noCall. After
	// a signal it tells whether, and as what, the call starts over.
	call       uint64
	restart    RestartFunc // what restart_syscall goes on with
	savedMask  Sigset      // mask that sigsuspend and ppoll replaced
	haveSaved  bool        // savedMask is to be put back after the next handler
	altStack   altStack    // sigaltstack
	robust     uintptr     // head of the robust futex list
	clearTID   uintptr     // word to clear and wake when the task ends
	fault      faultInfo   // last exception, for the signal frame
	rseq       rseqState   // rseq(2)
	vfork      *vforkDone  // whom to wake when the address space is released
	frame      *sigFrame   // room to build signal frames in
	exitStatus int32       // wait status for the end of this thread

	// Immutable once the task is published, but for exec by a thread that is not
	// the leader: it takes over the leader's TID, under treeLock and sigLock.

	PID   int // number of the thread group: getpid
	TID   int // number of the thread: gettid
	Group *ThreadGroup

	started time.Duration // Uptime at the start

	// Guarded by Group.sigLock. The task itself may read them without
	// the lock, as only its own goroutine writes them.

	MM       *mm.MM         // address space; nil once the task has let go of it
	Files    *fs.FDTable    // shared by CLONE_FILES; nil once the task has ended
	FS       *fs.Context    // shared by CLONE_FS; likewise
	blocked  Sigset         // signals kept pending
	pending  sigQueue       // signals sent to this thread
	waiting  Sigset         // blocked signals that sigtimedwait waits for
	killable bool           // only death ends its sleep
	ctx      *locks.Context // lock context of the goroutine; nil before it runs
	state    taskState      // for /proc and for wake-ups
	comm     [commLen]byte  // name of the program, cut to 15 bytes

	// Guarded by treeLock.

	pidEntry   *pidEntry
	tracees    []*Task     // those that this thread traces
	traceExits []traceExit // and those of them that ended and vanished

	// Guarded by treeLock and sigLock to change. The task itself may read trace
	// at any time.

	tracer *Task
	trace  atomic.Pointer[traceState] // nil: not traced

	// Accounting, written by the task, read by anyone.

	minFault, majFault atomic.Int64
	nice               atomic.Int32
	personality        atomic.Uint32 // personality(2)

	creds atomic.Pointer[Creds] // replaced as a whole

	// work says in one word that the task may not go straight back to ring 3.
	work atomic.Uint32

	futex futexWaiter  // this task's place in a futex queue
	Sched sched.Entity // its turn on a CPU
}

const commLen = 16

// taskState is what /proc shows of a task, but for sleeping, which locks knows.
type taskState uint8

const (
	stateRunning taskState = iota
	stateStopped
	stateTraced // stopped for its tracer
	stateDead
)

// Bits of Task.work.
const (
	workSignal = 1 << iota // a signal, a stop or the end of the group may be waiting
	workExit               // the task itself asked to end
)

// noCall in Task.call: the trap was not a system call, nothing can restart.
const noCall = ^uint64(0)

// Comm returns the short name of the program.
func (t *Task) Comm() string {
	t.Group.sigLock.Lock()
	defer t.Group.sigLock.Unlock()
	n := 0
	for n < commLen && t.comm[n] != 0 {
		n++
	}
	return string(t.comm[:n])
}

// SetComm names the task; what does not fit 15 bytes is cut off.
func (t *Task) SetComm(name string) {
	t.Group.sigLock.Lock()
	defer t.Group.sigLock.Unlock()
	t.comm = [commLen]byte{}
	copy(t.comm[:commLen-1], name)
}

// GrabMM returns t's address space with a user reference, for another task to
// look into; nil when t has none. The caller calls mm.MMPut.
func (t *Task) GrabMM() *mm.MM {
	t.Group.sigLock.Lock()
	defer t.Group.sigLock.Unlock()
	if t.MM == nil || !mm.MMGetNotZero(t.MM) {
		return nil
	}
	return t.MM
}

// SetClearTID sets the word that is cleared and woken when the task ends.
func (t *Task) SetClearTID(addr uintptr) { t.clearTID = addr }

// Nice returns the nice value.
func (t *Task) Nice() int { return int(t.nice.Load()) }

// SetNice changes it. It is kept for programs to see; the round robin of package
// sched gives all tasks the same.
func (t *Task) SetNice(n int) { t.nice.Store(int32(n)) }

// Personality returns what personality(2) set, in this task or the one that it was
// cloned from.
func (t *Task) Personality() uint32 { return t.personality.Load() }

// SetPersonality changes it and returns what it was. The caller has checked p.
func (t *Task) SetPersonality(p uint32) uint32 { return t.personality.Swap(p) }
