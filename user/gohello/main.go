// Command gohello is the smallest stock Go program: it greets, repeats its
// arguments, and exits with -exit.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	status := flag.Int("exit", 0, "exit status")
	flag.Parse()
	fmt.Println("hello, world")
	for i, a := range flag.Args() {
		fmt.Printf("argument %d: %s\n", i+1, a)
	}
	fmt.Fprintln(os.Stderr, "a word on stderr")
	os.Exit(*status)
}
