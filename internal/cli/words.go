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
// the settings and fields that they set (Program.Fields). A flag that this command has not
// is called by one that has it: train -size. What is the name of no flag stays, and so does
// a field as JSON names it in quotes or in the name of a file.
func (p Program) flagWords(flags *flag.FlagSet, text string) string {
	known := p.flagNames()
	text = settingWord.ReplaceAllStringFunc(text, func(m string) string {
		word, training := strings.CutPrefix(m, "training with ")
		name := strings.TrimPrefix(word, "setting ")
		switch {
		case known[name] == "":
			return m
		case training:
			return "train -" + name
		}
		return flagOf(flags, known, name)
	})
	text = structWord.ReplaceAllStringFunc(text, func(m string) string {
		switch name := p.Fields[m]; {
		case strings.Contains(name, " "):
			return strings.Replace(name, " ", " -", 1)
		case name != "":
			return flagOf(flags, known, name)
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

// flagOf returns a flag as this command has it, or as one of known that has it does.
func flagOf(flags *flag.FlagSet, known map[string]string, name string) string {
	if command := known[name]; command != "" && flags.Lookup(name) == nil {
		return command + " -" + name
	}
	return "-" + name
}

// flagNames are those of all commands, with one that has it: train, where it has, which
// decides the most.
func (p Program) flagNames() map[string]string {
	names := map[string]string{}
	for _, c := range p.Commands {
		fs := flag.NewFlagSet(c.Name, flag.ContinueOnError)
		c.Flags(fs)
		fs.VisitAll(func(f *flag.Flag) {
			if names[f.Name] == "" || c.Name == "train" {
				names[f.Name] = c.Name
			}
		})
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
