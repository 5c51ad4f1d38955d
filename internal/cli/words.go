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

// fieldWord is a field as JSON names it, settingWord a setting by its name, as
// recipe.Settings and heavytail.TextSettings list them, structWord a field with its struct.
var (
	fieldWord   = regexp.MustCompile(`(^|[ (])([a-z]+_[a-z_]+)($|[ ,:;)])`)
	settingWord = regexp.MustCompile(`\b(training with )?setting ([a-zT][\w-]*)`)
	structWord  = regexp.MustCompile(`\b([a-z]\w*\.)?[A-Z]\w*(\.[A-Z]\w*)?\b`)
)

// flagWords returns the text of an error with the flags of a command in the place of
// the settings and fields that they set (Program.Fields). What is the name of no flag
// stays, and so does a field as JSON names it in quotes or in the name of a file.
func (p Program) flagWords(flags *flag.FlagSet, text string) string {
	known := p.flagNames()
	text = settingWord.ReplaceAllStringFunc(text, func(m string) string {
		word, training := strings.CutPrefix(m, "training with ")
		name := strings.TrimPrefix(word, "setting ")
		switch {
		case !known[name]:
			return m
		case training:
			return "train -" + name
		}
		return "-" + name
	})
	text = structWord.ReplaceAllStringFunc(text, func(m string) string {
		if name := p.Fields[m]; name != "" {
			command := strings.LastIndexByte(name, ' ') + 1
			return name[:command] + "-" + name[command:]
		}
		return m
	})
	return fieldWord.ReplaceAllStringFunc(text, func(m string) string {
		word := strings.Trim(m, " (,:;)")
		if name := p.Fields[word]; name != "" && flags.Lookup(name) != nil {
			return strings.Replace(m, word, "-"+name, 1)
		}
		return m
	})
}

// flagNames are those of all commands.
func (p Program) flagNames() map[string]bool {
	names := map[string]bool{}
	for _, c := range p.Commands {
		fs := flag.NewFlagSet(c.Name, flag.ContinueOnError)
		c.Flags(fs)
		fs.VisitAll(func(f *flag.Flag) { names[f.Name] = true })
	}
	return names
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
