package main

import (
	"bytes"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func TestParseSize(t *testing.T) {
	tests := []struct {
		in   string
		want int64 // -1: an error
	}{
		{"0", 0}, {"512", 512}, {"4096K", 4 << 20}, {"64M", 64 << 20}, {"64m", 64 << 20}, {"1G", 1 << 30},
		{"1GiB", 1 << 30}, {"2gb", 2 << 30}, {"1T", 1 << 40}, {"10B", 10},
		{"", -1}, {"M", -1}, {"-1", -1}, {"+1", -1}, {"1.5G", -1}, {"64MM", -1}, {"64X", -1}, {"0x10", -1}, {" 1", -1},
		{"9223372036854775807", 1<<63 - 1}, {"9223372036854775808", -1}, {"8388608T", -1}, {"99999999999G", -1},
	}
	for _, test := range tests {
		got, err := parseSize(test.in)
		if err != nil {
			got = -1
		}
		if got != test.want {
			t.Errorf("parseSize(%q) = %d, %v, want %d", test.in, got, err, test.want)
		}
	}
}

func TestFormatSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 1000: "1000", 4096: "4K", 24 << 20: "24M", 3 << 30: "3G", 1<<20 + 1: "1048577"} {
		if got := formatSize(n); got != want {
			t.Errorf("formatSize(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestSplitWords(t *testing.T) {
	tests := []struct {
		in   string
		want []string
	}{
		{"", nil}, {"  ", nil}, {"-s -S", []string{"-s", "-S"}}, {" a\tb ", []string{"a", "b"}},
		{`-append "a b" 'c "d"'`, []string{"-append", "a b", `c "d"`}}, {`a""b ''`, []string{"ab", ""}},
	}
	for _, test := range tests {
		if got, err := splitWords(test.in); err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("splitWords(%q) = %q, %v, want %q", test.in, got, err, test.want)
		}
	}
}

func TestParseOptions(t *testing.T) {
	o, err := parseOptions([]string{"-m", "1G", "-file", "a", "-file", "b/c:/d", "--smp=3", "prog", "-m", "2"})
	if err != nil {
		t.Fatal(err)
	}
	want := []fileFlag{{"a", "a"}, {"b/c", "/d"}}
	if o.memory != 1<<30 || o.cpus != 3 || !reflect.DeepEqual(o.files, want) || o.program != "prog" ||
		!reflect.DeepEqual(o.args, []string{"-m", "2"}) || o.swapSize != 128<<20 || o.timeSet {
		t.Errorf("got %+v", o)
	}
	for _, bad := range []string{"-file=", "-file=a:", "-file=:b", "-file=a/", "-swap=", "-swap=12x", "-m=0", "-smp=two", "-timeout=x"} {
		if _, err := parseOptions([]string{bad, "prog"}); err == nil || statusOf(err) != statusUsage {
			t.Errorf("%s: got %v", bad, err)
		}
	}
	if o, err := parseOptions([]string{"-swap", "./128M", "p"}); err != nil || o.swapFile != "./128M" || o.swapSize != 0 {
		t.Errorf("a swap file that looks like a size: %+v, %v", o, err)
	}
}

func TestKeyboard(t *testing.T) {
	tests := []struct {
		in, want string
		quit     bool
	}{
		{"abc\r", "abc\r", false},
		{"\x01x", "", true},
		{"a\x01\x01b", "a\x01b", false},
		{"\x01a", "\x01a", false},
		{"x\x01", "x", false},
		{"\xff\x03\x1a", "\xff\x03\x1a", false},
	}
	for _, test := range tests {
		for name, r := range map[string]io.Reader{
			"at once": strings.NewReader(test.in), "byte by byte": iotest.OneByteReader(strings.NewReader(test.in)),
		} {
			quit := false
			got, err := io.ReadAll(&keyboard{r: r, quit: func() { quit = true }})
			if err != nil || string(got) != test.want || quit != test.quit {
				t.Errorf("%q %s: got %q, quit %v, %v", test.in, name, got, quit, err)
			}
		}
	}
}

func TestLastLines(t *testing.T) {
	text := []byte("one\ntwo\nthree\n")
	for n, want := range map[int]string{1: "three\n", 2: "two\nthree\n", 3: "one\ntwo\nthree\n", 9: "one\ntwo\nthree\n"} {
		if got := lastLines(text, n); string(got) != want {
			t.Errorf("last %d: %q, want %q", n, got, want)
		}
	}
	if !bytes.Equal(text, []byte("one\ntwo\nthree\n")) {
		t.Error("the text was changed")
	}
}
