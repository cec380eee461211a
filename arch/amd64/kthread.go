package amd64

import (
	"sync/atomic"
	"unsafe"
)

// A kthread is a thread of the Go runtime (an M): registers while it does not
// run, what it waits for, and its signal state. All of it is guarded by the
// floor lock, but for the registers, which belong to the CPU that runs it.
type kthread struct {
	rax, rbx, rcx, rdx, rsi, rdi, rbp    uint64
	r8, r9, r10, r11, r12, r13, r14, r15 uint64
	rip, rflags, rsp, fsbase             uint64
	fpu                                  uintptr // XMM and MXCSR, laid out as by XSAVE
	fpuSaved                             uint64  // they are there
	userSP                               uint64  // SP of the enterUser call in progress
	state                                uint32
	id                                   uint32 // tid: index + 1
	cpu                                  uint32 // where it runs or ran last
	next                                 uint32 // tid of the next in the run queue
	only                                 uint32 // in the run queue: 0, or 1 + the only CPU that may take it
	waitAddr                             uintptr
	deadline                             uint64 // TSC; 0: sleeps without limit
	epoll                                uint32 // waits in epoll_pwait
	idle                                 uint32
	sigMask, sigPending                  uint64
	altSP, altSize                       uintptr
	altFlags                             uint32
	epollBuf                             uintptr
	lazy                                 uint32 // depth of BeginLazyWakes; the thread's own
	owed                                 uint32 // calls of WakeIdle since; likewise
	forIRQ                               uint32 // woken to run handlers, and has not ended a lazy section since
	preempt                              int32  // percpu.preempt while it does not run: the runtime may
	// block inside of a pinned section, on a lock of its own
}

const (
	threadFree = iota
	threadRunnable
	threadRunning
	threadSleeping
)

// maxThreads bounds the runtime's threads; it starts a handful.
const maxThreads = 64

var (
	threads   [maxThreads]kthread
	threadFPU [maxThreads + 1][FPUSize]byte // aligned by fpuArea

	runHead, runTail uint32 // tids
	topThread        int    // no thread from this index on has ever been used

	floorLock uint32
)

func fpuArea(i int) uintptr {
	return (uintptr(unsafe.Pointer(&threadFPU[0]))+63)&^63 + uintptr(i)*FPUSize
}

// lockFloor takes the one lock of the floor. Interrupts are off, so whoever
// spins serves TLB requests: the holder may be waiting for one.
func lockFloor() {
	for !atomic.CompareAndSwapUint32(&floorLock, 0, 1) {
		if c := thisCPU(); atomic.LoadUint32(&c.tlbReq) != 0 {
			c.serveTLB()
		}
		pause()
	}
}

func unlockFloor() { atomic.StoreUint32(&floorLock, 0) }

func thread(tid uint32) *kthread { return &threads[(tid-1)&(maxThreads-1)] }

// newThread returns a free thread, its FPU state that of a fresh process.
func newThread() *kthread {
	for i := range threads {
		t := &threads[i]
		if t.state != threadFree {
			continue
		}
		topThread = max(topThread, i+1)
		*t = kthread{id: uint32(i) + 1, fpu: fpuArea(i), state: threadSleeping, rflags: 0x202}
		return t
	}
	return nil
}

// makeRunnable queues t and sees that a CPU will take it.
func makeRunnable(t *kthread) {
	enqueue(t)
	// This CPU if it is idle, for an interrupt has woken it already; the one it
	// ran on last; any idle one.
	me := thisCPU()
	if claimIdle(me, me) || claimIdle(&cpus[t.cpu&(MaxCPU-1)], me) || wakeAny(me) {
		return
	}
	// None idle: the current thread shares its CPU from the next tick on.
	me.armTick()
}

// makeRunnableLazily queues t and leaves idle CPUs alone until WakeIdle or, if the
// current thread goes on, for lazyNS.
func makeRunnableLazily(t *kthread) {
	enqueue(t)
	me := thisCPU()
	me.armTick()
	if anyIdle() {
		atomic.StoreUint32(&unkicked, 1)
		me.tickAt = min(me.tickAt, rdtsc()+nsToTSC(lazyNS))
	}
}

// lazyNS is how long a CPU may stay idle for a thief of work not to be woken.
const lazyNS = 1e6

func anyIdle() bool {
	for i := range cpus[:ncpu] {
		if atomic.LoadUint32(&cpus[i].idle) != 0 {
			return true
		}
	}
	return false
}

// unkicked is set while a thread is in the queue for which no CPU was woken.
var unkicked uint32

// wakeAny wakes an idle CPU and reports whether there is one.
func wakeAny(me *percpu) bool {
	for i := uint32(0); i < ncpu; i++ {
		if claimIdle(&cpus[i], me) {
			return true
		}
	}
	return false
}

func enqueue(t *kthread) {
	t.state = threadRunnable
	t.deadline, t.waitAddr, t.epoll = 0, 0, 0
	t.next = 0
	if runTail == 0 {
		runHead = t.id
	} else {
		thread(runTail).next = t.id
	}
	runTail = t.id
}

// claimIdle wakes c if it is idle and nobody has woken it yet.
func claimIdle(c, me *percpu) bool {
	if atomic.LoadUint32(&c.idle) == 0 || !atomic.CompareAndSwapUint32(&c.idle, 1, 0) {
		return false
	}
	if c != me {
		sendIPI(c, vecResched)
	}
	return true
}

// mayRun reports whether t, which is in the run queue, is one for c.
func (c *percpu) mayRun(t *kthread) bool { return t.only == 0 || t.only == c.id+1 }

// popRunnable takes the first thread for c out of the run queue, nil: there is none.
func (c *percpu) popRunnable() *kthread {
	var before *kthread
	for id := runHead; id != 0; id = before.next {
		t := thread(id)
		if !c.mayRun(t) {
			before = t
			continue
		}
		if before == nil {
			runHead = t.next
		} else {
			before.next = t.next
		}
		if runTail == id {
			runTail = 0
			if before != nil {
				runTail = before.id
			}
		}
		if runHead == 0 {
			atomic.StoreUint32(&unkicked, 0)
		}
		t.next, t.only = 0, 0
		return t
	}
	return nil
}

// moveTo puts the current thread t in front of the run queue, for CPU n alone, which
// takes it at once unless the one that runs there has disabled preemption.
func (c *percpu) moveTo(t *kthread, n uint32) {
	if n == c.id || n >= ncpu {
		return
	}
	t.state, t.only = threadRunnable, n+1
	t.next = runHead
	runHead = t.id
	if runTail == 0 {
		runTail = t.id
	}
	if d := &cpus[n&(MaxCPU-1)]; !claimIdle(d, c) {
		sendIPI(d, vecResched)
	}
}

// makeRoom gives the CPU to a thread that has been moved to it.
func (c *percpu) makeRoom() {
	for id := runHead; id != 0; id = thread(id).next {
		switch {
		case thread(id).only != c.id+1:
		case c.preempt == 0:
			c.yield()
			return
		default:
			c.resched = 1
			return
		}
	}
}

// pick chooses what c runs next. The thread it ran before has been queued,
// put to sleep or freed; if it still is threadRunning it goes on. Floor lock held.
func (c *percpu) pick() {
	cur := c.thread()
	if cur.state == threadRunning && cur.idle == 0 {
		return
	}
	t := c.popRunnable()
	if t == nil {
		t = (*kthread)(ptr(c.idleThr))
		atomic.StoreUint32(&c.idle, 1)
	} else {
		atomic.StoreUint32(&c.idle, 0)
	}
	t.state = threadRunning
	t.cpu = c.id
	cur.preempt, c.preempt = c.preempt, t.preempt
	c.cur = uintptr(unsafe.Pointer(t))
	c.resched = 0
	c.tickAt = 0
}

// leave is the end of every stay in the floor: choose, deliver signals, set the
// timer, unlock. The entry code then resumes c.cur.
func (c *percpu) leave() {
	if nmiPending != 0 {
		nmiPending = 0
		c.dumpGoroutines()
	}
	c.pick()
	t := c.thread()
	if t.sigPending&^t.sigMask != 0 && t.idle == 0 {
		t.deliver()
	}
	c.armTimer()
	unlockFloor()
}

// yield puts the current thread at the end of the queue when others wait for this CPU. A
// CPU that is idle, for the others could not run there, takes it.
func (c *percpu) yield() {
	t := c.thread()
	if t.idle != 0 {
		return
	}
	for id := runHead; id != 0; id = thread(id).next {
		if c.mayRun(thread(id)) {
			makeRunnable(t)
			return
		}
	}
}

// sleep blocks the current thread until woken or, if ns >= 0, for ns.
func (c *percpu) sleep(ns int64) {
	t := c.thread()
	t.state = threadSleeping
	t.deadline, t.forIRQ = 0, 0
	if ns >= 0 {
		t.deadline = rdtsc() + nsToTSC(uint64(ns)) + 1
	}
}

// expire wakes the threads of this CPU whose time is up.
func (c *percpu) expire() {
	now := rdtsc()
	for i := range threads[:topThread] {
		t := &threads[i]
		if t.state != threadSleeping || t.deadline == 0 || t.cpu != c.id || t.deadline > now {
			continue
		}
		switch {
		case t.epoll != 0:
			t.rax = 0
		case t.waitAddr != 0:
			t.rax = errETIMEDOUT
		default:
			t.rax = 0
		}
		makeRunnable(t)
	}
}

// sliceNS is how long a thread runs while others wait, and the length of a
// program's tick.
const sliceNS = 10e6

// armTick makes sure that a busy CPU looks at the queue again.
func (c *percpu) armTick() {
	if c.tickAt == 0 {
		c.tickAt = rdtsc() + nsToTSC(sliceNS)
	}
}

// armTimer sets the local timer for the first thing that will be due here.
func (c *percpu) armTimer() {
	if c.thread().idle == 0 {
		c.armTick()
	}
	due := c.tickAt
	if period := atomic.LoadUint64(&profilePeriod); period != 0 && c.thread().idle == 0 {
		if c.profileAt == 0 {
			c.profileAt = rdtsc() + period
		}
		if due == 0 || c.profileAt < due {
			due = c.profileAt
		}
	}
	for i := range threads[:topThread] {
		t := &threads[i]
		if t.state == threadSleeping && t.deadline != 0 && t.cpu == c.id && (due == 0 || t.deadline < due) {
			due = t.deadline
		}
	}
	if due == 0 || (c.armed != 0 && c.armed <= due) {
		return // none needed, or an earlier one will come and look again
	}
	c.armed = due
	now := rdtsc()
	delta := uint64(1)
	if due > now {
		delta = due - now
	}
	lapicTimer(delta)
}

// timer is the local timer interrupt.
func (c *percpu) timer() {
	c.armed = 0
	c.expire()
	if c.tickAt != 0 && rdtsc() >= c.tickAt {
		c.tickAt = 0
		if c.preempt == 0 {
			c.yield()
		} else if runHead != 0 {
			c.resched = 1
		}
	}
}
