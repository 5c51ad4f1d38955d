package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// visible is a writer of text for people: names of classes, tensors and files
// come from files of others, and what a terminal would act on (control
// characters, such as those that hide a line or rename the window, and characters
// that turn the direction of writing) appears as JSON escapes it, \u001b, so that
// JSON stays JSON.
type visible struct{ w io.Writer }

func (v visible) Write(p []byte) (int, error) {
	if _, err := io.WriteString(v.w, escape(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Unescaped returns the writer below one of Main's, for bytes that are no text.
func Unescaped(w io.Writer) io.Writer {
	if v, ok := w.(visible); ok {
		return v.w
	}
	return w
}

// escape returns s with what cannot be printed escaped; lines and tabs stay.
func escape(s string) string {
	if !strings.ContainsFunc(s, hidden) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s { // an invalid byte is U+FFFD
		switch {
		case !hidden(r):
			b.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func hidden(r rune) bool { return r != '\n' && r != '\t' && !strconv.IsPrint(r) }
