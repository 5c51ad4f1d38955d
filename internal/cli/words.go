package cli

import (
	"errors"
	"flag"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"heavytail/internal/words"
)

var fieldWord = regexp.MustCompile(`(^|[ (])([a-z]+_[a-z_]+)($|[ ,:;)])`)

// flagWords returns the text of an error with the flags of a command in the place of
// the fields that they set (Program.Fields). A name in quotes or of a file stays.
func flagWords(flags *flag.FlagSet, fields map[string]string, text string) string {
	return fieldWord.ReplaceAllStringFunc(text, func(m string) string {
		word := strings.Trim(m, " (,:;)")
		if name := fields[word]; name != "" && flags.Lookup(name) != nil {
			return strings.Replace(m, word, "-"+name, 1)
		}
		return m
	})
}

// Singular is words.Singular.
func Singular(text string) string { return words.Singular(text) }

// Counted is words.Counted.
func Counted(n int, what string) string { return words.Counted(n, what) }

// packages are the names before errors of the library, which say nothing to who
// uses the command.
var packages = []string{"heavytail", "diffusion", "rare", "stable", "nn", "tensor", "kernels", "checkpoint", "torch checkpoint"}

// PlainWords returns the text of an error in one line: without names of packages
// and of system calls, and with what stands before each other twice once.
func PlainWords(err error) string {
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	if call := (*fs.PathError)(nil); errors.As(err, &call) {
		text = strings.Replace(text, call.Error(), call.Path+": "+call.Err.Error(), 1)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		text = strings.ReplaceAll(text, io.ErrUnexpectedEOF.Error(), "the file is cut off")
	}
	var out []string
	for _, part := range strings.Split(text, ": ") {
		if !slices.Contains(packages, part) && (len(out) == 0 || out[len(out)-1] != part) {
			out = append(out, part)
		}
	}
	return Singular(strings.Join(out, ": "))
}

// flagMistake says of a value that package flag could not parse what it wants.
func flagMistake(flags *flag.FlagSet, err error) string {
	text, ok := strings.CutSuffix(err.Error(), ": parse error")
	if !ok {
		return err.Error()
	}
	want := ""
	flags.VisitAll(func(f *flag.Flag) {
		got, ok := f.Value.(flag.Getter)
		if !ok || !strings.HasSuffix(text, " -"+f.Name) {
			return
		}
		switch got.Get().(type) {
		case int, int64, uint, uint64:
			want = ": want a whole number, in digits alone"
		case float64:
			want = ": want a number"
		case bool:
			want = ": want true or false"
		}
	})
	return text + want
}
