package locks

// kind says how a class of locks waits.
type kind uint8

const (
	kindNone kind = iota
	kindMonitor
	kindSleep
	kindSpin
)

// classInfo is one row of the generated table.
type classInfo struct {
	name    string
	kind    kind
	ordered bool
	inside  uint64
}

// String is the class's name in order.txt.
func (c Class) String() string { return classes[c].name }
