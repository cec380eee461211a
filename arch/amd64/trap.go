package amd64

import (
	"sync/atomic"

	"yolk/arch/pt"
)

// irqPending has a bit per device vector that has come and whose handler has
// not run yet. enterUser looks at it.
var irqPending uint64

// floorTrap handles a trap from ring 0: an interrupt, the first touch of a heap
// page, a fault in a user copy, or a bug that the runtime turns into a panic.
func floorTrap(vector, code uint64) {
	c := thisCPU()
	lockFloor()
	if vector >= vecDevice {
		if vector == vecTimer {
			c.sample(c.thread())
		}
		c.interrupt(vector)
		if vector < vecTimer {
			postEvent()
		}
		c.leave()
		return
	}
	if vector == vecNMI {
		c.dumpGoroutines()
		c.leave()
		return
	}
	t := c.thread()
	if vector == 14 {
		addr := uintptr(readCR2())
		if code&1 == 0 && addr >= heapBase && addr < heapEnd {
			if !heapTouch(addr) {
				die("the Go heap's frame reserve is empty")
			}
			c.leave()
			return
		}
		if fix := fixup(uintptr(t.rip)); fix != 0 {
			t.rip = uint64(fix)
			c.leave()
			return
		}
		t.raise(sigSEGV, vector, code, uint64(addr))
	} else if sig := exceptionSignal(vector); sig != 0 {
		t.raise(sig, vector, code, t.rip)
	} else {
		unlockFloor()
		oops("trap in ring 0", vector, code, t.rip, t.rsp)
	}
	c.leave()
}

// nmiPending says that an NMI came while a CPU was in the floor.
var nmiPending uint32

// dumpGoroutines answers an NMI, which is how a person or bin/yolk asks a kernel
// that hangs what it is doing: the Go runtime gets SIGQUIT, prints all
// goroutines on the console and exits.
func (c *percpu) dumpGoroutines() {
	for i := range threads[:topThread] {
		if t := &threads[i]; t.state != threadFree && t.altSize != 0 && t.sigMask>>(sigQUIT-1)&1 == 0 {
			c.tgkill(t.id, sigQUIT)
			return
		}
	}
}

func exceptionSignal(vector uint64) uint32 {
	switch vector {
	case 0, 16, 19:
		return sigFPE
	case 1, 3:
		return sigTRAP
	case 6:
		return sigILL
	case 13, 12:
		return sigSEGV
	}
	return 0
}

// fixup returns where to go on after a fault at rip in a user copy, or 0.
func fixup(rip uintptr) uintptr {
	f := &fixups
	switch {
	case rip < f[0] || rip >= f[7]:
		return 0
	case rip < f[1]:
		return f[1] // copyUser -> copyTail
	case rip < f[2]:
		return f[2] // copyTail -> copyFault
	case rip >= f[3] && rip < f[4]:
		return f[4]
	case rip >= f[5] && rip < f[6]:
		return f[6]
	}
	return 0
}

// interrupt does what every interrupt asks for, wherever it came from.
func (c *percpu) interrupt(vector uint64) {
	switch {
	case vector == vecTimer:
		c.timer()
	case vector == vecTLB:
		c.serveTLB()
	case vector == vecFPU:
		saveRest()
	case vector == vecResched:
		c.makeRoom()
	case vector < vecTimer:
		atomic.OrUint64(&irqPending, 1<<(vector-vecDevice))
	}
	if vector != vecSpurious {
		apicWrite(apicEOI, 0)
	}
}

// floorUserIRQ handles an interrupt from ring 3. It returns false when the
// program can go on at once; true when enterUser must return, or the thread
// gave its CPU away.
func floorUserIRQ(vector uint64) bool {
	c := thisCPU()
	if vector == vecTLB || vector == vecFPU || vector == vecSpurious {
		c.interrupt(vector)
		if c.mm != 0 {
			return false
		}
		// The address space was released under us: only a bug does that.
	}
	lockFloor()
	t := c.thread()
	trap := TrapInterrupt
	if vector == vecNMI {
		c.dumpGoroutines()
	} else {
		c.interrupt(vector)
	}
	if vector == vecTimer {
		c.sampleUser()
		if t.state == threadRunning && c.tickAt != 0 && !t.signalled() {
			// A timer for somebody else: the program's slice goes on.
			c.armTimer()
			unlockFloor()
			return false
		}
		trap = TrapTick
	}
	t.rip = uint64(syms.userRet)
	t.rsp = t.userSP
	t.rflags = 0x202
	t.fpuSaved = 0
	*(*Trap)(ptr(uintptr(t.userSP) + 24)) = trap
	c.kick = 0
	c.leave()
	return true
}

func (t *kthread) signalled() bool { return t.sigPending&^t.sigMask != 0 }

// EnterUser runs the program whose registers are in u, with the page tables of
// c, until it traps; it says why. RIP may be anything; FSBase and GSBase must be
// canonical and RFLAGS sane: a caller that lets a program choose them checks that.
func EnterUser(u *UserContext, c *MMContext) Trap {
	if u.RIP >= 1<<47-pt.PageSize {
		return noEntry(u)
	}
	for {
		if trap := enterUser(u, c); trap != trapElsewhere {
			return trap
		}
		u.SaveFPU()
	}
}

// noEntry is the exception that the program would get where it is to go on. IRET and
// SYSRET fault in ring 0 for an address that is not canonical, and the other ones of
// this kind are not a program's either.
func noEntry(u *UserContext) Trap {
	u.Vector, u.ErrorCode = 13, 0
	if int64(u.RIP)<<16>>16 == int64(u.RIP) {
		u.Vector, u.ErrorCode, u.FaultAddr = 14, 0x14, u.RIP // a fetch by ring 3
	}
	u.FullRestore = 1
	return TrapException
}

// When a goroutine is made ready, the Go runtime wakes a thread that looks for work,
// and the floor an idle CPU for that. If the waker is about to stop, and so leaves
// its own CPU to the goroutine, the other CPU comes for nothing: between
// BeginLazyWakes and EndLazyWakes, which may be nested and must not be far apart,
// such a thread is queued and no CPU woken. Whoever goes on for longer than he thought
// calls WakeIdle. The caller keeps its thread meanwhile: it must not sleep.
func BeginLazyWakes() {
	PreemptDisable()
	thisCPU().thread().lazy++
}

// EndLazyWakes ends the section. If there were several wake-ups the CPU is woken.
func EndLazyWakes() {
	t := thisCPU().thread()
	t.lazy--
	t.forIRQ = 0
	several := t.lazy == 0 && t.owed > 1
	if t.lazy == 0 {
		t.owed = 0
	}
	PreemptEnable()
	if several {
		WakeIdle()
	}
}

// WakesOwed reports whether a thread waits for which no CPU was woken.
func WakesOwed() bool { return atomic.LoadUint32(&unkicked) != 0 }

// WakeIdle makes up for a wake-up that was lazy; in a section of such it only counts.
func WakeIdle() {
	if !WakesOwed() {
		return
	}
	PreemptDisable()
	if t := thisCPU().thread(); t.lazy != 0 {
		t.owed++
	} else {
		floorCall(callWakeIdle, 0, 0)
	}
	PreemptEnable()
}

// KickAll makes every other CPU's EnterUser return soon.
func KickAll() {
	PreemptDisable()
	me := thisCPU()
	for i := uint32(0); i < ncpu; i++ {
		if c := &cpus[i]; c != me {
			atomic.StoreUint32(&c.kick, 1)
			sendIPI(c, vecResched)
		}
	}
	PreemptEnable()
}
