package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"heavytail/internal/cli"
	"heavytail/internal/jobs"
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
	var out output
	var err error
	if o.out != "" && o.out != "-" {
		if out, err = outputFor(o.out); err != nil {
			return err
		}
	}
	f, err := jobs.Open(ctx, dir)
	if err != nil {
		return incomplete(err)
	}
	d, err := merged(f, o.grid)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if err := o.idle(f, d); err != nil {
		return err
	}
	switch {
	case o.out == "":
		_, err = fmt.Fprintf(e.Stdout, "%s: all %s of %s are there\n", dir, cli.Counted(f.Shards(), "part"), cli.Counted(f.Samples, "sample"))
	case out == nil:
		err = writeNumbers(ctx, cli.Unescaped(e.Stdout), d)
	default:
		if _, ok := out.(folder); ok {
			if err := d.seedsOf(f); err != nil {
				return fmt.Errorf("%s: %w", dir, err)
			}
		}
		err = out.write(ctx, d)
	}
	return cli.Left(err, "%s", unwritten(o.out))
}

// idle returns an error for what has no meaning with these parts.
func (o mergeOptions) idle(f *jobs.Folder, d *drawn) error {
	ext := strings.ToLower(filepath.Ext(o.out))
	switch {
	case f.Command == "noise" && o.out != "" && o.out != "-" && ext != ".npy":
		return cli.Usage("-o %s: these are parts of noise; want a name that ends in .npy, or - for the standard output", o.out)
	case f.Command == "sample" && o.out == "-":
		return cli.Usage("-o -: these are parts of sample; name a file or a folder")
	case o.grid != 0 && (!d.images() || ext != ".png" && ext != ".gif"):
		return cli.Usage("-cols %d: -o %s holds no grid of images; leave it out", o.grid, o.out)
	}
	return nil
}

// merged are the samples of a folder of parts, whose manifests are checked here as far
// as outputs go by them.
func merged(f *jobs.Folder, grid int) (*drawn, error) {
	d := &drawn{n: f.Samples, shape: f.Shape, wide: f.Wide, columns: f.Columns, window: f.Window, grid: grid, frames: max(f.Frames, 1)}
	var into any
	switch f.Command {
	case "sample":
		into = &d.recipe
		if len(f.Shape) < 1 || len(f.Shape) > 3 || d.images() && f.Shape[2] != 1 && f.Shape[2] != 3 {
			return nil, fmt.Errorf("samples of shape %v in the manifests; want points, or images of 1 or 3 channels", f.Shape)
		}
	case "noise":
		into = &noiseRecipe{}
		if len(f.Shape) > 1 || f.Frames > 0 {
			return nil, fmt.Errorf("noise of shape %v in the manifests; want numbers or rows", f.Shape)
		}
	default:
		return nil, fmt.Errorf("parts of the command %.20q; want sample or noise", f.Command)
	}
	if f.Wide && f.Type != "f64" || f.Samples < 1 || len(f.Columns) > 0 && d.per() != len(f.Columns) || f.Window < 0 || f.Window > 0 && d.per()%f.Window != 0 {
		return nil, fmt.Errorf("%d samples of %d columns, type %s, in the manifests, which do not fit together", f.Samples, len(f.Columns), f.Type)
	}
	r := json.NewDecoder(bytes.NewReader(f.Recipe))
	r.DisallowUnknownFields()
	if err := r.Decode(into); err != nil {
		return nil, fmt.Errorf("the recipe in the manifests: %w", err)
	}
	d.stream64 = func(ctx context.Context, emit func(first int, x []float64) error) error {
		return frames(ctx, f, d, false, func(_, first int, x []float64) error { return emit(first, x) })
	}
	d.stream = func(ctx context.Context, emit func(first int, x []float32) error) error {
		var narrow []float32
		return d.stream64(ctx, func(first int, x []float64) error {
			narrow = narrow[:0]
			for _, v := range x {
				narrow = append(narrow, float32(v))
			}
			return emit(first, narrow)
		})
	}
	if f.Frames > 0 {
		d.film = func(ctx context.Context, emit func(k, first int, x []float64) error) error {
			return frames(ctx, f, d, true, emit)
		}
	}
	return d, nil
}

// frames passes the frames of the samples of parts on, a batch at a time; without all,
// the last of each, which are the samples.
func frames(ctx context.Context, f *jobs.Folder, d *drawn, all bool, emit func(k, first int, x []float64) error) error {
	per, begin := d.per(), 0
	if !all {
		begin = d.frames - 1
	}
	var x []float64
	return f.Stream(ctx, func(first int, rows []byte) error {
		row := f.Row()
		size := row / d.frames
		for k := begin; k < d.frames; k++ {
			x = x[:0]
			for i := range len(rows) / row {
				x = appendValues(x, rows[i*row+k*size:][:size], per)
			}
			if err := emit(k, first, x); err != nil {
				return err
			}
		}
		return nil
	})
}

// appendValues appends the n values that b holds, which are float32 or float64.
func appendValues(x []float64, b []byte, n int) []float64 {
	if len(b) == 4*n {
		for ; len(b) > 0; b = b[4:] {
			x = append(x, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
		}
		return x
	}
	for ; len(b) > 0; b = b[8:] {
		x = append(x, math.Float64frombits(binary.LittleEndian.Uint64(b)))
	}
	return x
}

// seedsOf reads the seeds of the samples, which single pictures are named by.
func (d *drawn) seedsOf(f *jobs.Folder) error {
	seeds, err := parseSeeds(d.recipe.Seeds)
	if err != nil {
		return fmt.Errorf("the manifests: %w", err)
	}
	if len(seeds) != f.Samples {
		return fmt.Errorf("%d seeds of %d samples in the manifests", len(seeds), f.Samples)
	}
	d.seed = func(i int) uint64 { return seeds[i] }
	return nil
}
