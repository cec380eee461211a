package fs

import (
	"sync"
	"syscall"
	"testing"
)

// null opens /dev/null.
func null(t *testing.T) *File {
	t.Helper()
	f, e := rootCaller().Open(nil, "/dev/null", syscall.O_RDWR, 0)
	if e != 0 {
		t.Fatal(e)
	}
	return f
}

func TestFDTable(t *testing.T) {
	newRoot(t)
	ft := NewFDTable()
	f := null(t)
	install := func(min, limit, wantFD int, wantE syscall.Errno) {
		t.Helper()
		fd, e := ft.Install(f.Get(), min, limit, false)
		want(t, "install", e, wantE)
		if e != 0 {
			f.Put()
		} else if fd != wantFD {
			t.Errorf("got descriptor %d, want %d", fd, wantFD)
		}
	}
	install(0, 100, 0, 0)
	install(0, 100, 1, 0)
	install(0, 100, 2, 0)
	install(10, 100, 10, 0)
	install(10, 100, 11, 0)
	install(0, 100, 3, 0)
	want(t, "close", ft.Close(1), 0)
	want(t, "close twice", ft.Close(1), syscall.EBADF)
	want(t, "close -1", ft.Close(-1), syscall.EBADF)
	want(t, "close far out", ft.Close(1<<30), syscall.EBADF)
	install(0, 100, 1, 0)
	install(0, 4, 0, syscall.EMFILE)
	install(5, 4, 0, syscall.EINVAL)
	install(90, 100, 90, 0)
	install(1<<19, 1<<20, 0, syscall.ENOMEM) // a table of as much as this machine has
	install(1<<16, 1<<20, 1<<16, 0)
	want(t, "dup2", ft.InstallAt(f.Get(), 40, 100, true), 0)
	want(t, "dup2 over", ft.InstallAt(f.Get(), 2, 100, false), 0)
	if e := ft.InstallAt(f, 100, 100, false); e != syscall.EBADF {
		t.Errorf("dup2 beyond the limit: %v", e)
	}
	c := ft.Copy()
	c.CloseOnExec()
	if g := c.Lookup(40); g != nil {
		t.Error("a close-on-exec descriptor outlived exec")
	}
	if g := ft.Lookup(40); g == nil {
		t.Error("exec of the child closed the parent's descriptor")
	} else {
		g.Put()
	}
	ft.CloseRange(3, 1<<16-1, false)
	if fd := ft.Next(3); fd != 1<<16 {
		t.Errorf("after close_range the next descriptor is %d", fd)
	}
	ft.Put()
	c.Put()
	if n := f.refs.Load(); n != 1 {
		t.Errorf("%d references left, want 1", n)
	}
	f.Put()
}

func TestFDTableParallel(t *testing.T) {
	newRoot(t)
	ft, f := NewFDTable(), null(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 500 {
				fd, e := ft.Install(f.Get(), 0, 1000, false)
				if e != 0 {
					t.Error(e)
					return
				}
				if g := ft.Lookup(fd); g != nil {
					g.Put()
				}
				ft.Copy().Put()
				ft.Close(fd)
			}
		}()
	}
	wg.Wait()
	ft.Put()
	if n := f.refs.Load(); n != 1 {
		t.Errorf("%d references left, want 1", n)
	}
}
