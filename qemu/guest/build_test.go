package guest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// top is the top of the source tree, as seen from this package.
const top = "../.."

// builds keeps what has been compiled, by name.
var builds struct {
	dir string // removed when all tests have ended
	mu  sync.Mutex
	one map[string]func() error // by output file; protected by mu
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "yolk-guest")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	builds.dir, builds.one = dir, map[string]func() error{}
	status := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(status)
}

// source says what a program is made from and with: a Go package, C files, or a
// file of the host as it is.
type source struct {
	lang  string   // "go", "glibc", "musl", "nolibc" or "host"
	name  string   // of the program
	files []string // below user: the package, or C files (patterns); or one host file
}

var compilers = map[string]string{"glibc": "gcc", "musl": "musl-gcc", "nolibc": "gcc"}

// noLibc is how the Makefile builds user/bench.
var noLibc = strings.Fields("-nostdlib -ffreestanding -fno-stack-protector -fno-pie -no-pie -mno-sse")

// build compiles the program, once for all tests, and returns its path.
func (s source) build(t *testing.T) string {
	t.Helper()
	if s.lang == "host" {
		p, err := exec.LookPath(s.files[0])
		if err != nil {
			t.Fatalf("%v (make test installs what the tests need)", err)
		}
		return p
	}
	out := filepath.Join(builds.dir, s.lang, s.name)
	builds.mu.Lock()
	once, ok := builds.one[out]
	if !ok {
		once = sync.OnceValue(func() error { return s.compile(out) })
		builds.one[out] = once
	}
	builds.mu.Unlock()
	if err := once(); err != nil {
		t.Fatal(err)
	}
	return out
}

func (s source) compile(out string) error {
	var cmd *exec.Cmd
	if s.lang == "go" {
		cmd = exec.Command("go", "build", "-o", out, "./user/"+s.files[0])
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	} else {
		args := []string{"-static", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", out}
		for _, f := range s.files {
			found, err := filepath.Glob(filepath.Join(top, "user", f))
			if err != nil || len(found) == 0 {
				return fmt.Errorf("user/%s: no such source (%v)", f, err)
			}
			for _, f := range found {
				args = append(args, strings.TrimPrefix(f, top+"/"))
			}
		}
		if s.lang == "nolibc" {
			args = append(args, noLibc...)
		} else {
			args = append(args, "-lm")
		}
		cmd = exec.Command(compilers[s.lang], args...)
	}
	cmd.Dir = top
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w (make test installs what the tests need)\n%s", strings.Join(cmd.Args, " "), err, text)
	}
	return nil
}
