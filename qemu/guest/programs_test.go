package guest

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// suite is a program that reports in TAP.
type suite struct {
	source
	flags  []string
	disks  int    // blank disks beside the one to swap to
	noHost string // why it is not run on the host
	long   bool   // it takes a minute or so, for what has nothing to do with a libc: one will do
	few    bool   // longer still, and no row of the 1999 map: fewer machines will do
}

// c is a program in C that reports in TAP.
func c(name, files string) source { return source{"glibc", name, []string{files, "c/tap.c"}} }

// aslr is one of the programs about randomised addresses.
func aslr(name, file string) source {
	return source{"glibc", name, []string{"aslr/where.c", "aslr/" + file + ".c", "c/tap.c"}}
}

// attack is a program made of files of user/attack.
func attack(name string, files ...string) source {
	s := source{"glibc", name, []string{"attack/common.c", "c/tap.c"}}
	for _, f := range files {
		s.files = append(s.files, "attack/"+f+".c")
	}
	return s
}

var suites = []suite{
	{source: c("libc", "c/libc.c")},
	{source: c("procs", "c/procs.c")},
	{source: c("signals", "c/signals.c")},
	{source: c("threads", "c/threads.c")},
	{source: c("fpu", "c/fpu.c")},
	{source: c("rseq", "c/rseq.c")},
	{source: source{"glibc", "affinity", []string{"affinity/*.c", "vdsotest/find.c", "c/tap.c"}}, flags: []string{"-m", "32M", "-swap", "64M"}},
	{source: c("timers", "c/timers.c")},
	{source: c("vdsotest", "vdsotest/*.c")},
	{source: aslr("aslr", "aslr")},
	{source: aslr("norandmaps", "aslr"), flags: []string{"-append", "norandmaps"},
		noHost: "it is about a parameter of our kernel"},
	{source: aslr("randomize", "control"), noHost: "it sets what is the machine's"},
	{source: c("ptracetest", "ptracetest/*.c")},
	{source: c("mmaptest", "mmaptest/*.c")},
	{source: c("filetest", "filetest/*.c")},
	{source: c("sockets", "sockets/*.c")},
	{source: c("faults", "attack/faults.c")},
	{source: attack("attack", "frames", "entry", "segments", "pointers", "elf", "others", "races", "leaks")},
	{source: c("wild", "attack/wild.c"), noHost: "its calls are no guest's on a machine of yours"},
	{source: attack("hoard", "hoard"), flags: []string{"-m", "48M", "-swap", "16M"}, noHost: "it takes what there is of memory", long: true, few: true},
	{source: c("exhaust", "attack/exhaust.c"), flags: []string{"-m", "48M"}, noHost: "it takes all the tasks there are"},
	{source: c("swaptest", "swaptest/*.c"), flags: []string{"-m", "32M", "-swap", "128M"}, long: true},
	{source: c("shmtest", "shmtest/*.c"), flags: []string{"-m", "32M", "-swap", "128M"}, long: true},
	{source: c("allocs", "allocs/*.c"), flags: []string{"-m", "32M", "-swap", "128M"}, noHost: "it looks at our Go heap"},
	{source: source{"glibc", "swapoff", []string{"swapoff/*.c", "c/mkswap.c", "c/tap.c"}}, flags: []string{"-m", "32M", "-swap", "64M"}, disks: 2, noHost: "it takes the machine's swap away"},
	{source: c("oom", "oom/*.c"), flags: []string{"-m", "32M", "-swap", "32M"}, noHost: "it takes all the memory there is", long: true},
	{source: source{"go", "gostress", []string{"gostress"}}},
}

// TestPrograms boots every suite on every machine. The C programs are built with
// glibc and, for fewer machines, with musl.
func TestPrograms(t *testing.T) {
	for _, s := range suites {
		if s.few {
			s.onMachines(t, twoMachines)
		} else {
			s.onMachines(t, everyMachine)
		}
		if s.lang == "glibc" && !s.long {
			s.lang = "musl"
			s.onMachines(t, twoMachines)
		}
	}
}

// TestEveryRowRuns: the programs that docs/1999-map.md names are suites, or that of
// TestDisk, and so run on every machine.
func TestEveryRowRuns(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(top, "docs", "1999-map.md"))
	if err != nil {
		t.Fatal(err)
	}
	run := map[string]bool{"disktest": true}
	for _, s := range suites {
		run[path.Dir(s.files[0])] = true
	}
	named := regexp.MustCompile("`user/(\\w+)/").FindAllStringSubmatch(string(text), -1)
	if len(named) < 20 {
		t.Errorf("only %d programs are named in the map", len(named))
	}
	for _, m := range named {
		if !run[m[1]] {
			t.Errorf("user/%s is in the map, but runs nowhere", m[1])
		}
	}
}

func (s suite) onMachines(t *testing.T, machines []machine) {
	for _, m := range machines {
		t.Run(s.name+"/"+s.lang+"/"+m.String(), func(t *testing.T) {
			t.Parallel()
			flags := slices.Concat(s.flags, blankDisks(t, s.disks))
			checkTAP(t, boot(t, m, flags, "", s.build(t)))
		})
	}
}

// blankDisks returns the flags for n disks that hold nothing: the first as a user
// would give it, the others as QEMU takes them.
func blankDisks(t *testing.T, n int) (flags []string) {
	var more []string
	for i := range n {
		name := image(t, 8<<20)
		if i == 0 {
			flags = append(flags, "-disk", name)
			continue
		}
		id := fmt.Sprint("more", i)
		more = append(more, "-drive", "if=none,format=raw,id="+id+",file="+name,
			"-device", "virtio-blk-pci,disable-legacy=on,drive="+id)
	}
	if more != nil {
		flags = append(flags, "-qemu", strings.Join(more, " "))
	}
	return flags
}

// TestOnHost is the oracle: the same programs, natively.
func TestOnHost(t *testing.T) {
	for _, s := range suites {
		for _, lang := range []string{s.lang, "musl"} {
			if lang != s.lang && s.lang == "go" {
				continue
			}
			s := s
			s.lang = lang
			t.Run(s.name+"/"+lang, func(t *testing.T) {
				t.Parallel()
				if s.noHost != "" {
					t.Skip(s.noHost)
				}
				checkTAP(t, execute(t, "", time.Minute, s.build(t)))
			})
		}
	}
}

var (
	goHello  = source{"go", "gohello", []string{"gohello"}}
	goStress = source{"go", "gostress", []string{"gostress"}}
	mainJob  = source{"go", "mainjob", []string{"mainjob"}}
	hello    = source{"glibc", "hello", []string{"c/hello.c"}}
	hog      = source{"glibc", "hog", []string{"c/hog.c"}}
	busybox  = source{"host", "busybox", []string{"busybox"}}
)

// run is a program with an expected end: what Linux does with it on the host, if
// host is set, and the given status in any case.
type run struct {
	name   string
	source source
	args   []string
	flags  []string
	stdin  string
	host   bool
	status int
	out    []string // parts of stdout
	errOut []string // parts of stderr
}

var runs = []run{
	{name: "go_hello", source: goHello, args: []string{"a", "b c"}, host: true,
		out: []string{"hello, world\n", "argument 2: b c\n"}, errOut: []string{"a word on stderr\n"}},
	{name: "go_exit", source: goHello, args: []string{"-exit", "77"}, host: true, status: 77},
	{name: "go_panic", source: goStress, args: []string{"-panic"}, status: 2,
		errOut: []string{"panic: asked for", "goroutine 1 [running]:", "main.main()"}},
	{name: "go_deadlock", source: goStress, args: []string{"-deadlock"}, status: 2, errOut: []string{"all goroutines are asleep"}},
	{name: "go_in_32M", source: goHello, flags: []string{"-m", "32M"}, out: []string{"hello, world\n"}},
	{name: "go_without_swap", source: goHello, flags: []string{"-swap", "0"}, out: []string{"hello, world\n"}},
	{name: "c_without_swap", source: hello, args: []string{"4"}, flags: []string{"-swap", "0", "-m", "24M"}, status: 4},
	{name: "hog_without_swap", source: hog, flags: []string{"-swap", "0"}, status: 137, out: []string{"hog\n"}},
	{name: "hog_with_little_swap", source: hog, flags: []string{"-swap", "1M", "-m", "32M"}, status: 137, out: []string{"hog\n"}},
	{name: "parent_of_hog", source: hog, args: []string{"child"}, flags: []string{"-swap", "0"}, out: []string{"hog\nkilled by 9\n"}},
	{name: "glibc_hello", source: hello, args: []string{"3"}, host: true, status: 3},
	{name: "musl_hello", source: source{"musl", "hello", []string{"c/hello.c"}}, args: []string{"255"}, host: true, status: 255},
	{name: "sh_status", source: busybox, args: []string{"sh", "-c", "exit 9"}, host: true, status: 9},
	{name: "sh_killed", source: busybox, args: []string{"sh", "-c", "kill -9 $$"}, host: true, status: 137},
	{name: "sh_segv", source: busybox, args: []string{"sh", "-c", "kill -SEGV $$"}, host: true, status: 139},
	{name: "sh_pipeline", source: busybox, args: []string{"sh", "-c", "echo one two three | tr ' ' '\\n' | sort | head -n 1"}, host: true},
	{name: "cat", source: busybox, args: []string{"cat"}, stdin: strings.Repeat("stdin \xff\x00\xff\x01 bytes\n", 4000), host: true},
	{name: "md5sum", source: busybox, args: []string{"md5sum"}, stdin: strings.Repeat("0123456789abcdef", 8192), host: true},
	{name: "script", source: busybox, args: []string{"sh", "/script.sh"}, flags: []string{"-file", top + "/user/busybox/script.sh"},
		out: []string{"done\n"}, errOut: []string{"to-stderr\n"}},
	{name: "no_such_applet", source: busybox, args: []string{"nonsense"}, host: true, status: 127},
}

func TestRuns(t *testing.T) {
	for _, r := range runs {
		for _, m := range someMachines {
			t.Run(r.name+"/"+m.String(), func(t *testing.T) {
				t.Parallel()
				program := r.source.build(t)
				got := boot(t, m, r.flags, r.stdin, program, r.args...)
				r.judge(t, got)
				if r.host {
					want := execute(t, r.stdin, time.Minute, program, r.args...)
					same(t, got, want)
				}
			})
		}
	}
}

func (r run) judge(t *testing.T, got outcome) {
	t.Helper()
	if got.status != r.status {
		t.Errorf("status %d, want %d", got.status, r.status)
	}
	for _, s := range r.out {
		if !strings.Contains(got.out, s) {
			t.Errorf("stdout has no %q", s)
		}
	}
	for _, s := range r.errOut {
		if !strings.Contains(got.errOut, s) {
			t.Errorf("stderr has no %q", s)
		}
	}
}

func same(t *testing.T, got, want outcome) {
	t.Helper()
	if got.status != want.status {
		t.Errorf("status %d; on the host it is %d", got.status, want.status)
	}
	if got.out != want.out {
		t.Errorf("stdout differs from the host's:\n%s\n--- the host's:\n%s", tail(got.out), tail(want.out))
	}
	if got.errOut != want.errOut {
		t.Errorf("stderr differs from the host's:\n%s\n--- the host's:\n%s", tail(got.errOut), tail(want.errOut))
	}
}

// TestICountRepeats wants the random numbers of a run again in the next, and so
// programs at the same places.
func TestICountRepeats(t *testing.T) {
	t.Parallel()
	const script = "cat /proc/self/maps; head -c 16 /dev/urandom | md5sum"
	first := boot(t, machine{cpus: 1}, []string{"-icount"}, "", busybox.build(t), "sh", "-c", script)
	again := boot(t, machine{cpus: 1}, []string{"-icount"}, "", busybox.build(t), "sh", "-c", script)
	if first.status != 0 || !strings.Contains(first.out, "[vdso]") || first.out != again.out {
		t.Errorf("first run:\n%s\nsecond run:\n%s", first.out, again.out)
	}
}

// TestScript compares busybox's shell, line by line, with the host's.
func TestScript(t *testing.T) {
	t.Parallel()
	program := busybox.build(t)
	script := top + "/user/busybox/script.sh"
	want := execute(t, "", time.Minute, program, "sh", script)
	got := boot(t, machine{cpus: 2}, []string{"-file", script}, "", program, "sh", "/script.sh")
	same(t, got, want)
}

// TestMainJob is the main job at its real size: four times the RAM, through swap.
func TestMainJob(t *testing.T) {
	for _, m := range []machine{{1, false}, {2, false}, {4, false}, {2, true}} {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			got := boot(t, m, []string{"-m", "64M", "-swap", "512M", "-timeout", "8m"}, "", mainJob.build(t), "-size", "256M")
			run{out: []string{"mismatches 0\n", "pswpout ", "pswpin ", "pgsteal_kswapd "}}.judge(t, got)
			for _, never := range []string{"pswpout 0\n", "pswpin 0\n"} {
				if strings.Contains(got.out, never) {
					t.Errorf("nothing was swapped: %s", never)
				}
			}
			t.Log("\n" + got.out)
		})
	}
}
