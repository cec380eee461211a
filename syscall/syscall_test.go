package syscall

import (
	"bytes"
	errno "syscall"
	"testing"

	"yolk/arch"
	"yolk/mm"
	"yolk/proc"
)

// caller makes a task with one page of memory, at the address returned.
func caller(tb testing.TB) (*proc.Task, uintptr) {
	tb.Helper()
	arch.InitSoft(2048, 1)
	mm.Init(mm.Config{})
	l := new(mm.Limits)
	for _, v := range []interface{ Store(uint64) }{&l.AS, &l.Stack, &l.Data, &l.Memlock} {
		v.Store(mm.Infinity)
	}
	t := &proc.Task{PID: 5, TID: 6, MM: mm.MMAlloc(l)}
	t.MM.MmapSem.Lock()
	defer t.MM.MmapSem.Unlock()
	page, e := mm.DoMmap(t.MM, nil, 0, arch.PageSize, errno.PROT_READ|errno.PROT_WRITE, errno.MAP_ANON|errno.MAP_PRIVATE, 0)
	if e != 0 {
		tb.Fatal(e)
	}
	return t, page
}

func call(t *proc.Task, nr uint64, args ...uintptr) int64 {
	t.Ctx.RAX = nr
	for i, p := range []*uint64{&t.Ctx.RDI, &t.Ctx.RSI, &t.Ctx.RDX, &t.Ctx.R10, &t.Ctx.R8, &t.Ctx.R9} {
		if *p = 0; i < len(args) {
			*p = uint64(args[i])
		}
	}
	return int64(Dispatch(t))
}

func TestDispatch(t *testing.T) {
	task, page := caller(t)
	for _, c := range []struct {
		name string
		nr   uint64
		args []uintptr
		want int64
	}{
		{"getpid", errno.SYS_GETPID, nil, 5},
		{"only the low half of RAX counts", errno.SYS_GETPID | 1<<40, nil, 5},
		{"nobody's number", 400, nil, -int64(errno.ENOSYS)},
		{"beyond the table", 512, nil, -int64(errno.ENOSYS)},
		{"far beyond", ^uint64(0), nil, -int64(errno.ENOSYS)},
		{"clock_gettime", errno.SYS_CLOCK_GETTIME, []uintptr{1, page}, 0},
		{"no such clock", errno.SYS_CLOCK_GETTIME, []uintptr{77, page}, -int64(errno.EINVAL)},
		{"to nowhere", errno.SYS_CLOCK_GETTIME, []uintptr{1, 0x1000}, -int64(errno.EFAULT)},
		{"to the kernel", errno.SYS_CLOCK_GETTIME, []uintptr{1, 0xffffffff80200000}, -int64(errno.EFAULT)},
		{"to the end of user space", errno.SYS_CLOCK_GETTIME, []uintptr{1, arch.TaskSize - 8}, -int64(errno.EFAULT)},
		{"uname", errno.SYS_UNAME, []uintptr{page}, 0},
	} {
		if got := call(task, c.nr, c.args...); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	var counts bytes.Buffer
	WriteUnknown(&counts)
	if got, want := counts.String(), "400 1\n- 2\n"; got != want {
		t.Errorf("unknown calls: %q, want %q", got, want)
	}
}

func TestRegisterTwice(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a second handler for getpid is taken")
		}
	}()
	Register(errno.SYS_GETPID, "again", sysPause)
}

// frequent are calls that programs make all the time.
var frequent = []struct {
	name string
	nr   uint64
	args func(page uintptr) []uintptr
}{
	{"getpid", errno.SYS_GETPID, func(uintptr) []uintptr { return nil }},
	{"clock_gettime", errno.SYS_CLOCK_GETTIME, func(p uintptr) []uintptr { return []uintptr{1, p} }},
	{"futex_wake", errno.SYS_FUTEX, func(p uintptr) []uintptr { return []uintptr{p, futexWake | futexPrivate, 1} }},
	{"futex_wait", errno.SYS_FUTEX, func(p uintptr) []uintptr { return []uintptr{p + 64, futexWait | futexPrivate, 1} }},
	{"unknown", 400, func(uintptr) []uintptr { return nil }},
}

func TestCallsAllocateNothing(t *testing.T) {
	task, page := caller(t)
	for _, f := range frequent {
		args := f.args(page)
		if n := testing.AllocsPerRun(100, func() { call(task, f.nr, args...) }); n != 0 {
			t.Errorf("%s: %v allocations", f.name, n)
		}
	}
}

func BenchmarkCall(b *testing.B) {
	task, page := caller(b)
	for _, f := range frequent {
		args := f.args(page)
		b.Run(f.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				call(task, f.nr, args...)
			}
		})
	}
}
