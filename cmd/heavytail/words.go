package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

// counted returns a number with what it counts, in the plural unless it is 1.
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// rate returns a positive number to four digits, or whole.
func rate(v float64) string {
	if v < 1000 {
		return fmt.Sprintf("%.4g", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// fields are settings as recipes and the library name them, and their flags.
var fields = map[string]string{
	"sigma_data": "sigma-data", "p_mean": "p-mean", "p_std": "p-std", "sigma_min": "sigma-min", "sigma_max": "sigma-max", "nu_coeff": "nu-coeff",
	"clamp_a": "clamp-a", "clamp_eps": "clamp-eps", "num_heads": "heads", "model_channels": "width", "channel_mult": "mult", "num_res_blocks": "blocks",
	"num_blocks": "blocks", "attention_ds": "attention", "attention_resolutions": "attention", "attn_resolutions": "attention",
}

var fieldWord = regexp.MustCompile(`(^|[ (])([a-z]+_[a-z_]+)($|[ ,:;)])`)

// flagWords returns the text of an error with the flags of a command in the place of
// the fields that they set. A name in quotes or of a file stays.
func flagWords(flags *flag.FlagSet, text string) string {
	return fieldWord.ReplaceAllStringFunc(text, func(m string) string {
		word := strings.Trim(m, " (,:;)")
		if name := fields[word]; name != "" && flags.Lookup(name) != nil {
			return strings.Replace(m, word, "-"+name, 1)
		}
		return m
	})
}

// oneOfMany finds one of what the library counts in the plural.
var oneOfMany = regexp.MustCompile(`(^|[^-\w.,×])1 (sample|image|picture|class|column|row|value|channel|level|point|mask|parameter|thread|seed|step|dimension|name|cop|coordinate|pixel|average|evaluation|neighbour)(s|es|ies)\b`)

// singular mends what counts one in the plural.
func singular(text string) string {
	return oneOfMany.ReplaceAllStringFunc(text, func(m string) string {
		m = strings.TrimSuffix(m, "s")
		switch {
		case strings.HasSuffix(m, "copie"):
			return strings.TrimSuffix(m, "ie") + "y"
		case strings.HasSuffix(m, "classe"):
			return strings.TrimSuffix(m, "e")
		}
		return m
	})
}

// packages are the names before errors of the library, which say nothing to who
// uses the command.
var packages = []string{"heavytail", "diffusion", "stable", "nn", "tensor", "kernels", "checkpoint", "torch checkpoint"}

// plainWords returns the text of an error in one line: without names of packages
// and of system calls, and with what stands before each other twice once.
func plainWords(err error) string {
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
	return singular(strings.Join(out, ": "))
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
