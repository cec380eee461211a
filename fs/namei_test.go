package fs

import (
	"strings"
	"syscall"
	"testing"
)

func tree(t *testing.T) Caller {
	return newRoot(t,
		member{name: ".", mode: dirMode},
		member{name: "bin/sh", mode: syscall.S_IFREG | 0o755, data: "#!shell"},
		member{name: "etc", mode: dirMode},
		member{name: "etc/passwd", mode: fileMode, data: "root:x:0:0"},
		member{name: "link", mode: linkMode, data: "etc/passwd"},
		member{name: "abs", mode: linkMode, data: "/etc"},
		member{name: "loop", mode: linkMode, data: "loop"},
		member{name: "dangling", mode: linkMode, data: "etc/nothing"},
		member{name: "deep", mode: linkMode, data: "abs/../link"},
		member{name: "secret", mode: syscall.S_IFDIR | 0o700},
		member{name: "secret/f", mode: fileMode, data: "x"},
	)
}

func TestResolve(t *testing.T) {
	c := tree(t)
	long := strings.Repeat("x", 256)
	for _, tc := range []struct {
		path   string
		follow bool
		e      syscall.Errno
		at     string // the path that the result has
	}{
		{"/", true, 0, "/"},
		{"", true, syscall.ENOENT, ""},
		{"/etc/passwd", true, 0, "/etc/passwd"},
		{"etc//./passwd", true, 0, "/etc/passwd"},
		{"/../../etc", true, 0, "/etc"},
		{"etc/", true, 0, "/etc"},
		{"etc/passwd/", true, syscall.ENOTDIR, ""},
		{"etc/passwd/x", true, syscall.ENOTDIR, ""},
		{"etc/nothing", true, syscall.ENOENT, ""},
		{"link", true, 0, "/etc/passwd"},
		{"link", false, 0, "/link"},
		{"link/", false, syscall.ENOTDIR, ""},
		{"abs/passwd", false, 0, "/etc/passwd"},
		{"abs", false, 0, "/abs"},
		{"abs/", false, 0, "/etc"},
		{"deep", true, 0, "/etc/passwd"},
		{"loop", true, syscall.ELOOP, ""},
		{"loop", false, 0, "/loop"},
		{"loop/x", true, syscall.ELOOP, ""},
		{"dangling", true, syscall.ENOENT, ""},
		{long, true, syscall.ENAMETOOLONG, ""},
		{strings.Repeat("a/", 2048), true, syscall.ENAMETOOLONG, ""},
		{"/dev/null", true, 0, "/dev/null"},
		{"/proc", true, 0, "/proc"},
		{"/proc/..", true, 0, "/"},
		{"/proc/../etc", true, 0, "/etc"},
	} {
		d, e := c.Resolve(nil, tc.path, tc.follow)
		want(t, tc.path, e, tc.e)
		if e != 0 {
			continue
		}
		if at, ok := PathOf(Root(), d); at != tc.at || !ok {
			t.Errorf("%s leads to %s, want %s", tc.path, at, tc.at)
		}
	}
}

func TestResolveRelative(t *testing.T) {
	c := tree(t)
	etc, _ := c.Resolve(nil, "/etc", true)
	if d, e := c.Resolve(etc, "passwd", true); e != 0 || d.name != "passwd" {
		t.Errorf("passwd from /etc: %v", e)
	}
	want(t, "chdir", c.Chdir(etc), 0)
	if d, e := c.Resolve(nil, "../bin/sh", true); e != 0 || d.name != "sh" {
		t.Errorf("../bin/sh from /etc: %v", e)
	}
	if cwd, e := c.FS.Getcwd(); cwd != "/etc" || e != 0 {
		t.Errorf("getcwd is %q, %v", cwd, e)
	}
	passwd, _ := c.Resolve(nil, "passwd", true)
	want(t, "chdir to a file", c.Chdir(passwd), syscall.ENOTDIR)
	want(t, "chroot", c.Chroot(etc), 0)
	if d, e := c.Resolve(nil, "/../passwd", true); e != 0 || d != passwd {
		t.Errorf("/../passwd under /etc: %v", e)
	}
}

func TestPermissions(t *testing.T) {
	c := tree(t)
	user := Caller{FS: c.FS, Cred: &Cred{UID: 1000, GID: 1000, Groups: []uint32{50}}}
	for _, tc := range []struct {
		path  string
		flags uint32
		e     syscall.Errno
	}{
		{"/etc/passwd", syscall.O_RDONLY, 0},
		{"/etc/passwd", syscall.O_WRONLY, syscall.EACCES},
		{"/etc/passwd", syscall.O_RDONLY | syscall.O_TRUNC, syscall.EACCES},
		{"/secret/f", syscall.O_RDONLY, syscall.EACCES},
		{"/secret", syscall.O_RDONLY, syscall.EACCES},
		{"/etc/new", syscall.O_CREAT | syscall.O_WRONLY, syscall.EACCES},
		{"/tmp/new", syscall.O_CREAT | syscall.O_WRONLY, 0},
	} {
		f, e := user.Open(nil, tc.path, tc.flags, 0o600)
		want(t, tc.path, e, tc.e)
		if e == 0 {
			f.Put()
		}
	}
	if _, e := user.OpenExec(nil, "/etc/passwd"); e != syscall.EACCES {
		t.Errorf("exec of a file without x: %v", e)
	}
	if _, e := c.OpenExec(nil, "/etc/passwd"); e != syscall.EACCES {
		t.Errorf("root's exec of a file without x: %v", e)
	}
	put(t, c, "/tmp/roots", "")
	want(t, "unlink in a sticky directory", user.Unlink(nil, "/tmp/roots"), syscall.EPERM)
	want(t, "unlink of one's own", user.Unlink(nil, "/tmp/new"), 0)
	d, _ := c.Resolve(nil, "/etc/passwd", true)
	want(t, "chmod of another's", user.Chmod(d.inode, 0o777), syscall.EPERM)
	want(t, "chown of another's", user.Chown(d.inode, 1000, NoID), syscall.EPERM)
}

func TestOpenFlags(t *testing.T) {
	c := tree(t)
	for _, tc := range []struct {
		path  string
		flags uint32
		e     syscall.Errno
	}{
		{"/etc/passwd", syscall.O_CREAT | syscall.O_EXCL, syscall.EEXIST},
		{"/dangling", syscall.O_CREAT | syscall.O_EXCL, syscall.EEXIST},
		{"/link", syscall.O_NOFOLLOW, syscall.ELOOP},
		{"/link", syscall.O_NOFOLLOW | OPath, 0},
		{"/etc/passwd", syscall.O_DIRECTORY, syscall.ENOTDIR},
		{"/etc", syscall.O_WRONLY, syscall.EISDIR},
		{"/etc", syscall.O_CREAT, syscall.EISDIR},
		{"/etc", syscall.O_RDONLY | syscall.O_DIRECTORY, 0},
		{"/new/", syscall.O_CREAT | syscall.O_WRONLY, syscall.EISDIR},
		{"/no/new", syscall.O_CREAT | syscall.O_WRONLY, syscall.ENOENT},
		{"/dangling", syscall.O_CREAT | syscall.O_WRONLY, 0}, // makes /etc/nothing
		{"/etc/nothing", syscall.O_RDONLY, 0},
		{"/loop", syscall.O_RDONLY, syscall.ELOOP},
		{"/proc/new", syscall.O_CREAT | syscall.O_WRONLY, syscall.EPERM},
		{"/dev/tty", syscall.O_RDWR, syscall.ENXIO},
	} {
		f, e := c.Open(nil, tc.path, tc.flags, 0o644)
		want(t, tc.path, e, tc.e)
		if e == 0 {
			f.Put()
		}
	}
}
