package mm

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"yolk/locks"
	"yolk/locks/explore"
)

// Acquisitions of locks in this package, and how to leave one out (-omit, a line of
// the source) or to note which are come by (-reach): for omissions_test.go.

var (
	omitSite  = flag.String("omit", "", "leave out the acquisition at file.go:line, with its release")
	omissions = flag.Bool("omissions", false, "leave each acquisition out in turn and write docs/mutants.md (make omissions)")
	omitOnly  = flag.String("only", "", "with -omissions: only acquisitions that match")
	reachFile = flag.String("reach", "", "write to this file which acquisitions are come by, and in which scenario")
)

// lockWrappers take a lock for their caller, whose line is the one that counts.
var lockWrappers = map[string]bool{
	"vmlistAccessLock": true, "vmlistModifyLock": true, "lockVMAMappings": true, "LockShm": true, "LockPage": true, "TryLockPage": true,
}

func TestMain(m *testing.M) {
	flag.Parse()
	if *omitSite != "" {
		locks.Omit(bySite(func(site string) bool { return site == *omitSite }))
	}
	if *reachFile != "" {
		locks.Omit(func(pcs []uintptr) bool { reached.add(stackKey(pcs), true); return false })
	}
	status := m.Run()
	noteReached("test")
	os.Exit(status)
}

// stackKey are as many return addresses as lead from a lock to the place that takes it.
func stackKey(pcs []uintptr) [8]uintptr { return [8]uintptr(pcs[:8]) }

// siteOf is the place, file.go:line, from which a stack takes its lock.
func siteOf(pcs []uintptr) string {
	for _, f := range explore.Frames(pcs) {
		if where, name, _ := strings.Cut(f, " "); !lockWrappers[name] {
			return where
		}
	}
	return ""
}

// bySite makes of a question about a place one about a stack, and keeps the answers.
func bySite(is func(site string) bool) func([]uintptr) bool {
	var known stackMap
	return func(pcs []uintptr) bool {
		key := stackKey(pcs)
		v, ok := known.Load(key)
		if !ok {
			v = is(siteOf(pcs))
			known.add(key, v.(bool))
		}
		return v.(bool)
	}
}

// stackMap keeps something of stacks. Who takes a spinlock must not park, so whoever
// finds another one at work adds nothing: it comes by again.
type stackMap struct {
	sync.Map
	adding atomic.Bool
}

func (m *stackMap) add(key [8]uintptr, v bool) {
	if _, ok := m.Load(key); !ok && m.adding.CompareAndSwap(false, true) {
		m.Store(key, v)
		m.adding.Store(false)
	}
}

// reached are the stacks that took a lock since noteReached was called.
var reached stackMap

// noteReached adds to -reach what was come by, as that of a scenario.
func noteReached(scene string) {
	if *reachFile == "" {
		return
	}
	sites := map[string]bool{}
	for key := range reached.Range {
		pcs := key.([8]uintptr)
		sites[siteOf(pcs[:])] = true
	}
	reached.Clear()
	f, err := os.OpenFile(*reachFile, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	for site := range sites {
		fmt.Fprintln(f, scene, site)
	}
}

// lockSite is one acquisition in the source: file.go:line, file, function, and call,
// with a number if the function has several of the kind.
type lockSite struct{ where, file, in, call string }

// id names it as long as the function stays.
func (s lockSite) id() string { return s.file + " " + s.in + " " + s.call }

// row is the beginning of its row in the report.
func (s lockSite) row() string { return fmt.Sprintf("| `%s` %s | `%s`", s.file, s.in, s.call) }

// lockSites lists them.
func lockSites(t *testing.T) (sites []lockSite) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "inject") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil || lockWrappers[fn.Name.Name] {
				continue
			}
			ast.Inspect(fn.Body, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					if s := lockCall(call); s != "" {
						site := lockSite{fmt.Sprintf("%s:%d", name, fset.Position(call.Pos()).Line), name, fn.Name.Name, s}
						for n := 2; slices.ContainsFunc(sites, func(o lockSite) bool { return o.id() == site.id() }); n++ {
							site.call = fmt.Sprintf("%s (%d)", s, n)
						}
						sites = append(sites, site)
					}
				}
				return true
			})
		}
	}
	return sites
}

// lockCall is the text of a call that takes a lock, or empty.
func lockCall(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		if lockWrappers[f.Name] {
			return f.Name
		}
	case *ast.SelectorExpr:
		of := exprText(f.X)
		switch f.Sel.Name {
		case "Lock", "TryLock", "RLock", "LockKernel":
			return of + "." + f.Sel.Name
		}
	}
	return ""
}

func exprText(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return exprText(e.X) + "." + e.Sel.Name
	}
	return "?"
}
