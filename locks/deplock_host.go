//go:build !lockdep && !yolk

package locks

// depLock keeps a lock's class, for the explorer's trace.
type depLock struct{ cls Class }

func (d *depLock) init(c Class) { d.cls = c }
func (d *depLock) class() Class { return d.cls }
