// Mkorder generates, from locks/order.txt, the file locks/order_gen.go and the
// table and picture in docs/locking.md. Run it by go generate ./locks; with
// -check it changes nothing and fails when a file is out of date.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	check := flag.Bool("check", false, "only tell whether the generated files are current")
	flag.Parse()
	if err := run(*check, ".."); err != nil {
		fmt.Fprintln(os.Stderr, "mkorder:", err)
		os.Exit(1)
	}
}

// run generates the table of package locks and the marked part of docs/locking.md
// from the text, below the top of the source tree.
func run(check bool, top string) error {
	goFile := filepath.Join(top, "locks", "order_gen.go")
	docFile := filepath.Join(top, "docs", "locking.md")
	in, err := os.ReadFile(filepath.Join(top, "locks", "order.txt"))
	if err != nil {
		return err
	}
	o, err := parse(bytes.NewReader(in))
	if err != nil {
		return err
	}
	if err := o.scan(top); err != nil {
		return err
	}
	source, err := o.goSource()
	if err != nil {
		return err
	}
	old, err := os.ReadFile(docFile)
	if err != nil {
		return err
	}
	doc, err := o.splice(old)
	if err != nil {
		return fmt.Errorf("%s: %w", docFile, err)
	}
	if err := put(check, goFile, source); err != nil {
		return err
	}
	return put(check, docFile, doc)
}

// put writes the file, or with check compares it.
func put(check bool, name string, want []byte) error {
	have, err := os.ReadFile(name)
	if err == nil && bytes.Equal(have, want) {
		return nil
	}
	if check {
		return fmt.Errorf("%s is out of date: run go generate ./locks", name)
	}
	return os.WriteFile(name, want, 0o644)
}
