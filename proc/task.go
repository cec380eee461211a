package proc

import (
	"sync/atomic"

	"yolk/arch"
	"yolk/fs"
	"yolk/locks"
	"yolk/mm"
)

// Args are the arguments of the system call a task is in.
type Args [6]uintptr

// Task is one thread of a program: what Linux calls task_struct. One goroutine
// runs it from birth to death.
type Task struct {
	// Used by the task's own goroutine only, or by its creator before it starts.

	Ctx   arch.UserContext // registers of the program; the CPU's entry code points here
	Args  Args             // arguments of the current system call
	Files *fs.FDTable      // shared by CLONE_FILES
	FS    *fs.Context      // shared by CLONE_FS

	// Call is the number of the system call being carried out, or noCall. After
	// a signal it tells whether, and as what, the call starts over.
	call      uint64
	restart   RestartFunc // what restart_syscall goes on with
	savedMask Sigset      // mask that sigsuspend and ppoll replaced
	haveSaved bool        // savedMask is to be put back after the next handler
	altStack  altStack    // sigaltstack
	robust    uintptr     // head of the robust futex list
	clearTID  uintptr     // word to clear and wake when the task ends
	fault     faultInfo   // last exception, for the signal frame
	vfork     *vforkDone  // whom to wake when the address space is released

	// Immutable once the task is published, but for exec by a thread that is not
	// the leader: it takes over the leader's TID, under treeLock and sigLock.

	PID   int // number of the thread group: getpid
	TID   int // number of the thread: gettid
	Group *ThreadGroup

	// Guarded by Group.sigLock. The task itself may read MM, creds and blocked
	// without the lock, as only its own goroutine writes them.

	MM      *mm.MM // address space; nil once the task has let go of it
	creds   Creds
	blocked Sigset         // signals kept pending
	pending sigQueue       // signals sent to this thread
	ctx     *locks.Context // lock context of the goroutine; nil before it runs
	state   taskState      // for /proc and for wake-ups
	comm    [commLen]byte  // name of the program, cut to 15 bytes

	// Guarded by treeLock.

	pidEntry *pidEntry

	// Accounting, written by the task, read by anyone.

	userTime, sysTime  atomic.Int64 // nanoseconds
	minFault, majFault atomic.Int64
	volSwitch          atomic.Int64

	// work says in one word that the task may not go straight back to ring 3.
	work atomic.Uint32

	futex futexWaiter // this task's place in a futex queue
	sched schedState  // its turn on a CPU
}

const commLen = 16

// Bits of Task.work.
const (
	workSignal = 1 << iota // a signal, a stop or the end of the group may be waiting
	workExit               // the task itself asked to end
	workTimer              // a CPU-time interval timer is running: look at it on each tick
)

// noCall in Task.call: the trap was not a system call, nothing can restart.
const noCall = ^uint64(0)

// Creds are the user and group identities of a task.
type Creds struct {
	UID, EUID, SUID, FSUID uint32
	GID, EGID, SGID, FSGID uint32
	Groups                 []uint32
	CapPermitted           uint64
	CapEffective           uint64
	CapInheritable         uint64
	NoNewPrivs             bool
}

// Creds returns the task's identities. Other tasks' are a racy look, good for
// permission checks and /proc.
func (t *Task) Creds() *Creds { return &t.creds }
