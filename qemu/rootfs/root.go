package rootfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/cavaliergopher/cpio"
)

// Root is a root file system for the guest, and a table of what is in it.
// Immutable once opened.
type Root struct {
	src   source
	host  string           // of a directory: its absolute path without symbolic links
	index map[string]entry // by clean relative name
}

type entry struct {
	mode cpio.FileMode
	link string
}

// Open looks through the directory or archive named where; "" is the built-in root.
func Open(where string) (*Root, error) {
	r := &Root{src: builtin{}, index: map[string]entry{}}
	if where != "" {
		info, err := os.Stat(where)
		if err != nil {
			return nil, err
		}
		r.src = archive(where)
		if info.IsDir() {
			r.src = directory(where)
			if r.host, err = realPath(where); err != nil {
				return nil, err
			}
		}
	}
	err := r.src.walk(func(h *cpio.Header, _ io.Reader) error {
		r.index[h.Name] = entry{h.Mode, h.Linkname}
		return nil
	})
	return r, err
}

func realPath(p string) (string, error) {
	abs, err := filepath.Abs(p)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(abs)
}

// Builtin says whether this is the root that no -root was named for.
func (r *Root) Builtin() bool { _, ok := r.src.(builtin); return ok }

// Find gives the guest path of a program that is already in the root: either an
// absolute path that the root holds, or a host path inside the root's directory.
func (r *Root) Find(program string) (guest string, ok bool) {
	if r.Builtin() {
		return "", false
	}
	if path.IsAbs(program) {
		if name, err := r.resolve(program); err == nil && isRegular(r.index[name].mode) {
			return path.Clean(program), true
		}
	}
	if r.host == "" {
		return "", false
	}
	// The directory part only: the program itself may be a link whose own name matters.
	dir, err := realPath(filepath.Dir(program))
	if err != nil {
		return "", false
	}
	rel, err := filepath.Rel(r.host, filepath.Join(dir, filepath.Base(program)))
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return "", false
	}
	if _, ok := r.index[cleanName(rel)]; !ok {
		return "", false
	}
	return "/" + cleanName(rel), true
}

// Has reports whether the root holds a regular file at a guest path, through
// symbolic links.
func (r *Root) Has(guest string) bool {
	name, err := r.resolve(guest)
	return err == nil && isRegular(r.index[name].mode)
}

var errFound = errors.New("found")

// ReadFile returns the contents of a regular file of the root, through symbolic links.
func (r *Root) ReadFile(guest string) (data []byte, err error) {
	name, err := r.resolve(guest)
	if err != nil {
		return nil, err
	}
	err = r.src.walk(func(h *cpio.Header, body io.Reader) error {
		if h.Name != name || !isRegular(h.Mode) {
			return nil
		}
		if data, err = io.ReadAll(body); err != nil {
			return err
		}
		return errFound
	})
	switch {
	case errors.Is(err, errFound):
		return data, nil
	case err != nil:
		return nil, err
	}
	return nil, fmt.Errorf("%s in the guest's root: %w", guest, fs.ErrNotExist)
}

// maxLinks is Linux's limit on symbolic links in one walk.
const maxLinks = 40

// resolve follows the root's symbolic links in a guest path, as the guest would,
// and returns the clean name. What the root does not hold is taken as it is
// written: it may be about to be added.
func (r *Root) resolve(guest string) (string, error) {
	rest := strings.Split(cleanName(guest), "/")
	done := ""
	for links := 0; len(rest) > 0; {
		next := cleanName(path.Join("/", done, rest[0])) // ".." stops at the root
		rest = rest[1:]
		e, ok := r.index[next]
		if !ok || e.mode&cpio.ModeType != cpio.TypeSymlink {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("%s: too many symbolic links in the guest's root", guest)
		}
		if path.IsAbs(e.link) {
			done = ""
		}
		rest = append(strings.Split(strings.Trim(e.link, "/"), "/"), rest...)
	}
	return done, nil
}

func isRegular(m cpio.FileMode) bool { return m&cpio.ModeType == cpio.TypeReg }
