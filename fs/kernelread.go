package fs

import "syscall"

// ReadFile returns the content of the file at path, for the kernel itself. It
// sleeps.
func ReadFile(path string) ([]byte, syscall.Errno) {
	f, e := rootCaller().Open(nil, path, syscall.O_RDONLY, 0)
	if e != 0 {
		return nil, e
	}
	defer f.Put()
	var data []byte
	buf := make([]byte, 4096)
	for {
		n, e := f.Read(buf)
		if n == 0 || e != 0 {
			return data, e
		}
		data = append(data, buf[:n]...)
	}
}

// Exists reports whether there is something at path.
func Exists(path string) bool {
	_, e := rootCaller().Resolve(nil, path, true)
	return e == 0
}
