package rootfs

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/cavaliergopher/cpio"
)

// Job is what the kernel is to run; it is /.yolk/run.json in the guest.
type Job struct {
	Argv []string `json:"argv"` // Argv[0] is a guest path; empty: the shell
	Env  []string `json:"env"`
	TTY  bool     `json:"tty"`                 // stdin and stdout are a terminal
	One  bool     `json:"onescreen,omitempty"` // and stderr is the same one
	Rows uint16   `json:"rows,omitempty"`
	Cols uint16   `json:"cols,omitempty"`
	Dir  string   `json:"cwd"`
}

// jobFile is where the kernel looks for its Job.
const jobFile = ".yolk/run.json"

// Addition is a file that a run puts into the guest's root: a file of the host,
// or a symbolic link if Link is set.
type Addition struct {
	Host  string
	Guest string
	Link  string
	Exec  bool // make it executable whatever its mode on the host
}

// Build writes the archive for one run.
func (r *Root) Build(w io.Writer, job *Job, add []Addition) error {
	b := &builder{out: cpio.NewWriter(w), root: r, added: map[string]bool{}, made: map[string]bool{}}
	type placed struct {
		Addition
		name string
	}
	var files []placed
	for _, a := range add {
		name, err := b.place(a.Guest)
		if err != nil {
			return err
		}
		files = append(files, placed{a, name})
	}
	b.added[jobFile] = true
	if err := r.src.walk(b.visitBase); err != nil {
		return err
	}
	last := map[string]int{}
	for i, f := range files {
		last[f.name] = i
	}
	for i, f := range files {
		if last[f.name] != i {
			continue // named again later: the later one counts
		}
		if err := b.addition(f.Addition, f.name); err != nil {
			return err
		}
	}
	data, err := json.Marshal(job)
	if err != nil {
		return err
	}
	h := &cpio.Header{Name: jobFile, Mode: cpio.TypeReg | 0o600, Size: int64(len(data))}
	if err := b.parents(jobFile); err != nil {
		return err
	}
	if err := b.write(h, strings.NewReader(string(data))); err != nil {
		return err
	}
	return b.out.Close()
}

type builder struct {
	out   *cpio.Writer
	root  *Root
	added map[string]bool // names that hide the base's
	made  map[string]bool // directories in the archive so far
}

// place says under which name a file for guest goes into the archive, and hides
// the base's file there. The directory is resolved as the guest would do it: /bin
// may be a link to usr/bin.
func (b *builder) place(guest string) (string, error) {
	if cleanName(guest) == "" {
		return "", fmt.Errorf("%q names no file in the guest", guest)
	}
	dir, err := b.root.resolve(path.Dir("/" + cleanName(guest)))
	if err != nil {
		return "", err
	}
	name := cleanName(path.Join(dir, path.Base(guest)))
	if e, ok := b.root.index[name]; ok && e.mode.IsDir() {
		return "", fmt.Errorf("%s is a directory in the guest", guest)
	}
	b.added[name] = true
	return name, nil
}

func (b *builder) visitBase(h *cpio.Header, body io.Reader) error {
	if b.added[h.Name] {
		return nil
	}
	if h.Mode.IsDir() {
		if b.made[h.Name] {
			return nil
		}
		b.made[h.Name] = true
	}
	if err := b.parents(h.Name); err != nil {
		return err
	}
	return b.write(h, body)
}

func (b *builder) addition(a Addition, name string) error {
	if err := b.parents(name); err != nil {
		return err
	}
	if a.Link != "" {
		return b.write(&cpio.Header{Name: name, Mode: cpio.TypeSymlink | 0o777, Linkname: a.Link}, nil)
	}
	info, err := os.Stat(a.Host)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return &fs.PathError{Op: "adding", Path: a.Host, Err: fmt.Errorf("not a regular file (use -root for directories)")}
	}
	return visitFile(a.Host, name, info, func(h *cpio.Header, body io.Reader) error {
		h.Uid, h.Guid = 0, 0
		if a.Exec {
			h.Mode |= 0o555
		}
		return b.write(h, body)
	})
}

// parents makes the directories above name that the base does not hold.
func (b *builder) parents(name string) error {
	dir := path.Dir(name)
	if dir == "." || b.made[dir] {
		return nil
	}
	if _, ok := b.root.index[dir]; ok {
		return nil // comes, or came, with the base
	}
	if err := b.parents(dir); err != nil {
		return err
	}
	b.made[dir] = true
	return b.write(&cpio.Header{Name: dir, Mode: cpio.TypeDir | 0o755}, nil)
}

// maxFile is what the size field of the format holds, less what the library takes.
const maxFile = 1<<32 - 1

func (b *builder) write(h *cpio.Header, body io.Reader) error {
	if h.Mode&cpio.ModeType == cpio.TypeSymlink {
		h.Size = int64(len(h.Linkname))
		body = strings.NewReader(h.Linkname)
	}
	if h.Size > maxFile {
		return fmt.Errorf("%s: %d bytes are too many for the archive format", h.Name, h.Size)
	}
	h.Links = 1            // the library leaves it 0 for all but plain files
	h.Name = "./" + h.Name // as find | cpio would write it
	if err := b.out.WriteHeader(h); err != nil {
		return fmt.Errorf("%s: %w", h.Name, err)
	}
	if h.Size == 0 {
		return nil
	}
	n, err := io.Copy(b.out, io.LimitReader(body, h.Size))
	if err == nil && n != h.Size {
		err = fmt.Errorf("%w: it shrank from %d to %d bytes while being read", io.ErrUnexpectedEOF, h.Size, n)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", h.Name, err)
	}
	return nil
}
