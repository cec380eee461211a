package main

import "testing"

func TestCheck(t *testing.T) {
	tests := []struct {
		pkg, imported string
		ok            bool
	}{
		{"yolk/mm", "yolk/locks", true},
		{"yolk/mm", "fmt", true},
		{"yolk/mm", "yolk/drivers/blk", true},
		{"yolk/arch/amd64", "yolk/arch", true},
		{"yolk/locks", "yolk/mm", false},
		{"yolk/arch", "yolk/kernel", false},
		{"yolk/kernel", "yolk/qemu", false},
		{"yolk/qemu", "yolk/mm", false},
		{"yolk/qemu", "yolk/qemu/machine", true},
		{"yolk/strange", "fmt", false},
	}
	for _, test := range tests {
		if errs := check(test.pkg, []string{test.imported}); (len(errs) == 0) != test.ok {
			t.Errorf("%s imports %s: %v", test.pkg, test.imported, errs)
		}
	}
}
