package guest

import (
	"os/exec"
	"regexp"
	"testing"
)

var library = regexp.MustCompile(`(?m)(/\S+) \(0x`)

// withLibraries returns the flags that put a host program's dynamic linker and
// libraries, as ldd names them, into the guest.
func withLibraries(t *testing.T, programs ...string) (flags []string) {
	t.Helper()
	for _, p := range programs {
		out, err := exec.Command("ldd", p).Output()
		if err != nil {
			t.Fatalf("ldd %s: %v", p, err)
		}
		for _, m := range library.FindAllStringSubmatch(string(out), -1) {
			flags = append(flags, "-file", m[1]+":"+m[1])
		}
	}
	return flags
}

// TestDynamic runs programs of the host's that need shared libraries, and compares.
func TestDynamic(t *testing.T) {
	const script = `for i in 1 2 3; do echo "line $i"; done | while read -r x; do echo "got $x"; done
ls -d /bin /tmp; a=(x y z); echo "${a[1]} ${#a[@]}"; printf '%05d\n' 42; exit 7`
	for _, m := range twoMachines {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			flags := append(withLibraries(t, "/bin/bash", "/bin/ls"), "-file", "/bin/ls:/bin/ls")
			got := boot(t, m, flags, "", "/bin/bash", "-c", script)
			same(t, got, execute(t, "", guestTime, "/bin/bash", "-c", script))
		})
	}
}
