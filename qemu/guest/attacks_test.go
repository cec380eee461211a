package guest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestAttacksAreListed: docs/attacks.md names the cases of user/attack, under the name of
// their file and in their order, and every file is part of a suite.
func TestAttacksAreListed(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(top, "docs", "attacks.md"))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string][]string{}
	heading := regexp.MustCompile("^.*\\(`(\\w+).c`\\)")
	word := regexp.MustCompile("`(\\w+)`")
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		title, names, _ := strings.Cut(section, "\n")
		file := heading.FindStringSubmatch(title)
		if file == nil {
			t.Fatalf("no file in the heading %q", title)
		}
		for _, n := range word.FindAllStringSubmatch(names, -1) {
			listed[file[1]] = append(listed[file[1]], n[1])
		}
	}
	files, _ := filepath.Glob(filepath.Join(top, "user", "attack", "*.c"))
	total := 0
	for _, path := range files {
		code, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var cases []string
		for _, n := range regexp.MustCompile(`(?m)^TEST\((\w+)\)`).FindAllStringSubmatch(string(code), -1) {
			cases = append(cases, n[1])
		}
		name := strings.TrimSuffix(filepath.Base(path), ".c")
		if !slices.Equal(cases, listed[name]) {
			t.Errorf("docs/attacks.md lists for %s.c\n%v\nand there are\n%v", name, listed[name], cases)
		}
		inSuite := slices.ContainsFunc(suites, func(s suite) bool {
			return slices.Contains(s.files, "attack/"+filepath.Base(path))
		})
		if !inSuite {
			t.Errorf("%s.c is in no suite", name)
		}
		total += len(cases)
	}
	if total < 25 {
		t.Errorf("only %d attacks", total)
	}
}
