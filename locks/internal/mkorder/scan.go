package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// used finds where a class is given to a lock: by Init, or by NoteAcquire where the
// lock is no type of package locks. kernel_lock is that package's own variable.
var used = regexp.MustCompile(`\.Init\(locks\.(\w+)[,)]|NoteAcquire\(locks\.(\w+),|(?m)^var (kernelLock)\b`)

// scan notes for each class the files below top that have locks of it. A class
// without any is an error: the text would name a lock that does not exist.
func (o *order) scan(top string) error {
	files := map[string][]string{} // by the class's Go name
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(top, path)
		for _, m := range used.FindAllStringSubmatch(string(text), -1) {
			name := m[1] + m[2]
			if m[3] != "" {
				name = "KernelLock"
			}
			if !slices.Contains(files[name], rel) {
				files[name] = append(files[name], rel)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	for i := range o.classes {
		c := &o.classes[i]
		if c.files = files[c.goName()]; c.files == nil {
			return fmt.Errorf("order.txt: no lock is of class %s", c.name)
		}
	}
	return nil
}
