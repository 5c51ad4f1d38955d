package main

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"strings"

	"heavytail/internal/cli"
	"heavytail/output"
)

var mergeCommand = command{
	Name: "merge", Args: "FOLDER", Summary: "writes what the parts of sample -shard or noise -shard are together",
	Help: `  heavytail merge parts                               says whether all parts are there and right
  heavytail merge parts -o all.png
  heavytail merge parts -o all.npy

The file has the bytes that one run without -shard would have written. Parts of other
runs, and parts that overlap, are refused. Missing and damaged parts are named, by the
shares to run again, with exit status 75.
`,
	Flags: mergeFlags,
}

// mergeOptions are the flags of merge.
type mergeOptions struct {
	out  string
	grid int
}

func mergeFlags(fs *flag.FlagSet) func(context.Context, env, []string) error {
	var o mergeOptions
	fs.IntVar(&o.grid, "cols", 0, "columns of the grid (0: about square)")
	fs.StringVar(&o.out, "o", "", "output: what sample -o or noise -o writes (empty: none, the parts are looked at)")
	return func(ctx context.Context, e env, args []string) error {
		if len(args) != 1 {
			return cli.Usage("want one folder of parts: heavytail merge FOLDER -o FILE")
		}
		return o.run(ctx, e, args[0])
	}
}

func (o mergeOptions) run(ctx context.Context, e env, dir string) error {
	if o.grid < 0 {
		return cli.Usage("-cols %d: want 1 or more, or 0 for about a square", o.grid)
	}
	var out *output.File
	var err error
	if o.out != "" && o.out != "-" {
		if out, err = output.To(o.out); err != nil {
			return cli.Usage("-o %w", err)
		}
	}
	s, err := openParts(ctx, dir)
	if err != nil {
		return err
	}
	if err := o.idle(s); err != nil {
		return err
	}
	s.Cols = o.grid
	switch {
	case o.out == "":
		_, err = fmt.Fprintf(e.Stdout, "%s: all %s of %s are there\n", dir, cli.Counted(s.Parts, "part"), cli.Counted(s.N, "sample"))
	case out == nil:
		err = s.WriteArray(ctx, cli.Unescaped(e.Stdout))
	default:
		return write(ctx, out, s)
	}
	return cli.Left(err, "%s", unwritten(o.out))
}

// idle returns an error for what has no meaning with these parts.
func (o mergeOptions) idle(s *output.Samples) error {
	ext := strings.ToLower(filepath.Ext(o.out))
	switch {
	case s.Command == "noise" && o.out != "" && o.out != "-" && ext != ".npy":
		return cli.Usage("-o %s: these are parts of noise; want a name that ends in .npy, or - for the standard output", o.out)
	case s.Command == "sample" && o.out == "-":
		return cli.Usage("-o -: these are parts of sample; name a file or a folder")
	case o.grid != 0 && o.out == "":
		return cli.Usage("-cols %d: without -o nothing is written; name a picture by -o, or leave it out", o.grid)
	case o.grid != 0 && (!s.Images() || ext != ".png" && ext != ".gif"):
		return cli.Usage("-cols %d: -o %s holds no grid of images; leave it out", o.grid, o.out)
	}
	return nil
}
