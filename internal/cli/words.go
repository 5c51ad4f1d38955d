package cli

import (
	"errors"
	"flag"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
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

// oneOfMany finds one of what the library counts in the plural.
var oneOfMany = regexp.MustCompile(`(^|[^-\w.,×])1 (sample|image|picture|class|column|row|value|channel|level|point|mask|parameter|thread|seed|step|dimension|name|cop|coordinate|pixel|average|evaluation|neighbour|byte|center|condition|digit|element|epoch|extreme|group|letter|number|operation|other|pilot|process|scale|sweep|tensor|transform|part|share|frame)(s|es|ies)\b`)

// Singular mends what counts one in the plural.
func Singular(text string) string {
	return oneOfMany.ReplaceAllStringFunc(text, func(m string) string {
		m = strings.TrimSuffix(m, "s")
		switch {
		case strings.HasSuffix(m, "copie"):
			return strings.TrimSuffix(m, "ie") + "y"
		case strings.HasSuffix(m, "sse"):
			return strings.TrimSuffix(m, "e")
		}
		return m
	})
}

// Counted returns a number with what it counts, in the plural unless it is 1.
func Counted(n int, what string) string {
	end := "s"
	switch {
	case n == 1:
		end = ""
	case strings.HasSuffix(what, "s"):
		end = "es"
	}
	return strconv.Itoa(n) + " " + what + end
}

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
