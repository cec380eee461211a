package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cavaliergopher/cpio"

	"yolk/qemu/elftest"
	"yolk/qemu/machine"
)

// The test binary plays three parts, told apart by the name it is started under:
// the tests, the command itself ("yolk"), and a stand-in for QEMU and the kernel
// that speaks their protocol. With the latter the whole command is tested without
// booting anything.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "yolk":
		main()
	case "qemu-system-x86_64":
		fakeQEMU(os.Args[1:])
	default:
		os.Exit(m.Run())
	}
}

// install lays out what the command expects around itself and returns its path,
// the directory to use as PATH, and a program to run.
type installation struct{ dir, yolk, path, program string }

func install(t *testing.T) *installation {
	t.Helper()
	dir := t.TempDir()
	in := &installation{dir: dir, yolk: filepath.Join(dir, "bin", "yolk"), path: filepath.Join(dir, "path"),
		program: filepath.Join(dir, "prog")}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{in.yolk, filepath.Join(in.path, "qemu-system-x86_64")} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		// A link to the binary would be followed to where the binary lies.
		if err := os.Link(self, name); err != nil {
			data, err := os.ReadFile(self)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, data, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	in.write(t, "out/yolk.elf", "kernel", 0o644)
	in.write(t, "out/yolk-lockdep.elf", "checking kernel", 0o644)
	in.write(t, "prog", string(elftest.Static()), 0o755)
	return in
}

func (in *installation) write(t *testing.T, name, data string, mode os.FileMode) string {
	t.Helper()
	p := filepath.Join(in.dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(data), mode); err != nil {
		t.Fatal(err)
	}
	return p
}

// command is bin/yolk with the given arguments, under TCG as nothing is executed.
func (in *installation) command(args ...string) *exec.Cmd {
	cmd := exec.Command(in.yolk, append([]string{"-accel", "tcg"}, args...)...)
	cmd.Dir = in.dir
	cmd.Env = []string{"PATH=" + in.path, "TMPDIR=" + in.dir}
	return cmd
}

// guest is what the fake kernel sees.
type guest struct {
	log, stdio, stderr, control *os.File
	monitor                     *os.File
	args                        []string // of QEMU
	argv                        []string // of the program
	tty                         bool
	files                       map[string]string // name -> type, mode and contents or link
	in                          *machine.DecodeStdin
	window                      machine.Window
}

// fakeQEMU finds its channels as QEMU would and does what the program's arguments
// say, one step each.
func fakeQEMU(args []string) {
	g := &guest{args: args, files: map[string]string{}}
	for i, a := range args {
		if i == 0 {
			continue
		}
		switch args[i-1] {
		case "-chardev":
			g.channel(a)
		case "-initrd":
			g.unpack(a)
		}
	}
	if g.control == nil {
		os.Exit(1) // a probe for KVM
	}
	g.in = &machine.DecodeStdin{R: bufio.NewReader(g.stdio), Window: func(w machine.Window) { g.window = w }}
	fmt.Fprintf(g.log, "yolk: fake kernel\n")
	fmt.Fprintln(g.control, "ready")
	if len(g.argv) == 0 {
		g.step("env")
	} else {
		for _, s := range g.argv[1:] {
			g.step(s)
		}
	}
	fmt.Fprintln(g.control, "exit 0")
}

func (g *guest) channel(arg string) {
	var id string
	var fd uintptr
	for _, kv := range strings.Split(arg, ",") {
		if v, ok := strings.CutPrefix(kv, "id="); ok {
			id = v
		}
		if v, ok := strings.CutPrefix(kv, "fd="); ok {
			n, _ := strconv.Atoi(v)
			fd = uintptr(n)
		}
	}
	f := os.NewFile(fd, id)
	switch id {
	case "log":
		g.log = f
	case "stdio":
		g.stdio = f
	case "stderr":
		g.stderr = f
	case "control":
		g.control = f
	case "monitor":
		g.monitor = f
	}
}

func (g *guest) unpack(name string) {
	f, err := os.Open(name)
	if err != nil {
		panic(err)
	}
	for r := cpio.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			panic(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			panic(err)
		}
		name := strings.TrimPrefix(h.Name, "./")
		if _, ok := g.files[name]; ok {
			panic("twice in the initrd: " + name)
		}
		g.files[name] = fmt.Sprintf("%o %s%s", uint32(h.Mode), h.Linkname, data)
	}
	var job struct {
		Argv []string
		TTY  bool
	}
	_, data, _ := strings.Cut(g.files[".yolk/run.json"], " ")
	if err := json.Unmarshal([]byte(data), &job); err != nil {
		panic(err)
	}
	g.argv, g.tty = job.Argv, job.TTY
}

func (g *guest) step(s string) {
	verb, arg, _ := strings.Cut(s, "=")
	n, _ := strconv.Atoi(arg)
	switch verb {
	case "out":
		fmt.Fprintln(g.stdio, arg)
	case "err":
		fmt.Fprintln(g.stderr, arg)
	case "log":
		fmt.Fprintln(g.log, arg)
	case "exit":
		fmt.Fprintf(g.control, "exit %d\n", n)
		os.Exit(n<<1 | 1)
	case "control":
		fmt.Fprintln(g.control, arg)
	case "panic":
		fmt.Fprintln(g.log, "oops: something broke")
		fmt.Fprintln(g.control, "panic")
		os.Exit(1)
	case "die":
		fmt.Fprintln(os.Stderr, "qemu: out of luck")
		os.Exit(1)
	case "hang": // as a kernel does that still answers an NMI
		fmt.Fprintln(g.log, "waiting for ever")
		command, _ := bufio.NewReader(g.monitor).ReadString('\n')
		fmt.Fprintf(g.log, "%s: goroutine 1 waits\n", strings.TrimSpace(command))
		time.Sleep(time.Hour)
	case "cat":
		g.cat()
	case "sum": // of stdin
		sum := sha256.New()
		n, _ := io.Copy(sum, stdinReader{g.in})
		fmt.Fprintf(g.stdio, "%d %x\n", n, sum.Sum(nil))
	case "big": // n bytes of a pattern on each channel
		for _, f := range []*os.File{g.stdio, g.stderr, g.log} {
			w := bufio.NewWriter(f)
			for i := range n {
				_ = w.WriteByte(byte(i * 7))
			}
			_ = w.Flush()
		}
	case "argv":
		fmt.Fprintf(g.stdio, "%q\n", g.argv)
	case "qemu":
		fmt.Fprintf(g.stdio, "%q\n", g.args)
	case "file":
		fmt.Fprintf(g.stdio, "%s\n", g.files[arg])
	case "swap": // the start of the swap disk
		g.showSwap()
	case "env":
		fmt.Fprintf(g.stdio, "argv=%q tty=%v\n", g.argv, g.tty)
	case "line": // one line of terminal input, then the window
		g.line()
	default:
		panic("unknown step " + s)
	}
}

type stdinReader struct{ d *machine.DecodeStdin }

func (r stdinReader) Read(p []byte) (int, error) {
	b, err := r.d.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = b
	return 1, nil
}

func (g *guest) cat() {
	_, _ = io.Copy(g.stdio, stdinReader{g.in})
}

func (g *guest) line() {
	var text []byte
	for {
		b, err := g.in.ReadByte()
		if err != nil || b == '\r' {
			break
		}
		text = append(text, b)
	}
	fmt.Fprintf(g.stdio, "%q tty=%v %dx%d\r\n", text, g.tty, g.window.Cols, g.window.Rows)
}

func (g *guest) showSwap() {
	for _, a := range g.args {
		if !strings.HasPrefix(a, "if=none,id=swap,") {
			continue
		}
		_, rest, _ := strings.Cut(a, "file=")
		name, _, _ := strings.Cut(rest, ",")
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			panic(err)
		}
		size, _ := f.Seek(0, io.SeekEnd)
		var mark [10]byte
		_, _ = f.ReadAt(mark[:], 4086)
		fmt.Fprintf(g.stdio, "%d %s\n", size, mark)
		return
	}
	fmt.Fprintln(g.stdio, "none")
}
