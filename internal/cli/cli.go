// Package cli is what the programs of this module share: commands with flags,
// their help, mistakes on the command line, errors in plain words, and the signals
// that end a program.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"heavytail/internal/atomicfile"
)

// A Program is a list of commands under one name.
type Program struct {
	Name     string
	Summary  string // one line, for the overview
	Commands []Command
	// Fields are flags, with a command before them where another has them, by what the
	// library's errors call them: fields as JSON names them, sigma_min, and fields and
	// types of Go, Options.Missing.
	Fields map[string]string
}

// A Command is one subcommand.
type Command struct {
	Name    string
	Args    string // what follows the flags, for the help
	Summary string
	Help    string // examples, shown by -h
	// Flags defines the flags and returns what runs after they are parsed.
	Flags func(fs *flag.FlagSet) func(ctx context.Context, e Env, args []string) error
}

// Env is what a command may write to.
type Env struct {
	Stdout, Stderr io.Writer
	Terminal       bool // Stderr is a terminal: progress lines are welcome
}

// Main runs the program on the arguments of the process, until a signal asks it to
// end, and exits with Run's status.
func (p Program) Main() {
	e := Env{visible{os.Stdout}, visible{os.Stderr}, isTerminal(os.Stderr)}
	os.Exit(p.Run(untilSignal(), e, os.Args[1:]))
}

// untilSignal returns a context that ends with the first signal that asks the
// program to end. The next one ends it at once, without the temporary files, and so
// do SIGQUIT and its kind, after which Go shows what the program was doing. What was
// ignored at the start (under nohup, say) stays so.
func untilSignal() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	got, end := make(chan os.Signal, 1), make(chan os.Signal, 1)
	notify(got, end)
	go func() {
		var s os.Signal
		select {
		case s = <-got:
			cancel(signalled{s})
			atomicfile.Interrupt()
			select {
			case s = <-got:
			case s = <-end:
			}
		case s = <-end:
		}
		atomicfile.Cleanup()
		signal.Reset(s)
		if self, err := os.FindProcess(os.Getpid()); err == nil && self.Signal(s) == nil {
			time.Sleep(time.Second) // the signal is on its way
		}
		os.Exit(Retry)
	}()
	return ctx
}

// Run executes the command line and returns the exit status: 0, Retry for what the
// same command may do later or elsewhere, Final for every other error.
func (p Program) Run(ctx context.Context, e Env, args []string) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "-help" || args[0] == "--help" {
		if len(args) > 1 {
			return p.Run(ctx, e, []string{args[1], "-h"})
		}
		out, status := e.Stdout, 0
		if len(args) == 0 {
			out, status = e.Stderr, Final
		}
		fmt.Fprint(out, p.overview())
		return status
	}
	name := args[0]
	if name == "-version" || name == "--version" {
		name = "version"
	}
	for _, c := range p.Commands {
		if c.Name == name {
			return p.run(ctx, e, c, args[1:])
		}
	}
	fmt.Fprintf(e.Stderr, "%s: unknown command %q: want %s; %s -h explains them\n", p.Name, args[0], strings.Join(p.Names(), ", "), p.Name)
	return Final
}

// Names lists the commands.
func (p Program) Names() []string {
	var out []string
	for _, c := range p.Commands {
		out = append(out, c.Name)
	}
	return out
}

func (p Program) overview() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n\n", p.Name, p.Summary)
	for _, c := range p.Commands {
		fmt.Fprintf(&b, "  %s %-8s %s\n", p.Name, c.Name, c.Summary)
	}
	fmt.Fprintf(&b, "\n%s COMMAND -h shows a command's flags and examples.\nExit status: 0 done, 75 a retry may mend it, 2 it fails again.\n", p.Name)
	return b.String()
}

// usageError is a mistake on the command line.
type usageError struct{ error }

// Usage returns an error that is a mistake on the command line: the exit status is
// Final.
func Usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run executes a command.
func (p Program) run(ctx context.Context, e Env, c Command, args []string) int {
	path := p.Name + " " + c.Name
	fs := flag.NewFlagSet(c.Name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	do := c.Flags(fs)
	rest, err := parse(fs, args)
	if errors.Is(err, flag.ErrHelp) {
		c.printHelp(e.Stdout, path, fs)
		return 0
	}
	if err != nil {
		err = Usage("%s: %s -h lists the flags", flagMistake(fs, err), path)
	} else {
		err = do(ctx, e, rest)
	}
	if err == nil {
		return 0
	}
	if text, stopped := stopText(ctx, err); stopped {
		fmt.Fprintf(e.Stderr, "%s: %s\n", path, text)
	} else {
		fmt.Fprintf(e.Stderr, "%s: %s\n", path, p.flagWords(fs, PlainWords(err)))
	}
	return status(ctx, err)
}

// parse parses flags before and after the other arguments, so that
// "convert a b -type f16" means what it says.
func parse(fs *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for {
		if err := fs.Parse(args); err != nil {
			return nil, err
		}
		if fs.NArg() == 0 {
			return rest, nil
		}
		done := len(args) - fs.NArg()
		if done > 0 && args[done-1] == "--" {
			return append(rest, fs.Args()...), nil
		}
		rest, args = append(rest, fs.Arg(0)), fs.Args()[1:]
	}
}

// Given returns which flags are on the command line.
func Given(fs *flag.FlagSet) map[string]bool {
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	return given
}

// NoArguments returns a mistake on the command line if there are arguments besides
// flags.
func NoArguments(args []string) error {
	if len(args) > 0 {
		return Usage("unexpected %q: all settings are flags (-name value)", args[0])
	}
	return nil
}

// printHelp writes a command's page: its flags, each with its default, and its
// examples. A default that the sentence tells is not repeated.
func (c Command) printHelp(w io.Writer, path string, fs *flag.FlagSet) {
	fmt.Fprintf(w, "usage: %s [flags] %s\n\n%s\n", path, c.Args, c.Summary)
	title := "\nflags:\n"
	fs.VisitAll(func(f *flag.Flag) {
		kind, text := flag.UnquoteUsage(f)
		if kind != "" {
			kind = " " + kind
		}
		fmt.Fprintf(w, "%s  -%s%s\n    \t%s%s\n", title, f.Name, kind, text, defaultText(f))
		title = ""
	})
	fmt.Fprintf(w, "\nexamples:\n%s", c.Help)
}

// defaultText is what the help adds about a flag's default.
func defaultText(f *flag.Flag) string {
	switch {
	case f.DefValue == "" || f.DefValue == "0" && strings.Contains(f.Usage, "(0: "):
		return ""
	case f.DefValue == "false":
		return " (off)"
	}
	return fmt.Sprintf(" (default %s)", f.DefValue)
}
