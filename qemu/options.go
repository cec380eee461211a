package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Limits of the machine.
const (
	minMemory  = 24 << 20 // below this the kernel's own image and heap leave no room for programs
	maxMemory  = 64 << 30
	maxCPUs    = 8
	defMemory  = 64 << 20
	defCPUs    = 2
	defSwap    = "128M"
	defTimeout = 60 * time.Second
)

// options is the command line, checked as far as that goes without looking at
// any file.
type options struct {
	memory   int64
	cpus     int
	swapSize int64  // of a fresh swap disk; 0: none, or swapFile
	swapFile string // a swap disk of the user's
	files    []fileFlag
	root     string
	disk     string
	icount   bool
	qemu     []string
	verbose  bool
	params   string
	timeout  time.Duration
	timeSet  bool // -timeout was given
	log      string
	accel    string
	gdb      bool
	lockdep  bool
	program  string // "" for the shell
	args     []string
}

// fileFlag is one -file HOST[:GUEST].
type fileFlag struct{ host, guest string }

// putsFile reports whether a -file goes to the guest path.
func (o *options) putsFile(guest string) bool {
	for _, f := range o.files {
		if path.Clean("/"+f.guest) == path.Clean(guest) {
			return true
		}
	}
	return false
}

// parseOptions reads the command line. The standard flag package is the one to
// use here: it ends at the first argument that is not a flag, so that the
// program's own flags reach the program.
func parseOptions(args []string) (*options, error) {
	o := &options{memory: defMemory, cpus: defCPUs}
	swap, extra := defSwap, ""
	fs := flag.NewFlagSet("yolk", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Func("m", "", func(s string) (err error) { o.memory, err = parseMemory(s); return })
	fs.Func("smp", "", func(s string) (err error) { o.cpus, err = parseCPUs(s); return })
	fs.StringVar(&swap, "swap", defSwap, "")
	fs.Func("file", "", func(s string) error { return o.addFile(s) })
	fs.StringVar(&o.root, "root", "", "")
	fs.StringVar(&o.disk, "disk", "", "")
	fs.BoolVar(&o.icount, "icount", false, "")
	fs.StringVar(&extra, "qemu", "", "")
	fs.BoolVar(&o.verbose, "v", false, "")
	fs.StringVar(&o.params, "append", "", "")
	fs.DurationVar(&o.timeout, "timeout", defTimeout, "")
	fs.StringVar(&o.log, "log", "", "")
	fs.StringVar(&o.accel, "accel", "auto", "")
	fs.BoolVar(&o.gdb, "gdb", false, "")
	fs.BoolVar(&o.lockdep, "lockdep", false, "")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		if strings.HasPrefix(err.Error(), "flag provided but not defined") {
			return nil, usageError("%w\nthe flags are: %s (yolk -h explains them)", err, flagNames(fs))
		}
		return nil, usageError("%w", err)
	}
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	o.timeSet = given["timeout"]
	if fs.NArg() > 0 {
		o.program, o.args = fs.Arg(0), fs.Args()[1:]
		if o.program == "" {
			return nil, usageError("the program's name is empty")
		}
	}
	var err error
	if o.qemu, err = splitWords(extra); err != nil {
		return nil, usageError("-qemu: %w", err)
	}
	if err := o.setSwap(swap); err != nil {
		return nil, err
	}
	return o, o.check(given)
}

// check looks at what the flags say together.
func (o *options) check(given map[string]bool) error {
	switch o.accel {
	case "auto", "tcg", "kvm":
	default:
		return usageError("-accel %q: must be tcg, kvm or auto", o.accel)
	}
	if o.timeout <= 0 {
		return usageError("-timeout %v: must be more than 0", o.timeout)
	}
	if !o.icount {
		return nil
	}
	if given["smp"] && o.cpus != 1 {
		return usageError("-icount counts the instructions of one CPU: -smp %d can't go with it", o.cpus)
	}
	if o.accel == "kvm" {
		return usageError("-icount needs -accel tcg")
	}
	o.cpus = 1
	return nil
}

func parseMemory(s string) (int64, error) {
	n, err := parseSize(s)
	switch {
	case err != nil:
		return 0, err
	case n < minMemory:
		return 0, fmt.Errorf("the guest needs at least %s of RAM", formatSize(minMemory))
	case n > maxMemory:
		return 0, fmt.Errorf("the guest can use at most %s of RAM", formatSize(maxMemory))
	case n%4096 != 0:
		return 0, errors.New("must be a multiple of 4K")
	}
	return n, nil
}

func parseCPUs(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxCPUs {
		return 0, fmt.Errorf("must be a number of CPUs from 1 to %d", maxCPUs)
	}
	return n, nil
}

func (o *options) addFile(s string) error {
	host, guest, ok := strings.Cut(s, ":")
	if host == "" || ok && guest == "" {
		return errors.New("must be HOST or HOST:GUEST")
	}
	if !ok {
		guest = host[strings.LastIndexByte(host, '/')+1:]
		if guest == "" || guest == "." || guest == ".." {
			return errors.New("must name a file")
		}
	}
	o.files = append(o.files, fileFlag{host, guest})
	return nil
}

// setSwap tells a size from a file: what begins with a digit and has no slash
// must be a size.
func (o *options) setSwap(s string) error {
	if s == "" {
		return usageError("-swap: must be a size, a file, or 0 for none")
	}
	if s[0] < '0' || s[0] > '9' || strings.ContainsRune(s, '/') {
		o.swapFile = s
		return nil
	}
	n, err := parseSize(s)
	if err != nil {
		return usageError("-swap: %w (or a file: write ./%s)", err, s)
	}
	o.swapSize = n
	return nil
}

// splitWords splits at blanks; quotes of either kind keep blanks.
func splitWords(s string) ([]string, error) {
	var words []string
	var word strings.Builder
	quote, started := rune(0), false
	for _, c := range s {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, started = c, true
		case quote == 0 && unicode.IsSpace(c):
			if started {
				words = append(words, word.String())
				word.Reset()
				started = false
			}
		default:
			word.WriteRune(c)
			started = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("a %c is not closed", quote)
	}
	if started {
		words = append(words, word.String())
	}
	return words, nil
}

func flagNames(fs *flag.FlagSet) string {
	var names []string
	fs.VisitAll(func(f *flag.Flag) { names = append(names, "-"+f.Name) })
	return strings.Join(names, " ")
}

const usageText = `usage: yolk [flags] PROGRAM [ARGS...]
       yolk [flags]                  (a shell on this terminal)

Boots the Yolk kernel under QEMU and runs PROGRAM, a static x86-64 Linux executable
of this machine, in it: with this command's stdin, stdout, stderr and exit status.

  -m SIZE            guest RAM, at least 24M (64M)
  -smp N             CPUs, 1 to 8 (2)
  -swap SIZE|FILE    swap disk; 0 is none (128M). A FILE is used as it is if it is
                     a swap area, formatted if it is blank, refused otherwise
  -file HOST[:GUEST] put a file into the guest's root, under / by default; repeatable
  -root DIR|ARCHIVE  the guest's root: a directory, or a tar or cpio archive;
                     PROGRAM is looked for there first
  -disk FILE         a disk with a file system, mounted at /mnt
  -timeout DURATION  end the run (60s; no limit for an interactive session)
  -log FILE          the kernel's log
  -v                 the kernel's log on stderr
  -append "K=V ..."  kernel parameters
  -lockdep           run the kernel that checks its locking
  -accel WHICH       tcg, kvm or auto (auto)
  -icount            count instructions as time: the same in every run; one CPU
  -gdb               wait for gdb on :1234
  -qemu "ARGS"       further arguments for QEMU

At a terminal, Ctrl-A x ends the machine and Ctrl-A Ctrl-A is a Ctrl-A.

Exit status: the program's; 128+N if signal N killed it; 124 after -timeout; 125 if
the kernel panicked or the machine could not be run; 126 if PROGRAM can't be run,
127 if there is none; 2 for a wrong command line.
`
