// Command heavytail trains diffusion models with heavy-tailed noise and
// samples from them, on the CPU, without any other program or library.
package main

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

	"heavytail/data"
	"heavytail/internal/atomicfile"
)

// A command is one subcommand.
type command struct {
	name    string
	args    string // what follows the flags, for the help
	summary string
	help    string // examples, shown by -h
	// flags defines the flags and returns what runs after they are parsed.
	flags func(fs *flag.FlagSet) func(ctx context.Context, e env, args []string) error
}

// env is what a command may write to.
type env struct {
	stdout, stderr io.Writer
	terminal       bool // stderr is a terminal: progress lines are welcome
}

var commands = []command{sampleCommand, trainCommand, infoCommand, convertCommand, tailCommand, noiseCommand, evalCommand, benchCommand, experimentCommand, versionCommand}

func main() {
	e := env{visible{os.Stdout}, visible{os.Stderr}, isTerminal(os.Stderr)}
	os.Exit(run(untilSignal(), e, os.Args[1:]))
}

// untilSignal returns a context that ends with the first signal that asks the
// program to end. The next one ends it at once, without the temporary files, and so
// do SIGQUIT and its kind, after which Go shows what the program was doing. What was ignored at the start (under nohup, say) stays so.
func untilSignal() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	got, end := make(chan os.Signal, 1), make(chan os.Signal, 1)
	notify(got, end)
	go func() {
		var s os.Signal
		select {
		case <-got:
			cancel()
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
		os.Exit(1)
	}()
	return ctx
}

// run executes the command line and returns the exit status: 0, 2 for a wrong
// command line, 1 for every other error.
func run(ctx context.Context, e env, args []string) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "-help" || args[0] == "--help" {
		if len(args) > 1 {
			return run(ctx, e, []string{args[1], "-h"})
		}
		out, status := e.stdout, 0
		if len(args) == 0 {
			out, status = e.stderr, 2
		}
		fmt.Fprint(out, overview())
		return status
	}
	if args[0] == "-version" || args[0] == "--version" {
		args = append([]string{versionCommand.name}, args[1:]...)
	}
	for _, c := range commands {
		if c.name == args[0] {
			return c.run(ctx, e, args[1:])
		}
	}
	fmt.Fprintf(e.stderr, "heavytail: unknown command %q: want %s; heavytail -h explains them\n", args[0], strings.Join(names(), ", "))
	return 2
}

func names() []string {
	var out []string
	for _, c := range commands {
		out = append(out, c.name)
	}
	return out
}

func overview() string {
	var b strings.Builder
	b.WriteString("heavytail trains and samples diffusion models with heavy-tailed noise.\n\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "  heavytail %-8s %s\n", c.name, c.summary)
	}
	b.WriteString("\nheavytail COMMAND -h shows a command's flags and examples.\n")
	return b.String()
}

// usageError is a mistake on the command line.
type usageError struct{ error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func (c command) run(ctx context.Context, e env, args []string) int {
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	do := c.flags(fs)
	rest, err := parse(fs, args)
	if errors.Is(err, flag.ErrHelp) {
		c.printHelp(e.stdout, fs)
		return 0
	}
	if err != nil {
		err = usage("%s: heavytail %s -h lists the flags", flagMistake(fs, err), c.name)
	} else {
		err = do(ctx, e, rest)
	}
	if err == nil {
		return 0
	}
	fmt.Fprintf(e.stderr, "heavytail %s: %s\n", c.name, flagWords(fs, plainWords(err)))
	if errors.As(err, &usageError{}) || errors.As(err, &data.FlagError{}) {
		return 2
	}
	return 1
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

// noArguments returns a usage error if there are arguments besides flags.
func noArguments(args []string) error {
	if len(args) > 0 {
		return usage("unexpected %q: all settings are flags (-name value)", args[0])
	}
	return nil
}
