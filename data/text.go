package data

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"heavytail/internal/source"
)

// byteOrderMark begins text files of some programs.
var byteOrderMark = []byte("\xef\xbb\xbf")

// noTable returns an error if r begins like a file of another kind.
func noTable(r *bufio.Reader) error {
	head, _ := r.Peek(16)
	switch kind := source.Kind(head); kind {
	case "", source.Text, source.Empty:
		if text := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(string(head)), "[")); strings.HasPrefix(text, `{"`) {
			return errors.New("JSON, no table; save its values as CSV, a line of cells for each point")
		}
		return nil
	case source.Zip:
		return fmt.Errorf("%s, no table; save the sheet as CSV, or unpack the archive", kind)
	default:
		return fmt.Errorf("%s, no table; give a text with a line of cells for each point", kind)
	}
}

// utf8Text returns the text of r as UTF-8, less a byte order mark: spreadsheets
// write UTF-16 as well, and what is not UTF-8 is Windows-1252, which has Latin-1 in
// it.
func utf8Text(r *bufio.Reader) *bufio.Reader {
	head, _ := r.Peek(sniffBytes) // an error comes again where it is read
	mark := func(n int) { _, _ = r.Discard(n) }
	again := func(f func() (rune, error)) *bufio.Reader { return bufio.NewReaderSize(&runes{next: f}, 1<<16) }
	big := false
	switch {
	case bytes.HasPrefix(head, byteOrderMark):
		mark(len(byteOrderMark))
		return r
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		mark(2)
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		mark(2)
		big = true
	case len(head) > 3 && head[0] != 0 && head[1] == 0 && head[3] == 0: // unmarked: no table has a NUL
	case len(head) > 3 && head[0] == 0 && head[1] != 0 && head[2] == 0:
		big = true
	case validStart(head):
		return r
	default:
		return again(func() (rune, error) { return windows1252(r) })
	}
	return again(func() (rune, error) { return utf16Rune(r, big) })
}

// validStart reports whether the first bytes of a text are UTF-8, the last
// character perhaps cut off.
func validStart(head []byte) bool {
	for i := 1; i < utf8.UTFMax && i <= len(head); i++ {
		if last := head[len(head)-i:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				head = head[:len(head)-i]
			}
			break
		}
	}
	return utf8.Valid(head)
}

// runes reads the UTF-8 of characters.
type runes struct {
	next func() (rune, error)
	left []byte // of a character that did not fit
	err  error
}

func (r *runes) Read(p []byte) (n int, err error) {
	n = copy(p, r.left)
	r.left = r.left[n:]
	for n < len(p) && r.err == nil {
		var c rune
		if c, r.err = r.next(); r.err != nil {
			break
		}
		var b [utf8.UTFMax]byte
		k := utf8.EncodeRune(b[:], c)
		done := copy(p[n:], b[:k])
		n += done
		r.left = append(r.left[:0], b[done:k]...)
	}
	if n > 0 || len(p) == 0 {
		return n, nil
	}
	return 0, r.err
}

// utf16Rune reads one character of UTF-16; half of one is U+FFFD.
func utf16Rune(r *bufio.Reader, big bool) (rune, error) {
	unit := func(b []byte) rune {
		if big {
			return rune(b[0])<<8 | rune(b[1])
		}
		return rune(b[1])<<8 | rune(b[0])
	}
	var b [2]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		if err == io.ErrUnexpectedEOF {
			err = errors.New("the text ends within a character of UTF-16; the file is cut off")
		}
		return 0, err
	}
	c := unit(b[:])
	if !utf16.IsSurrogate(c) {
		return c, nil
	}
	low, err := r.Peek(2)
	if err != nil {
		return utf8.RuneError, nil
	}
	both := utf16.DecodeRune(c, unit(low))
	if both != utf8.RuneError {
		_, _ = r.Discard(2)
	}
	return both, nil
}

// high are the characters of Windows-1252 from 0x80 to 0x9f, where Latin-1 has
// none that is printed.
var high = []rune("€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ")

func windows1252(r *bufio.Reader) (rune, error) {
	b, err := r.ReadByte()
	if err == nil && b >= 0x80 && b < 0xa0 {
		return high[b-0x80], nil
	}
	return rune(b), err
}
