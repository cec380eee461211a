// Command layers checks that packages import only downwards, in both builds: the
// folders show the architecture, and this keeps them honest.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// module is the prefix of our own packages.
const module = "yolk/"

// layers lists the kernel's folders from the top down. A package may import its
// own folder and those below it.
var layers = []string{"kernel", "syscall", "proc", "sched", "fs", "mm", "drivers", "locks", "arch"}

// apart are folders that import none but themselves, and that none imports.
var apart = []string{"boot", "qemu", "user"}

func main() {
	bad := 0
	for _, tags := range []string{"", "yolk", "yolk,lockdep"} {
		// -e: a package may have no files in one of the builds.
		cmd := exec.Command("go", "list", "-e", "-tags", tags, "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./...")
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			fmt.Fprintln(os.Stderr, "layers: go list:", err)
			os.Exit(2)
		}
		for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
			f := strings.Fields(line)
			for _, e := range check(f[0], f[1:]) {
				fmt.Printf("%s (build tags: %q)\n", e, tags)
				bad++
			}
		}
	}
	if bad > 0 {
		os.Exit(1)
	}
}

// check says what is wrong with a package's imports.
func check(pkg string, imports []string) (errors []string) {
	from, ok := folder(pkg)
	if !ok {
		return nil
	}
	if rank(from) < 0 && !isApart(from) {
		return []string{pkg + ": the folder " + from + " has no layer"}
	}
	for _, i := range imports {
		to, ours := folder(i)
		switch {
		case !ours || from == to:
		case isApart(from) || isApart(to):
			errors = append(errors, fmt.Sprintf("%s imports %s: %s and %s have nothing to do with each other", pkg, i, from, to))
		case rank(to) < rank(from):
			errors = append(errors, fmt.Sprintf("%s imports %s, which stands above it", pkg, i))
		}
	}
	return errors
}

func folder(pkg string) (string, bool) {
	rest, ok := strings.CutPrefix(pkg, module)
	top, _, _ := strings.Cut(rest, "/")
	return top, ok
}

func rank(folder string) int {
	for i, l := range layers {
		if l == folder {
			return i
		}
	}
	return -1
}

func isApart(folder string) bool {
	for _, a := range apart {
		if a == folder {
			return true
		}
	}
	return false
}
