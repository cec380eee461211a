package uart

// Escape is the byte on COM2 that makes the next one a command.
const Escape = 0xff

// Commands after Escape. Escape itself stands for the byte 0xff; all others
// are reserved, and ignored.
const (
	CmdEOF  = 0x00 // standard input has ended
	CmdSize = 0x01 // followed by rows and columns, 16 bits each, high byte first
)

// Token is what one byte of input amounts to.
type Token uint8

const (
	TokenNone Token = iota // part of something unfinished, or ignored
	TokenByte              // a byte of input, in Decoder.Byte
	TokenEOF               // end of file
	TokenSize              // a terminal of Decoder.Rows and Decoder.Cols
)

// Decoder takes the escapes out of standard input. The zero value is ready.
type Decoder struct {
	Byte       byte
	Rows, Cols uint16

	escaped bool // the last byte was Escape
	need    int  // bytes of a size still to come
	size    uint32
}

// Feed takes the next byte from the wire.
func (d *Decoder) Feed(b byte) Token {
	switch {
	case d.need > 0:
		return d.feedSize(b)
	case d.escaped:
		d.escaped = false
		return d.command(b)
	case b == Escape:
		d.escaped = true
		return TokenNone
	}
	d.Byte = b
	return TokenByte
}

func (d *Decoder) command(b byte) Token {
	switch b {
	case Escape:
		d.Byte = Escape
		return TokenByte
	case CmdEOF:
		return TokenEOF
	case CmdSize:
		d.need = 4
	}
	return TokenNone
}

func (d *Decoder) feedSize(b byte) Token {
	d.size = d.size<<8 | uint32(b)
	if d.need--; d.need > 0 {
		return TokenNone
	}
	d.Rows, d.Cols = uint16(d.size>>16), uint16(d.size)
	return TokenSize
}
