package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"heavytail/internal/atomicfile"
	"heavytail/internal/cli"
	"heavytail/output"
)

// folderOf returns an error unless the folder that a flag's file would lie in is there.
func folderOf(flag, path string) error {
	if err := atomicfile.Possible(path); err != nil {
		return fmt.Errorf("%s %w", flag, err)
	}
	return nil
}

// unwritten says what the output of a command that was interrupted holds.
func unwritten(path string) string {
	_, err := os.Stat(path)
	switch {
	case path == "-":
		return "what went to the standard output is a part"
	case atomicfile.Through(path):
		return "what went to " + path + " is a part"
	case err == nil:
		return path + " is as it was"
	}
	return path + " was not written"
}

// write writes samples to the file of -o.
func write(ctx context.Context, f *output.File, s *output.Samples) error {
	if err := f.Check(s); err != nil {
		return fmt.Errorf("-o %w", err)
	}
	err := f.Write(ctx, s)
	if some := (*output.StoppedError)(nil); errors.As(err, &some) {
		err = cli.Left(err, "%d of %s are in %s", some.Done, cli.Counted(some.Of, "picture"), f.Path)
	}
	return cli.Left(err, "%s", unwritten(f.Path))
}

// A partsFlag is -shard, in sample and in noise.
type partsFlag struct {
	text  string
	share output.Share // 0/1 without it
}

// shardHelp is the help of -shard.
const shardHelp = "draw a share, `I/N` with I from 0, into the folder -o, for heavytail merge; auto/N takes I from JOB_COMPLETION_INDEX or SLURM_ARRAY_TASK_ID, auto is that of a Slurm array (empty: all)"

// check reads the share, and looks at -o, which given says is on the command line.
func (p *partsFlag) check(path string, given bool) (err error) {
	if p.share, err = output.ParseShare(p.text); err != nil {
		return cli.Usage("-shard %s: %w", p.text, err)
	}
	if !given || path == "" {
		return cli.Usage("-o is missing: with -shard, name the folder of the parts")
	}
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".png", ".gif", ".npy", ".csv":
		return cli.Usage("-o %s: with -shard, name the folder of the parts; heavytail merge FOLDER -o %s writes that of all", path, filepath.Base(path))
	}
	if st, err := os.Stat(path); err == nil && !st.IsDir() {
		return cli.Usage("-o %s: that is no folder; with -shard, name one for the parts", path)
	}
	return nil
}

// put writes the share of a run, unless it is there.
func (p *partsFlag) put(ctx context.Context, e env, path string, s *output.Samples, frames bool) error {
	done, err := s.WritePart(ctx, path, p.share, frames)
	if err != nil {
		return cli.Left(fmt.Errorf("-o %w", err), "share %v was not written to %s", p.share, path)
	}
	if !done {
		fmt.Fprintf(e.Stderr, "share %v is in %s, as it should be: left as it is\n", p.share, path)
	}
	return nil
}

// openParts opens a folder of parts, of which some may come with a retry.
func openParts(ctx context.Context, dir string) (*output.Samples, error) {
	s, err := output.Open(ctx, dir)
	if missing := (*output.IncompleteError)(nil); errors.As(err, &missing) {
		return nil, cli.Passing("%w", err)
	}
	return s, err
}
