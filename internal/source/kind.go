package source

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kinds of files that a message names, for who gave one in the place of another.
const (
	Text  = "a text"
	Empty = "an empty file"
	Zip   = "a zip archive, as spreadsheets are (.xlsx)"
	Gzip  = "a gzipped file"
	Array = "an array of numbers (.npy)"
	PNG   = "a PNG picture"
	JPEG  = "a JPEG picture"
	Zeros = "nothing but zeros"

	Safetensors = "a file of safetensors"
)

// magic are the first bytes of files of a kind.
var magic = []struct{ first, kind string }{
	{"\x89PNG", PNG}, {"GIF8", "a GIF picture"}, {"\xff\xd8\xff", JPEG}, {"\x93NUMPY", Array},
	{"PK\x03\x04", Zip}, {"PK\x05\x06", "a zip archive without a file in it"}, {"\x1f\x8b", Gzip}, {"%PDF", "a PDF"}, {"\xd0\xcf\x11\xe0", "a spreadsheet (.xls)"},
	{"PAR1", "a Parquet file"}, {"\x89HDF", "an HDF5 file"}, {"SQLite format", "a database"}, {"BM", "a BMP picture"},
}

// Kind says in a few words what a file is by its first bytes, 16 or more unless it
// has fewer; empty if that is not known.
func Kind(head []byte) string {
	if len(head) == 0 {
		return Empty
	}
	for _, m := range magic {
		if bytes.HasPrefix(head, []byte(m.first)) && (len(m.first) > 2 || !isText(head)) {
			return m.kind
		}
	}
	switch {
	case len(head) >= 4 && head[0] == 0 && head[1] == 0 && head[2] >= 8 && head[2] <= 14 && head[3] > 0 && head[3] < 5:
		return "an array of MNIST's form (IDX)"
	case len(head) > 8 && head[8] == '{' && binary.LittleEndian.Uint64(head) < 1<<32:
		return Safetensors
	case isText(head):
		return Text
	case bytes.Count(head, []byte{0}) == len(head):
		return Zeros
	}
	return ""
}

// isText reports whether bytes, the last character perhaps cut off, are printed.
func isText(head []byte) bool {
	for len(head) > 0 {
		r, n := utf8.DecodeRune(head)
		if r == utf8.RuneError && n == 1 {
			return !utf8.FullRune(head)
		}
		if !unicode.IsPrint(r) && r != '\n' && r != '\r' && r != '\t' && r != '\ufeff' {
			return false
		}
		head = head[n:]
	}
	return true
}

// Printable returns a name from outside as it is told among others: quoted where
// it holds what is not printable.
func Printable(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !strconv.IsPrint(r) }) || !utf8.ValidString(name) {
		return strconv.Quote(name)
	}
	return name
}

// most is how many names a sentence lists.
const most = 20

// Names lists names from outside, at most 20, for a sentence.
func Names(names []string) string {
	return strings.Join(listed(names, func(n string) string { return n }), ", ")
}

// OrNames continues a sentence that says which numbers are possible with the names that
// are, if there are any.
func OrNames(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " or a name (" + strings.Join(listed(names, func(n string) string {
		if strings.Contains(n, ",") {
			return strconv.Quote(n)
		}
		return n
	}), ", ") + ")"
}

func listed(names []string, as func(string) string) (out []string) {
	for _, n := range names[:min(len(names), most)] {
		out = append(out, as(Printable(n)))
	}
	if len(names) > most {
		out = append(out, "…")
	}
	return out
}
