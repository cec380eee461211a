package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

func main() {
	status, err := start(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "yolk:", err)
		status = statusOf(err)
	}
	os.Exit(status)
}

// start runs one command line and returns the exit status.
func start(args []string) (int, error) {
	o, err := parseOptions(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Print(usageText)
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	j, err := prepare(o)
	if err != nil {
		return 0, err
	}
	defer j.close()
	return j.run()
}
