package uart

// inputSize is the room for decoded input; when it is full the wire waits.
const inputSize = 4096

// Event says what Console.Read found besides bytes.
type Event uint8

const (
	EventNone    Event = iota
	EventEOF           // standard input has ended; every later Read says so too
	EventResized       // the terminal has a new size, or there is a terminal now
)

// input is the queue of decoded bytes between the interrupt and the reader.
// Invariant: tail-head <= inputSize; both count for ever.
type input struct {
	decoder    Decoder
	ring       [inputSize]byte
	head, tail uint32 // next to read, next to fill
	eof        bool
	resized    bool // not yet told to the reader
	rows, cols uint16
	tty        bool // a size has come: the streams are a terminal
}

func (in *input) full() bool { return in.tail-in.head == inputSize }

// ready says whether take has something to tell.
func (in *input) ready() bool { return in.tail != in.head || in.eof || in.resized }

// feed takes a byte from the wire; the queue is not full. What comes after the
// end of file is no input: it is dropped.
func (in *input) feed(b byte) {
	switch in.decoder.Feed(b) {
	case TokenByte:
		if !in.eof {
			in.ring[in.tail%inputSize] = in.decoder.Byte
			in.tail++
		}
	case TokenEOF:
		in.eof = true
	case TokenSize:
		in.rows, in.cols = in.decoder.Rows, in.decoder.Cols
		in.tty, in.resized = true, true
	}
}

// take moves input into p. A new size is told first and alone; the end comes
// when there are no bytes before it.
func (in *input) take(p []byte) (n int, ev Event) {
	if in.resized {
		in.resized = false
		return 0, EventResized
	}
	for n < len(p) && in.head != in.tail {
		p[n] = in.ring[in.head%inputSize]
		in.head++
		n++
	}
	if n == 0 && in.head == in.tail && in.eof {
		return 0, EventEOF
	}
	return n, EventNone
}
