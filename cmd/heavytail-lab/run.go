package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"heavytail"
	"heavytail/cmd/heavytail-lab/internal/experiment"
	"heavytail/internal/cli"
	"heavytail/internal/jobs"
	"heavytail/internal/par"
)

var runCommand = cli.Command{
	Name: "run", Args: "NAME", Summary: "measures methods beside each other: tables and pictures",
	Help: `  heavytail-lab run -l                    the experiments
  heavytail-lab run tails -quick          a small version of one, under a minute
  heavytail-lab run tails -threads 2      all of it: hours for some
  heavytail-lab run tails -shard 3/64     a share of it on each of 64 machines …
  heavytail-lab run tails -merge          … and the results of all shares

Every finished training is a row in the state folder: an experiment that was
stopped goes on where it was when it is started again. Rows depend on the seed
and on what they measure, not on their order or the number of threads. When all
are there, NAME.csv (all rows), NAME.svg and NAME.md are written to the folder
of results; of a page that is there already only the generated parts change.
`,
	Flags: runFlags,
}

// runRequest are the flags of run.
type runRequest struct {
	list, report bool
	shard        string
	merge        bool
	out, state   string
	threads      int
	options      experiment.Options
}

func runFlags(fs *flag.FlagSet) func(context.Context, cli.Env, []string) error {
	r := &runRequest{}
	o := &r.options
	fs.BoolVar(&r.list, "l", false, "list the experiments")
	fs.BoolVar(&o.Quick, "quick", false, "a small version: it shows that all works, not what is true")
	fs.BoolVar(&r.report, "report", false, "measure nothing: write the results of the rows that there are in the state folder or, if it has none, page and pictures of those of NAME.csv in the folder of results; needs no data")
	fs.StringVar(&r.shard, "shard", "", "measure a share of the rows, `I/N` with I from 0, into the state folder, which all shares may have in common; auto/N takes I from JOB_COMPLETION_INDEX or SLURM_ARRAY_TASK_ID, auto is that of a Slurm array (empty: all)")
	fs.BoolVar(&r.merge, "merge", false, "measure nothing: write the results of all shares")
	fs.StringVar(&r.out, "out", "", "`folder` of the results (default results; with -quick the state folder)")
	fs.StringVar(&r.state, "state", "", "`folder` of rows and checkpoints (default runs/experiment/NAME, or NAME-quick)")
	fs.StringVar(&o.Data, "data", "", "`folder` with data that do not come with the program, for experiments that want them (empty: they say what they miss)")
	fs.Uint64Var(&o.Seed, "seed", 1, "seed of data, trainings and samples")
	fs.IntVar(&o.Runs, "runs", 0, "trainings of each method and setting (0: the experiment's number)")
	fs.IntVar(&r.threads, "threads", 0, "trainings at once, each on one thread (0: all processors)")
	return r.do
}

func (r *runRequest) do(ctx context.Context, e cli.Env, args []string) error {
	if r.list {
		for _, x := range experiment.All() {
			fmt.Fprintf(e.Stdout, "%-9s %s\n", x.Name, x.Summary)
		}
		return cli.NoArguments(args)
	}
	switch {
	case len(args) != 1:
		return cli.Usage("want one experiment: heavytail-lab run -l lists them")
	case r.merge && (r.shard != "" || r.report) || r.report && r.shard != "":
		return cli.Usage("-shard measures a share, -merge writes the results of all shares, -report those of the rows that there are: give one of them")
	case r.threads < 0 || r.threads > 1<<10:
		return cli.Usage("-threads %d: want 0 (all processors) to %d", r.threads, 1<<10)
	case r.options.Runs < 0 || r.options.Runs > 1<<20:
		return cli.Usage("-runs %d: want 0 (the experiment's number) to %d", r.options.Runs, 1<<20)
	}
	x, err := experiment.Find(args[0])
	if err != nil {
		return cli.Usage("%w", err)
	}
	if r.state == "" {
		r.state = filepath.Join("runs", "experiment", x.Name)
		if r.options.Quick {
			r.state += "-quick"
		}
	}
	if r.out == "" {
		r.out = "results"
		if r.options.Quick {
			r.out = r.state
		}
	}
	if r.threads == 0 {
		r.threads = par.Threads(0)
	}
	// Operations that are parallel by themselves keep to the same number.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(min(r.threads, runtime.GOMAXPROCS(0))))
	start := time.Now()
	run := experiment.Runner{Program: "heavytail-lab " + heavytail.Version, Out: r.out, State: r.state, Threads: r.threads, Only: r.report}
	run.Log = func(format string, a ...any) {
		fmt.Fprintf(e.Stderr, "%8s  %s\n", time.Since(start).Round(time.Second), fmt.Sprintf(format, a...))
	}
	switch {
	case r.shard != "":
		return r.share(ctx, e, run, x)
	case r.merge:
		err = run.Merge(ctx, x, r.options)
		if lack := (*jobs.IncompleteError)(nil); errors.As(err, &lack) {
			err = cli.Passing("%w", err)
		}
		return err
	}
	err = run.Do(ctx, x, r.options)
	return cli.Left(err, "the rows that are finished are in %s: the same command goes on", r.state)
}

// share measures the share that -shard names.
func (r *runRequest) share(ctx context.Context, e cli.Env, run experiment.Runner, x experiment.Experiment) error {
	s, err := jobs.Parse(r.shard, os.Getenv)
	if err != nil {
		return cli.Usage("-shard %s: %w", r.shard, err)
	}
	done, err := run.Share(ctx, x, r.options, s)
	if err != nil {
		return cli.Left(err, "what is measured of share %v is in %s: the same command goes on", s, r.state)
	}
	if !done {
		fmt.Fprintf(e.Stderr, "share %v is in %s, as it should be: left as it is\n", s, r.state)
	}
	return nil
}
