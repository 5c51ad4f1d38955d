package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"heavytail"
	"heavytail/internal/cli"
	"heavytail/internal/jobs"
	"heavytail/internal/npy"
)

// shardHelp is the help of -shard, in sample and in noise.
const shardHelp = "draw a share, `I/N` with I from 0, into the folder -o, for heavytail merge; auto/N takes I from JOB_COMPLETION_INDEX or SLURM_ARRAY_TASK_ID, auto is that of a Slurm array (empty: all)"

// A partsFolder is where shares go, and the share to write.
type partsFolder struct {
	path  string
	share jobs.Share
	log   io.Writer
}

// newPartsFolder checks -shard, and -o, which given says is on the command line.
func newPartsFolder(e env, shard, path string, given bool) (p partsFolder, err error) {
	share, err := jobs.Parse(shard, os.Getenv)
	if err != nil {
		return p, cli.Usage("-shard %s: %w", shard, err)
	}
	if !given || path == "" {
		return p, cli.Usage("-o is missing: with -shard, name the folder of the parts")
	}
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".png", ".gif", ".npy", ".csv":
		return p, cli.Usage("-o %s: with -shard, name the folder of the parts; heavytail merge FOLDER -o %s writes that of all", path, filepath.Base(path))
	}
	if st, err := os.Stat(path); err == nil && !st.IsDir() {
		return p, cli.Usage("-o %s: that is no folder; with -shard, name one for the parts", path)
	}
	return partsFolder{path, share, e.Stderr}, nil
}

// put writes the share of a run by fill, unless it is there.
func (p partsFolder) put(ctx context.Context, run jobs.Run, recipe any, fill func(w io.Writer, lo, hi int) error) error {
	text, err := json.Marshal(recipe)
	if err != nil {
		panic(err) // strings and finite numbers
	}
	run.Program, run.Recipe = "heavytail "+heavytail.Version, text
	done, err := jobs.Write(ctx, p.path, run, p.share, fill)
	if err != nil {
		return cli.Left(fmt.Errorf("-o %w", err), "share %v was not written to %s", p.share, p.path)
	}
	if !done {
		fmt.Fprintf(p.log, "share %v is in %s, as it should be: left as it is\n", p.share, p.path)
	}
	return nil
}

// output chooses the form of the samples.
func (r *sampleRequest) output(e env) (output, error) {
	if r.share = (jobs.Share{Of: 1}); r.shard == "" {
		return outputFor(r.out)
	}
	p, err := newPartsFolder(e, r.shard, r.out, r.outGiven)
	r.share = p.share
	return sampleParts{p, r}, err
}

// sampleParts are shares of samples: their values, in the form that gives every output
// of the whole its bytes.
type sampleParts struct {
	partsFolder
	r *sampleRequest
}

func (p sampleParts) write(ctx context.Context, of *drawn) error {
	run := jobs.Run{Command: "sample", Samples: of.n, Shape: of.shape, Type: "f32", Wide: of.wide, Columns: of.columns, Window: of.window}
	// Known values of points are those that were given, to the last bit, in outputs of
	// float64.
	if of.wide || !of.images() && p.r.options.Image64 != nil {
		run.Type = "f64"
	}
	if p.r.framesGiven {
		run.Frames = of.frames
	}
	return p.put(ctx, run, of.recipe, func(w io.Writer, lo, hi int) error {
		if lo == hi {
			return nil
		}
		p.r.options.First, p.r.options.Count = lo, hi-lo
		switch {
		case run.Frames > 0:
			return p.r.films(ctx, of.frames, func(x []float64) error { return writeValues(w, run.Type, x) })
		case run.Type == "f64":
			return of.stream64(ctx, func(_ int, x []float64) error { return npy.WriteValues(w, x) })
		}
		return of.stream(ctx, func(_ int, x []float32) error { return npy.WriteValues(w, x) })
	})
}

// films passes on the frames of each sample in turn, a batch at a time.
func (r *sampleRequest) films(ctx context.Context, frames int, emit func(x []float64) error) error {
	o, d := r.options, r.per()
	o.Estimates = true
	batches := map[int][]float64{} // by their first samples; several devices draw at once
	o.Step64 = framesOf(r.loaded.Moves(o), frames, o.Step64, func(k, first int, x []float64) error {
		all := batches[first]
		if all == nil {
			all = make([]float64, frames*len(x))
			batches[first] = all
		}
		for i := range len(x) / d {
			copy(all[(i*frames+k)*d:], x[i*d:(i+1)*d])
		}
		return nil
	})
	return r.loaded.Stream64(ctx, o, func(first int, _ []float64) error {
		defer delete(batches, first)
		return emit(batches[first])
	})
}

// writeValues writes values as f32 or f64.
func writeValues(w io.Writer, kind string, x []float64) error {
	if kind == "f64" {
		return npy.WriteValues(w, x)
	}
	narrow := make([]float32, len(x))
	for i, v := range x {
		narrow[i] = float32(v)
	}
	return npy.WriteValues(w, narrow)
}

// A noiseRecipe is what the values of noise follow from.
type noiseRecipe struct {
	Law    string `json:"law"`
	Param  string `json:"param,omitempty"`
	Method string `json:"method"`
	Seed   uint64 `json:"seed"`
}

// writeShare writes the share of a noise file that -shard names.
func (o noiseOptions) writeShare(ctx context.Context, e env, src *noiseSource) error {
	p, err := newPartsFolder(e, o.shard, o.out, o.out != "-")
	if err != nil {
		return err
	}
	run := jobs.Run{Command: "noise", Samples: src.n, Type: o.kind, Wide: src.double}
	if src.d > 0 {
		run.Shape = []int{src.d}
	}
	return p.put(ctx, run, noiseRecipe{o.law, o.param, o.method, o.seed}, func(w io.Writer, lo, hi int) error {
		src.first, src.n = lo, hi-lo
		return src.values(ctx, w)
	})
}

// incomplete returns the error of parts, of which some may come with a retry.
func incomplete(err error) error {
	if missing := (*jobs.IncompleteError)(nil); errors.As(err, &missing) {
		return cli.Passing("%w", err)
	}
	return err
}
