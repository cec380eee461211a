package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// named is a `file:name` of docs/1999-map.md.
var named = regexp.MustCompile("`([a-z0-9_/]+\\.(?:go|c|txt)):(\\w+)`")

// TestMapNamesExist: every function, type, test and case that docs/1999-map.md
// names exists in the file where it says.
func TestMapNamesExist(t *testing.T) {
	const top = "../.."
	text, err := os.ReadFile(filepath.Join(top, "docs", "1999-map.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := named.FindAllStringSubmatch(string(text), -1)
	if len(found) < 100 {
		t.Fatalf("only %d names in the map", len(found))
	}
	files := map[string]map[string]bool{}
	for _, m := range found {
		file, name := m[1], m[2]
		if files[file] == nil {
			if files[file], err = names(filepath.Join(top, file)); err != nil {
				t.Error(err)
				files[file] = map[string]bool{}
			}
		}
		if !files[file][name] {
			t.Errorf("%s has no %s", file, name)
		}
	}
	for i, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "| ") && strings.Contains(line, "|  |") {
			t.Errorf("line %d has an empty cell", i+1)
		}
	}
}

// names lists what a Go file declares, or the cases and functions of a C file.
func names(path string) (map[string]bool, error) {
	all := map[string]bool{}
	if !strings.HasSuffix(path, ".go") {
		text, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`TEST\((\w+)\)|\b(\w+)\([^;]*\)\n\{`).FindAllSubmatch(text, -1) {
			all[string(m[1])+string(m[2])] = true
		}
		return all, err
	}
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		return nil, err
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			all[d.Name.Name] = true
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					all[s.Name.Name] = true
				case *ast.ValueSpec:
					for _, n := range s.Names {
						all[n.Name] = true
					}
				}
			}
		}
	}
	return all, nil
}
