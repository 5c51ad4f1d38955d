package cli

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/data"
)

// An error calls a setting what the command's flag is called, where it has one.
func TestFlagWords(t *testing.T) {
	p := Program{Fields: map[string]string{"sigma_data": "sigma-data", "num_heads": "heads", "sigma_min": "sigma-min", "Options.Missing": "missing", "data.Options.N": "points", "train.Start.From": "train from"}}
	train, sample := flag.NewFlagSet("train", flag.ContinueOnError), flag.NewFlagSet("sample", flag.ContinueOnError)
	train.Int("sigma-data", 0, "")
	train.Int("heads", 0, "")
	sample.Int("sigma-min", 0, "")
	for text, want := range map[string]string{
		"edm: sigma_data is 3: use": "edm: -sigma-data is 3: use", "num_heads 3 does not": "-heads 3 does not", `column "sigma_data" is`: `column "sigma_data" is`,
		"a/sigma_data: no such file": "a/sigma_data: no such file", "sigma_data.csv: no such": "sigma_data.csv: no such", "some_thing": "some_thing",
	} {
		require.Equal(t, want, p.flagWords(train, text))
	}
	require.Equal(t, "-sigma-min and sigma_data", p.flagWords(sample, "sigma_min and sigma_data"))
	p.Commands = []Command{{Name: "train", Flags: func(fs *flag.FlagSet) func(context.Context, Env, []string) error {
		fs.Int("lr-every", 0, "")
		fs.Int("T", 0, "")
		fs.Int("sigma-min", 0, "")
		return nil
	}}}
	for text, want := range map[string]string{ // a flag of another command is called so
		"setting lr-every gives, (setting T), setting T=3": "train -lr-every gives, (train -T), train -T=3", "setting sigma-min 2": "-sigma-min 2", "no such setting; leave": "no such setting; leave", "the setting of it": "the setting of it",
		"a model of training with setting T 9": "a model of train -T 9", "Options.Missing drop, Options.Missing: want": "-missing drop, -missing: want", "data.Options.N, of Options.Other": "-points, of Options.Other",
		"go on with train.Start.From": "go on with train -from", `"Options" and MyOptions.Missing`: `"Options" and MyOptions.Missing`,
	} {
		require.Equal(t, want, p.flagWords(sample, text))
	}
}

// toy is a program whose command returns what the flag -fail names.
func toy() Program {
	errs := map[string]error{
		"usage": Usage("want x_y"), "fault": errors.New("nn: tensor: gone"),
		"path": &fs.PathError{Op: "open", Path: "a.csv", Err: fs.ErrNotExist}, "cut": io.ErrUnexpectedEOF,
	}
	errs["stop"] = fmt.Errorf("reading was stopped: %w", context.Canceled)
	errs["half"] = fmt.Errorf("half: %w", Left(errs["stop"], "%d of 2 rows are there", 1))
	errs["twice"] = Left(errs["half"], "nothing is there")
	errs["other"] = Left(errs["fault"], "nothing is there")
	_, errs["flag"] = data.Open(context.Background(), "toy:rings", data.Options{Columns: []string{"9"}})
	return Program{Name: "toy", Summary: "is a test.", Fields: map[string]string{"x_y": "x"}, Commands: []Command{{
		Name: "go", Args: "WORD", Summary: "goes", Help: "  toy go a\n",
		Flags: func(f *flag.FlagSet) func(context.Context, Env, []string) error {
			fail := f.String("fail", "", "`kind` of error")
			f.Int("x", 3, "a number")
			f.Bool("quiet", false, "no noise")
			return func(_ context.Context, e Env, args []string) error {
				if *fail == "none" {
					return NoArguments(args)
				}
				return errs[*fail]
			}
		},
	}}}
}

// An end of the context says what ended it and what is left, and is no other error; what
// ended by itself meanwhile tells its own.
func TestStopped(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(signalled{os.Interrupt})
	bare, end := context.WithCancel(t.Context())
	end()
	for _, c := range []struct {
		ctx        context.Context
		kind, want string
		status     int
	}{
		{ctx, "stop", "stopped by Ctrl-C (SIGINT): nothing was written", Retry}, {bare, "stop", "stopped: nothing was written", Retry},
		{ctx, "half", "stopped by Ctrl-C (SIGINT): 1 of 2 rows are there", Retry}, {ctx, "twice", "stopped by Ctrl-C (SIGINT): 1 of 2 rows are there", Retry},
		{ctx, "fault", "gone", Final}, {ctx, "other", "gone", Final},
	} {
		var errs bytes.Buffer
		require.Equal(t, c.status, toy().Run(c.ctx, Env{Stdout: io.Discard, Stderr: &errs}, []string{"go", "-fail", c.kind}))
		require.Equal(t, "toy go: "+c.want+"\n", errs.String())
	}
	require.ErrorIs(t, context.Cause(ctx), context.Canceled, "some take the cause for the error")
}

// A program's exit status is 2 for mistakes on the command line and every other error
// that stays, which one line tells in plain words.
func TestProgram(t *testing.T) {
	for _, c := range []struct {
		args           []string
		status         int
		stdout, stderr string
	}{
		{nil, 2, "", "toy is a test.\n\n  toy go       goes\n\ntoy COMMAND -h shows a command's flags and examples.\nExit status: 0 done, 75 a retry may mend it, 2 it fails again.\n"},
		{[]string{"dance"}, 2, "", "toy: unknown command \"dance\": want go; toy -h explains them\n"},
		{[]string{"help", "go"}, 0, "usage: toy go [flags] WORD\n\ngoes\n\nflags:\n  -fail kind\n    \tkind of error\n  -quiet\n    \tno noise (off)\n  -x int\n    \ta number (default 3)\n\nexamples:\n  toy go a\n", ""},
		{[]string{"go", "a", "-x", "4"}, 0, "", ""},
		{[]string{"go", "-fail", "none", "--", "-x"}, 2, "", "toy go: unexpected \"-x\": all settings are flags (-name value)\n"},
		{[]string{"go", "-x", "four"}, 2, "", "toy go: invalid value \"four\" for flag -x: want a whole number, in digits alone: toy go -h lists the flags\n"},
		{[]string{"go", "-fail=usage"}, 2, "", "toy go: want -x\n"},
		{[]string{"go", "-fail=fault"}, 2, "", "toy go: gone\n"},
		{[]string{"go", "-fail=path"}, 2, "", "toy go: a.csv: file does not exist\n"},
		{[]string{"go", "-fail=cut"}, 2, "", "toy go: the file is cut off\n"},
	} {
		var out, errs bytes.Buffer
		require.Equal(t, c.status, toy().Run(t.Context(), Env{Stdout: &out, Stderr: &errs}, c.args), "%v", c.args)
		require.Equal(t, c.stdout, out.String(), "%v", c.args)
		require.Equal(t, c.stderr, errs.String(), "%v", c.args)
	}
	require.Equal(t, 2, toy().Run(t.Context(), Env{Stdout: io.Discard, Stderr: io.Discard}, []string{"go", "-fail=flag"}), "a mistake in the options of data")
}
