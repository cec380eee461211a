package guest

import "testing"

// TestPowerOff: reboot(2) ends the machine, and bin/yolk with status 0, whatever was
// still running.
func TestPowerOff(t *testing.T) {
	for _, command := range []string{"poweroff", "reboot", "halt"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			got := boot(t, machine{2, false}, nil, "", busybox.build(t), "sh", "-c", "sleep 1000 & echo before; "+command+" -f; echo after")
			if got.status != 0 || got.out != "before\n" {
				t.Errorf("status %d, stdout %q", got.status, got.out)
			}
		})
	}
}
