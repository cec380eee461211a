package proc

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	errno "syscall"
	"testing"

	"github.com/cavaliergopher/cpio"

	"yolk/arch"
	"yolk/fs"
	"yolk/mm"
)

// rootFiles are the programs and scripts that the exec tests start.
func rootFiles() map[string][]byte {
	files := map[string][]byte{
		"prog":      elfFile(nil),
		"pie":       elfFile(makePIE),
		"dynamic":   dynamicFile("/pie\x00"),
		"orphan":    dynamicFile("/none\x00"),
		"unending":  dynamicFile("/pie"),
		"badinterp": dynamicFile("/text\x00"),
		"empty":     nil,
		"text":      []byte("hello\n"),
		"script":    []byte("#!/prog -x y\nbody"),
		"nested":    []byte("#!/script\n"),
		"nowhere":   []byte("#!/missing\n"),
		"loop":      []byte("#!/loop\n"),
		"truncated": elfFile(nil)[:100],
	}
	return files
}

// dynamicFile is an executable whose second header names an interpreter.
func dynamicFile(interp string) []byte {
	b := elfFile(nil)
	putPhdr(b[ehdrSize+phdrSize:], ptInterp, pfR, uint64(len(b)), 0, uint64(len(interp)), uint64(len(interp)))
	return append(b, interp...)
}

// makePIE moves the image to address 0 and makes it position independent.
func makePIE(b []byte) {
	le := binary.LittleEndian
	b[16] = etDyn
	for _, at := range []int{24, ehdrSize + 16, ehdrSize + phdrSize + 16} {
		le.PutUint64(b[at:], le.Uint64(b[at:])-0x400000)
	}
}

// execTask is a task in a file system with rootFiles, whose programs go to the
// same places each time.
func execTask(t *testing.T) *Task {
	t.Helper()
	var archive bytes.Buffer
	w := cpio.NewWriter(&archive)
	for name, b := range rootFiles() {
		if err := w.WriteHeader(&cpio.Header{Name: name, Mode: 0o100755, Size: int64(len(b))}); err != nil {
			t.Fatal(err)
		}
		w.Write(b)
	}
	w.Close()
	if err := fs.Init(archive.Bytes()); err != nil {
		t.Fatal(err)
	}
	task, _ := signalTask(t)
	task.FS = fs.NewContext()
	task.SetPersonality(AddrNoRandomize)
	return task
}

func word(t *testing.T, m *mm.MM, addr uintptr) uint64 {
	t.Helper()
	var b [8]byte
	if e := mm.CopyFromUser(m, b[:], addr); e != 0 {
		t.Fatalf("%#x: %v", addr, e)
	}
	return binary.LittleEndian.Uint64(b[:])
}

func text(t *testing.T, m *mm.MM, addr uint64) string {
	t.Helper()
	var b [256]byte
	n, e := mm.CopyStringFromUser(m, uintptr(addr), b[:])
	if e != 0 {
		t.Fatalf("string at %#x: %v", addr, e)
	}
	return string(b[:n])
}

// readStack takes the stack of a new program apart.
func readStack(t *testing.T, p *program) (argv, env []string, aux map[uint64]uint64) {
	sp := p.stack.sp
	if sp%16 != 0 {
		t.Errorf("stack pointer %#x", sp)
	}
	argc := word(t, p.m, sp)
	for sp += 8; word(t, p.m, sp) != 0; sp += 8 {
		argv = append(argv, text(t, p.m, word(t, p.m, sp)))
	}
	if uint64(len(argv)) != argc {
		t.Errorf("argc is %d with %d arguments", argc, len(argv))
	}
	for sp += 8; word(t, p.m, sp) != 0; sp += 8 {
		env = append(env, text(t, p.m, word(t, p.m, sp)))
	}
	aux = map[uint64]uint64{}
	for sp += 8; word(t, p.m, sp) != 0; sp += 16 {
		aux[word(t, p.m, sp)] = word(t, p.m, sp+8)
	}
	return argv, env, aux
}

func TestExec(t *testing.T) {
	for _, c := range []struct {
		path string
		argv []string
		errno.Errno
		want []string // argv as the program gets it
	}{
		{"/prog", []string{"prog", "one", ""}, 0, []string{"prog", "one", ""}},
		{"prog", nil, 0, []string{""}},
		{"/pie", []string{"pie"}, 0, []string{"pie"}},
		{"/script", []string{"zero", "a"}, 0, []string{"/prog", "-x y", "/script", "a"}},
		{"/nested", []string{"zero", "a"}, 0, []string{"/prog", "-x y", "/script", "/nested", "a"}},
		{"/nowhere", nil, errno.ENOENT, nil},
		{"/loop", nil, errno.ELOOP, nil},
		{"/missing", nil, errno.ENOENT, nil},
		{"/", nil, errno.EACCES, nil},
		{"/empty", nil, errno.ENOEXEC, nil},
		{"/text", nil, errno.ENOEXEC, nil},
		{"/truncated", nil, errno.ENOEXEC, nil},
		{"/orphan", nil, errno.ENOENT, nil},
		{"/unending", nil, errno.ENOEXEC, nil},
		{"/badinterp", nil, errno.ELIBBAD, nil},
		{"/prog/x", nil, errno.ENOTDIR, nil},
		{"/prog", []string{strings.Repeat("x", maxArgString)}, errno.E2BIG, nil},
		{"/prog", manyStrings(600_000), errno.E2BIG, nil},
	} {
		t.Run(fmt.Sprintf("%s %.20q", c.path, c.argv), func(t *testing.T) {
			task := execTask(t)
			p, xe := task.prepare(&ExecArgs{Path: c.path, argv: kernelStrings(c.argv), envp: kernelStrings{"A=1", "B=2"}})
			if c.Errno != 0 {
				if xe == nil || xe.errno != c.Errno || xe.reason == "" {
					t.Fatalf("got %+v, want %v", xe, c.Errno)
				}
				return
			}
			if xe != nil {
				t.Fatalf("%v: %s", xe.errno, xe.reason)
			}
			argv, env, aux := readStack(t, p)
			if fmt.Sprintf("%q", argv) != fmt.Sprintf("%q", c.want) || fmt.Sprint(env) != "[A=1 B=2]" {
				t.Errorf("argv %q, env %q", argv, env)
			}
			checkImage(t, p, aux)
			p.abandon()
		})
	}
}

// TestExecInterpreter wants a dynamic program to begin in its interpreter, which
// learns from the auxiliary vector where both of them are.
func TestExecInterpreter(t *testing.T) {
	p, xe := execTask(t).prepare(&ExecArgs{Path: "/dynamic", argv: kernelStrings{"x"}, envp: kernelStrings{}})
	if xe != nil {
		t.Fatalf("%v: %s", xe.errno, xe.reason)
	}
	defer p.abandon()
	const code = ehdrSize + 2*phdrSize
	_, _, aux := readStack(t, p)
	base := aux[atBase]
	if base == 0 || base&pageBelow != 0 || p.loaded.start != base+code {
		t.Errorf("interpreter at %#x, the program begins at %#x", base, p.loaded.start)
	}
	if aux[atEntry] != 0x400000+code {
		t.Errorf("AT_ENTRY is %#x", aux[atEntry])
	}
	if v := word(t, p.m, uintptr(base)+0x1000+code); v != 0xa7a6a5a4a3a2a1a0 {
		t.Errorf("the interpreter's data is %#x", v)
	}
}

func manyStrings(n int) []string {
	s := make([]string, n)
	for i := range s {
		s[i] = "0123456"
	}
	return s
}

// checkImage looks at the memory of a program that was loaded from elfFile.
func checkImage(t *testing.T, p *program, aux map[uint64]uint64) {
	t.Helper()
	base := uint64(0x400000)
	if strings.HasPrefix(p.name, "/pie") {
		base = dynBase
	}
	const code = ehdrSize + 2*phdrSize
	for tag, want := range map[uint64]uint64{
		atEntry: base + code, atPhdr: base + ehdrSize, atPhnum: 2, atPhent: phdrSize, atPagesz: arch.PageSize, atClktck: 100, atSecure: 0,
	} {
		if got, ok := aux[tag]; !ok || got != want {
			t.Errorf("auxv %d is %#x, want %#x", tag, got, want)
		}
	}
	if at := aux[atSysinfoEhdr]; at == 0 || word(t, p.m, uintptr(at)) != 0x10102464c457f {
		t.Errorf("vDSO at %#x", at)
	}
	if text(t, p.m, aux[atPlatform]) != "x86_64" || text(t, p.m, aux[atExecfn]) != p.execfn || aux[atRandom] == 0 {
		t.Errorf("auxv %v", aux)
	}
	data := uintptr(base) + 0x1000 + code
	if v := word(t, p.m, data); v != 0xa7a6a5a4a3a2a1a0 {
		t.Errorf("data is %#x", v)
	}
	for _, at := range []uintptr{data + 16, data + 0x1000, data + 0x3000 - 8} {
		if v := word(t, p.m, at); v != 0 {
			t.Errorf("bss at %#x is %#x", at, v)
		}
	}
	if want := (data + 0x3000 + pageBelow) &^ pageBelow; p.m.Brk != want || p.m.StartBrk != want {
		t.Errorf("brk at %#x, want %#x", p.m.Brk, want)
	}
	var b [8]byte
	if e := mm.CopyToUser(p.m, uintptr(base), b[:]); e != errno.EFAULT {
		t.Errorf("write to text: %v", e)
	}
}

// TestExecReplaces carries an exec through and looks at what must not survive.
func TestExecReplaces(t *testing.T) {
	task := execTask(t)
	task.catch(t, SIGUSR1, 0, 0)
	task.SigAction(SIGUSR2, &SigAction{Handler: sigIgn})
	task.SetMask(SigMask(SIGHUP))
	task.SetClearTID(0x1234)
	base := task.mapAnon(t, 2, errno.MAP_PRIVATE)
	task.SetAltStack(&AltStack{SP: uint64(base), Size: 8192})
	old := task.MM
	if e := task.Exec(&ExecArgs{Path: "/script", argv: kernelStrings{"s"}, envp: kernelStrings{}}); e != 0 {
		t.Fatal(e)
	}
	c := &task.Ctx
	if task.MM == old || c.RIP != 0x400000+ehdrSize+2*phdrSize || c.RSP%16 != 0 || c.RBX != 0 || c.RFLAGS != initialFlags {
		t.Errorf("registers %+v", c)
	}
	if a, _ := task.SigAction(SIGUSR1, nil); a.Handler != sigDfl {
		t.Error("a handler survived")
	}
	if a, _ := task.SigAction(SIGUSR2, nil); a.Handler != sigIgn {
		t.Error("an ignored signal is no longer ignored")
	}
	if task.Mask() != SigMask(SIGHUP) || task.altStack.size != 0 || task.clearTID != 0 || task.Comm() != "script" {
		t.Errorf("mask %#x, alternate stack %v, comm %q", task.Mask(), task.altStack, task.Comm())
	}
}

// TestExecEndsThreads: the thread that calls exec becomes the leader.
func TestExecEndsThreads(t *testing.T) {
	leader := execTask(t)
	thread := newThread(t, leader)
	thread.FS = leader.FS.Get()
	for _, o := range []*Task{newThread(t, leader), newThread(t, leader)} {
		o.runAs(func() {
			o.Pause()
			if !o.deliver() {
				o.end(0)
			}
		})
	}
	tid := thread.TID
	done := thread.runAs(func() {
		if e := thread.Exec(&ExecArgs{Path: "/prog", argv: kernelStrings{"p"}, envp: kernelStrings{}}); e != 0 {
			t.Error(e)
		}
	})
	eventually(t, "the leader is told to end", func() bool { return leader.work.Load() != 0 })
	if leader.deliver() {
		t.Error("the leader lives on")
	}
	leader.exit()
	<-done
	if thread.TID != leader.PID || FindTask(tid) != nil || FindTask(thread.PID) != thread || thread.Group.leader != thread {
		t.Errorf("after exec: TID %d of process %d", thread.TID, thread.PID)
	}
	thread.end(0)
}
