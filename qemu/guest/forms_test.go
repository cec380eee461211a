package guest

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// forms are other ways of swapping that a kernel parameter selects: what runs
// under each, and what it has to count in /proc/vmstat.
var forms = []struct {
	name    string
	flags   []string
	program source
	cases   string
	counts  []string
}{
	{"bigmem", []string{"-m", "36M", "-append", "bigmem=12M"}, c("swaptest", "swaptest/*.c"),
		"forwards_and_backwards fork_shares_swapped_pages", []string{"bigmem_swapout", "bigmem_replace"}},
	{"1999", []string{"-m", "32M", "-append", "swapout=1999"}, c("disktest", "disktest/*.c"),
		"larger_than_memory", []string{"swapout_file"}},
}

// TestEveryForm runs on every machine what shows each form at work.
func TestEveryForm(t *testing.T) {
	for _, f := range forms {
		for _, m := range everyMachine {
			t.Run(f.name+"/"+m.String(), func(t *testing.T) {
				t.Parallel()
				disk := image(t, 80<<20)
				e2fs(t, "mkfs.ext2", "-q", "-F", disk)
				flags := slices.Concat(f.flags, []string{"-disk", disk, "-file", f.program.build(t) + ":/program"})
				got := boot(t, m, flags, "", busybox.build(t), "sh", "-c", "/program "+f.cases+" && cat /proc/vmstat")
				checkTAP(t, got)
				if n := strings.Count(got.out, "\nok "); n != len(strings.Fields(f.cases)) {
					t.Errorf("%d cases ran", n)
				}
				for _, name := range f.counts {
					if !regexp.MustCompile(`(?m)^` + name + ` [1-9]`).MatchString(got.out) {
						t.Errorf("%s is not above zero", name)
					}
				}
			})
		}
	}
}
