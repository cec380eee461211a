package proc

import (
	"strings"
	errno "syscall"

	"yolk/arch"
	"yolk/fs"
	"yolk/mm"
)

// execve. Until the new program is loaded in an address space of its own, any
// error leaves the caller as it was. Then comes the point of no return: the
// other threads end, the address space is switched, and what must not survive an
// exec goes.

// ExecArgs are the arguments of execve.
type ExecArgs struct {
	Path string
	At   *fs.Dentry // where a relative path starts, nil is the working directory; with an empty path, the program itself
	Name string     // what the program is told it was started as; Path if empty
	argv argSource
	envp argSource
}

// UserExec returns the arguments of an execve call by t: path was copied in,
// argv and envp are addresses in t's memory.
func (t *Task) UserExec(path string, argv, envp uintptr) *ExecArgs {
	return &ExecArgs{Path: path, argv: userStrings{t.MM, argv}, envp: userStrings{t.MM, envp}}
}

// maxScripts bounds how many #! lines may lead to one another.
const maxScripts = 5

// program is an exec under way.
type program struct {
	args   *ExecArgs
	execfn string     // name the program was started by
	name   string     // of the file in hand: the script's interpreter, in the end
	at     *fs.Dentry // where the name is looked up
	file   *fs.File
	head   [256]byte // its beginning
	size   uint64
	m      *mm.MM
	stack  *argStack
	loaded loaded
	files  *fs.FDTable // a copy of the descriptors, if others share them
	places places
	vdso   uint64 // where its image is; 0: none
}

// Exec replaces t's program. On success it returns 0, and the registers are
// those of the new program. Errno as in execve(2). No locks at entry; sleeps.
func (t *Task) Exec(a *ExecArgs) errno.Errno {
	p, xe := t.prepare(a)
	if xe != nil {
		return xe.errno
	}
	tid := t.TID
	if !t.killOthers() {
		p.abandon()
		return errno.EAGAIN // another thread is ending us
	}
	t.commit(p)
	t.traceExec(tid)
	return 0
}

// prepare does all of exec that can fail without harm.
func (t *Task) prepare(a *ExecArgs) (*program, *execError) {
	p := &program{args: a, at: a.At, name: a.Name}
	if p.name == "" {
		p.name = a.Path
	}
	p.execfn = p.name
	if xe := p.fill(t); xe != nil {
		p.abandon()
		return nil, xe
	}
	return p, nil
}

func (p *program) fill(t *Task) *execError {
	if xe := p.open(t, p.args.Path); xe != nil {
		return xe
	}
	if p.m = mm.MMAlloc(&t.Group.Limits.MM); p.m == nil {
		return &execError{errno.ENOMEM, "no memory"}
	}
	if t.Files.Shared() {
		if p.files = t.Files.Copy(); p.files == nil {
			return &execError{errno.ENOMEM, "no memory for the descriptors"}
		}
	}
	p.places = t.newPlaces()
	p.m.MmapBase = p.places.mmapBase
	if xe := p.pushStrings(t); xe != nil {
		return xe
	}
	for n := 0; strings.HasPrefix(string(p.head[:]), "#!"); n++ {
		if n == maxScripts {
			return &execError{errno.ELOOP, "scripts nested too deeply"}
		}
		if xe := p.interpret(t); xe != nil {
			return xe
		}
	}
	im, xe := parseELF(p.head[:], p.size, func(b []byte, off uint64) errno.Errno { return readFull(p.file, b, off) })
	if xe != nil {
		return xe
	}
	if p.loaded, xe = im.load(p.m, p.file, &p.places); xe != nil {
		return xe
	}
	if im.interpLen != 0 {
		if xe := p.loadInterp(t, im); xe != nil {
			return xe
		}
	}
	var e errno.Errno
	if p.vdso, e = mapVDSO(p.m, p.places.vdso); e != 0 {
		return &execError{e, "no room for the vDSO"}
	}
	return p.finishStack(t)
}

// loadInterp loads the interpreter (the dynamic linker) that the program names.
func (p *program) loadInterp(t *Task, im *image) *execError {
	name := make([]byte, im.interpLen)
	if e := readFull(p.file, name, im.interpOff); e != 0 {
		return &execError{e, "cannot read the name of the interpreter"}
	}
	if name[len(name)-1] != 0 {
		return notExec("name of the interpreter not terminated")
	}
	path, _, _ := strings.Cut(string(name), "\x00")
	f, e := t.Caller().OpenExec(nil, path)
	if e != 0 {
		return &execError{e, "dynamically linked, and its interpreter " + path + " cannot be opened: " + e.Error()}
	}
	defer f.Put()
	size := fileSize(f)
	var head [ehdrSize]byte
	n := min(size, uint64(len(head)))
	if e := readFull(f, head[:n], 0); e != 0 {
		return &execError{e, "cannot read the interpreter " + path}
	}
	interp, xe := parseELF(head[:n], size, func(b []byte, off uint64) errno.Errno { return readFull(f, b, off) })
	if xe == nil {
		xe = interp.loadInterp(p.m, f, &p.loaded)
	}
	if xe != nil {
		// Linux says ELIBBAD of a bad interpreter.
		return &execError{errno.ELIBBAD, "interpreter " + path + ": " + xe.reason}
	}
	return nil
}

// open opens the file at path for execution and reads its beginning.
func (p *program) open(t *Task, path string) *execError {
	var e errno.Errno
	if path == "" && p.at != nil {
		p.file, e = t.Caller().OpenExecDentry(p.at)
	} else {
		p.file, e = t.Caller().OpenExec(p.at, path)
	}
	if e != 0 {
		return &execError{e, p.name + ": " + e.Error()}
	}
	if e := p.file.DenyWrite(); e != 0 {
		p.file.Put()
		p.file = nil
		return &execError{e, "open for writing"}
	}
	p.size = fileSize(p.file)
	clear(p.head[:])
	if e := readFull(p.file, p.head[:min(p.size, uint64(len(p.head)))], 0); e != 0 {
		return &execError{e, "cannot read the file"}
	}
	return nil
}

func (p *program) closeFile() {
	if p.file != nil {
		p.file.AllowWrite()
		p.file.Put()
		p.file = nil
	}
}

// abandon undoes a prepare that failed, or is not wanted any more.
func (p *program) abandon() {
	p.closeFile()
	if p.files != nil {
		p.files.Put()
	}
	if p.m != nil {
		mm.MMPut(p.m)
	}
}

// pushStrings copies the name, the environment and the arguments.
func (p *program) pushStrings(t *Task) *execError {
	var e errno.Errno
	if p.stack, e = newArgStack(p.m, p.places.stackTop, t.Group.Limits.Cur(RlimitStack)); e != 0 {
		return &execError{e, "no memory for the stack"}
	}
	s := p.stack
	if e = s.pushString(p.name); e == 0 {
		s.execfn = s.sp
		s.envc, e = s.pushAll(p.args.envp)
	}
	if e == 0 {
		s.argc, e = s.pushAll(p.args.argv)
	}
	if e == 0 && s.argc == 0 {
		// A program without argv[0] is easily fooled; Linux gives it an empty one.
		e = s.pushString("")
		s.argc = 1
	}
	if e != 0 {
		return &execError{e, "cannot copy the arguments"}
	}
	return nil
}

// interpret goes from a script to its interpreter: #!name, optionally one
// argument. argv[0] gives way to both and the name of the script.
func (p *program) interpret(t *Task) *execError {
	name, arg, ok := scriptLine(p.head[:])
	if !ok {
		return notExec("#! line without the name of an interpreter")
	}
	s := p.stack
	e := s.dropFirst()
	if e == 0 {
		e = s.pushString(p.name)
	}
	if e == 0 && arg != "" {
		e = s.pushString(arg)
		s.argc++
	}
	if e == 0 {
		e = s.pushString(name)
		s.argc++
	}
	if e != 0 {
		return &execError{e, "cannot copy the arguments"}
	}
	p.closeFile()
	p.name, p.at = name, nil
	return p.open(t, name)
}

// scriptLine takes apart the first line of a script.
func scriptLine(head []byte) (name, arg string, ok bool) {
	line := string(head[2:])
	if i := strings.IndexAny(line, "\n\x00"); i >= 0 {
		line = line[:i]
	} else if !strings.ContainsAny(strings.TrimLeft(line, " \t"), " \t") {
		return "", "", false // the name itself may be cut off
	}
	line = strings.Trim(line, " \t")
	name, arg, _ = strings.Cut(line, " ")
	if i := strings.IndexByte(name, '\t'); i >= 0 {
		name, arg = line[:i], line[i+1:]
	}
	return name, strings.Trim(arg, " \t"), name != ""
}

// Tags of the auxiliary vector.
const (
	atPhdr, atPhent, atPhnum, atPagesz, atBase, atFlags, atEntry = 3, 4, 5, 6, 7, 8, 9
	atUID, atEUID, atGID, atEGID, atPlatform, atHwcap, atClktck  = 11, 12, 13, 14, 15, 16, 17
	atSecure, atRandom, atHwcap2, atExecfn, atSysinfoEhdr        = 23, 25, 26, 31, 33
)

// hwcap2FSGSBase says in AT_HWCAP2 that programs may use RDFSBASE and the like; the
// entry code enables them (HWCAP2_FSGSBASE).
const hwcap2FSGSBase = 1 << 1

// hwcap is what AT_HWCAP says: CPUID.1:EDX. SetHwcap sets it.
var hwcap uint64

// SetHwcap sets what programs find in AT_HWCAP; called at start-up.
func SetHwcap(v uint64) { hwcap = v }

// finishStack writes what stands below the strings.
func (p *program) finishStack(t *Task) *execError {
	s := p.stack
	s.args = s.sp
	s.sp -= min(p.places.stackSkip, s.sp-s.floor)
	if e := s.pushString(platform); e != 0 {
		return &execError{e, "cannot write the stack"}
	}
	platformAt := s.sp
	var random [16]byte
	arch.Random(random[:])
	s.sp = (s.sp - uintptr(len(random))) &^ 15
	if e := mm.CopyToUser(p.m, s.sp, random[:]); e != 0 {
		return &execError{e, "cannot write the stack"}
	}
	c, l := t.Creds(), &p.loaded
	aux := []auxEntry{
		{atHwcap, hwcap}, {atPagesz, arch.PageSize}, {atClktck, userHZ},
		{atPhdr, l.phdr}, {atPhent, phdrSize}, {atPhnum, uint64(l.phnum)},
		{atBase, l.base}, {atFlags, 0}, {atEntry, l.entry},
		{atUID, uint64(c.UID)}, {atEUID, uint64(c.EUID)}, {atGID, uint64(c.GID)}, {atEGID, uint64(c.EGID)},
		{atSecure, 0}, {atRandom, uint64(s.sp)}, {atHwcap2, hwcap2FSGSBase},
		{atExecfn, uint64(s.execfn)}, {atPlatform, uint64(platformAt)},
	}
	if p.vdso != 0 {
		aux = append(aux, auxEntry{atSysinfoEhdr, p.vdso})
	}
	sp, e := s.finish(aux)
	if e != 0 {
		return &execError{e, "cannot write the stack"}
	}
	s.sp = sp
	return nil
}

// killOthers ends all other threads of the process and waits for them; then t
// becomes the leader. False when the process is ending itself, or another
// thread is in exec.
func (t *Task) killOthers() bool {
	g := t.Group
	g.sigLock.Lock()
	if g.exiting || g.execer != nil {
		g.sigLock.Unlock()
		return false
	}
	g.execer = t
	for _, o := range g.threads {
		if o != t && o.state != stateDead {
			o.kick()
		}
	}
	g.stopQ.WakeAll()
	g.sigLock.Unlock()
	alone := t.waitKillable(&g.execQ, func() bool {
		g.sigLock.Lock()
		defer g.sigLock.Unlock()
		return g.nlive == 1
	})
	if alone && t != g.leader {
		t.becomeLeader()
	}
	g.sigLock.Lock()
	g.execer = nil
	g.sigLock.Unlock()
	return alone
}

// becomeLeader makes t, the last thread of its group, take the number of the
// leader, which has ended.
func (t *Task) becomeLeader() {
	g := t.Group
	treeLock.Lock()
	defer treeLock.Unlock()
	old := g.leader
	old.untrace()
	g.sigLock.Lock()
	defer g.sigLock.Unlock()
	t.pidEntry, old.pidEntry = old.pidEntry, t.pidEntry
	t.TID, old.TID = old.TID, t.TID
	t.pidEntry.task, old.pidEntry.task = t, old
	g.leader = t
	g.removeThread(old)
}

// commit switches t to the program p. Nothing in here can fail.
func (t *Task) commit(p *program) {
	g := t.Group
	if p.files != nil {
		g.sigLock.Lock()
		p.files, t.Files = t.Files, p.files
		g.sigLock.Unlock()
		p.files.Put()
	}
	t.Files.CloseOnExec()
	t.releaseMM(p.m)
	g.sigLock.Lock()
	exe := g.exe
	g.exe = p.file
	if g.actions != nil {
		g.actions = g.actions.clone() // CLONE_SIGHAND ends here
	}
	g.actions.reset()
	g.dropTimers()
	g.sigLock.Unlock()
	t.execCreds()
	g.SetFlag(FlagDumpable, 1)
	treeLock.Lock()
	g.execed, g.exitSignal = true, SIGCHLD
	treeLock.Unlock()
	if exe != nil {
		exe.AllowWrite()
		exe.Put()
	}
	t.altStack = altStack{}
	t.robust, t.clearTID, t.restart = 0, 0, nil
	t.dropRseq()
	t.dropDebug()
	t.SetComm(p.execfn[strings.LastIndexByte(p.execfn, '/')+1:])
	t.startRegs(p.loaded.start, uint64(p.stack.sp))
}

// startRegs makes the registers those of a new program: all zero but for where
// it starts and its stack. It runs on the same CPUs as the old one.
func (t *Task) startRegs(entry, sp uint64) {
	t.Ctx.SaveFPU()
	fpu := t.Ctx.FPU
	if fpu == nil {
		fpu = arch.NewFPUState()
	}
	resetFPU(fpu)
	t.Ctx = arch.UserContext{RIP: entry, RSP: sp, RFLAGS: initialFlags, FullRestore: 1, FPU: fpu}
	t.Group.sigLock.Lock()
	t.barCPUs()
	t.Group.sigLock.Unlock()
	t.call = noCall
}

// initialFlags is RFLAGS of a new program: interrupts on, and bit 1, always set.
const initialFlags = 1<<9 | 1<<1
