package fs

import (
	"fmt"
	"io"

	"yolk/arch"
)

// registerCPUs makes the files of /sys that tell which CPUs there are.
func registerCPUs() {
	list := func(w io.Writer) {
		if n := arch.NumCPU(); n > 1 {
			fmt.Fprintf(w, "0-%d\n", n-1)
		} else {
			fmt.Fprintln(w, "0")
		}
	}
	for _, name := range []string{"online", "possible", "present"} {
		RegisterSys("devices/system/cpu/"+name, list)
	}
	RegisterSys("devices/system/cpu/offline", func(w io.Writer) { fmt.Fprintln(w) })
	for cpu := range arch.NumCPU() {
		RegisterSys(fmt.Sprintf("devices/system/cpu/cpu%d/online", cpu), func(w io.Writer) { fmt.Fprintln(w, 1) })
	}
}
