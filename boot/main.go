// Command boot turns the linked kernel, an ordinary Go ELF, into an image that a
// PVH loader starts: it sets physical load addresses, and adds the PVH note and
// a stub that goes from 32-bit protected mode to the kernel's 64-bit entry.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	out := flag.String("o", "", "the image to write")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: boot -o IMAGE LINKED-KERNEL")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 || *out == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := build(*out, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "boot:", err)
		os.Exit(1)
	}
}
