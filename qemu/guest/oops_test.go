package guest

import "testing"

// TestOops puts a bug into the kernel (crash=NAME) and wants it reported and the
// run ended: the report of a panic, and the protections of the kernel's own
// memory, which a stray write or jump runs into.
func TestOops(t *testing.T) {
	for _, tt := range []struct {
		bug  string
		want []string
	}{
		{"nil", []string{"oops: runtime error: invalid memory address or nil pointer dereference", "system call", "code at main.poke", "=> ", "MOVB $0x1, 0(", "kernel/crash.go"}},
		{"panic", []string{"oops: asked for by crash=panic", "kernel/crash.go"}},
		{"thread", []string{"panic: runtime error: invalid memory address", "main.poke"}},
		{"text", []string{"unexpected fault address 0xffffffff8", "main.poke"}},
		{"smap", []string{"unexpected fault address 0x7ff", "main.poke"}},
		{"nx", []string{"unexpected fault address 0xffffffff8", "main.run"}},
		{"smep", []string{"unexpected fault address 0x4", "main.run"}},
	} {
		t.Run(tt.bug, func(t *testing.T) {
			t.Parallel()
			got := boot(t, machine{cpus: 1}, []string{"-v", "-append", "crash=" + tt.bug}, "",
				source{"glibc", "hello", []string{"c/hello.c"}}.build(t))
			run{status: 125, errOut: tt.want}.judge(t, got)
		})
	}
}
