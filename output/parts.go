package output

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"heavytail"
	"heavytail/internal/jobs"
	"heavytail/internal/npy"
)

// A Share is one of Of equal shares of the samples of a run, Index from 0: what one task
// of a job array draws.
type Share struct{ Index, Of int }

// String is Index/Of.
func (s Share) String() string { return jobs.Share(s).String() }

// Range returns the samples of the share of n: lo, …, hi−1. Shares follow each other
// without gaps, and their lengths differ by 1 at most; of fewer samples than shares, some
// are empty. It panics for an Index that is none.
func (s Share) Range(n int) (lo, hi int) { return jobs.Share(s).Range(n) }

// An IncompleteError is that of Open where parts are missing or damaged.
type IncompleteError struct {
	Dir              string // the folder
	Missing, Damaged []int  // the shares that are to be run again, by Share.Index
	Shards           int    // how many shares there are
}

// Error names the shares.
func (e *IncompleteError) Error() string { return (*jobs.IncompleteError)(e).Error() }

// A StrangerError is that of Open and WritePart where a folder holds parts of another run.
type StrangerError struct {
	Dir, Part string // the folder, and the name of the part's file
	Why       string // what tells that it is another run's
}

// Error says which part it is, and what to do.
func (e *StrangerError) Error() string { return (*jobs.StrangerError)(e).Error() }

// ours returns an error of package jobs as one of this package.
func ours(err error) error {
	switch e := err.(type) {
	case *jobs.IncompleteError:
		return (*IncompleteError)(e)
	case *jobs.StrangerError:
		return (*StrangerError)(e)
	}
	return err
}

// ParseShare reads I/N, or auto/N and auto by what a Kubernetes Job or a Slurm array
// says in the environment.
func ParseShare(text string) (Share, error) {
	s, err := jobs.Parse(text, os.Getenv)
	return Share(s), err
}

// IsParts reports whether a folder holds parts.
func IsParts(dir string) bool { return jobs.IsFolder(dir) }

// WritePart draws a share of the samples into a folder, which it makes if it is not
// there: the values in a form that gives every file of the whole its bytes, and a
// manifest. With frames it keeps those of a film too. A part that is there and right is
// left as it is, and done is false. A part is there whole or not at all, whenever the
// program stops. It panics if the share is none.
func (s *Samples) WritePart(ctx context.Context, dir string, share Share, frames bool) (done bool, err error) {
	if ctx == nil {
		panic("output: WritePart with a nil context: use context.Background()")
	}
	if share.Of < 1 || share.Index < 0 || share.Index >= share.Of {
		panic(fmt.Sprintf("output: WritePart of share %v: the first of two is 0/2", share))
	}
	run := jobs.Run{Program: program, Command: s.Command, Samples: s.N, Shape: s.Shape, Type: "f32", Wide: s.Wide, Columns: s.Columns, Window: s.Window}
	if s.Wide || !s.Images() && s.exact {
		run.Type = "f64"
	}
	if frames {
		run.Frames = s.Frames
	}
	if run.Recipe, err = json.Marshal(s.about()); err != nil {
		panic("output: " + err.Error()) // strings and finite numbers
	}
	done, err = jobs.Write(ctx, dir, run, jobs.Share(share), func(w io.Writer, lo, hi int) error {
		switch {
		case lo == hi:
			return nil
		case run.Frames > 0:
			return s.films(ctx, lo, hi, func(x []float64) error { return writeValues(w, run.Type, x) })
		case run.Type == "f64":
			return s.stream64(ctx, lo, hi, func(_ int, x []float64) error { return npy.WriteValues(w, x) })
		}
		return s.stream(ctx, lo, hi, func(_ int, x []float32) error { return npy.WriteValues(w, x) })
	})
	return done, ours(err)
}

// about is what all samples of the run follow from.
func (s *Samples) about() any {
	if s.noise != nil {
		return s.noise
	}
	return s.Recipe
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

// Open returns the samples of a folder of parts, which are what one run would have drawn:
// each File of them has its bytes. It reads every value once, to see that all are there
// and right. The error is an *IncompleteError if parts are missing or damaged, and a
// *StrangerError if one is of another run or overlaps another.
func Open(ctx context.Context, dir string) (*Samples, error) {
	if ctx == nil {
		panic("output: Open with a nil context: use context.Background()")
	}
	f, err := jobs.Open(ctx, dir)
	if err != nil {
		return nil, ours(err)
	}
	s, err := merged(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return s, nil
}

// merged are the samples of a folder of parts, whose manifests are checked here as far
// as files go by them.
func merged(f *jobs.Folder) (*Samples, error) {
	s := &Samples{Command: f.Command, N: f.Samples, Shape: f.Shape, Wide: f.Wide, Columns: f.Columns, Window: f.Window, Frames: max(f.Frames, 1), Parts: f.Shards()}
	var into any
	switch f.Command {
	case "sample":
		into = &s.Recipe
		if len(f.Shape) < 1 || len(f.Shape) > 3 || s.Images() && f.Shape[2] != 1 && f.Shape[2] != 3 {
			return nil, fmt.Errorf("samples of shape %v in the manifests; want points, or images of 1 or 3 channels", f.Shape)
		}
	case "noise":
		s.noise = &Noise{}
		into = s.noise
		if len(f.Shape) > 1 || f.Frames > 0 {
			return nil, fmt.Errorf("noise of shape %v in the manifests; want numbers or rows", f.Shape)
		}
	default:
		return nil, fmt.Errorf("parts of the command %.20q; want sample or noise", f.Command)
	}
	if f.Wide && f.Type != "f64" || f.Samples < 1 || len(f.Columns) > 0 && s.per() != len(f.Columns) || f.Window < 0 || f.Window > 0 && s.per()%f.Window != 0 {
		return nil, fmt.Errorf("%d samples of %d columns, type %s, in the manifests, which do not fit together", f.Samples, len(f.Columns), f.Type)
	}
	r := json.NewDecoder(bytes.NewReader(f.Recipe))
	r.DisallowUnknownFields()
	if err := r.Decode(into); err != nil {
		return nil, fmt.Errorf("the recipe in the manifests: %w", err)
	}
	s.folder = f
	s.ready = s.readSeeds
	s.stream64 = func(ctx context.Context, _, _ int, emit func(first int, x []float64) error) error {
		return s.frames(ctx, false, func(_, first int, x []float64) error { return emit(first, x) })
	}
	s.stream = func(ctx context.Context, _, _ int, emit func(first int, x []float32) error) error {
		var narrow []float32
		return s.stream64(ctx, 0, s.N, func(first int, x []float64) error {
			narrow = narrow[:0]
			for _, v := range x {
				narrow = append(narrow, float32(v))
			}
			return emit(first, narrow)
		})
	}
	if f.Frames > 0 {
		s.film = func(ctx context.Context, _, _ int, emit func(k, first int, x []float64) error) error {
			return s.frames(ctx, true, emit)
		}
	}
	return s, nil
}

// frames passes the frames of the samples of parts on, a batch at a time; without all,
// the last of each, which are the samples.
func (s *Samples) frames(ctx context.Context, all bool, emit func(k, first int, x []float64) error) error {
	per, begin := s.per(), 0
	if !all {
		begin = s.Frames - 1
	}
	var x []float64
	return s.folder.Stream(ctx, func(first int, rows []byte) error {
		row := s.folder.Row()
		size := row / s.Frames
		for k := begin; k < s.Frames; k++ {
			x = x[:0]
			for i := range len(rows) / row {
				x = npy.AppendFloats(x, rows[i*row+k*size:][:size], size/per)
			}
			if err := emit(k, first, x); err != nil {
				return err
			}
		}
		return nil
	})
}

// Rows passes the samples of some numbers, which must ascend, to emit in turn. It reads
// no others. It panics for samples that are not those of Open, and a number that is none.
func (s *Samples) Rows(ctx context.Context, numbers []int, emit func(x []float64) error) error {
	if ctx == nil {
		panic("output: Rows with a nil context: use context.Background()")
	}
	if s.folder == nil {
		panic("output: Rows of samples that are no parts")
	}
	var x []float64
	size := s.folder.Row() / s.Frames
	return s.folder.Rows(ctx, numbers, func(row []byte) error {
		x = npy.AppendFloats(x[:0], row[len(row)-size:], size/s.per())
		return emit(x)
	})
}

// readSeeds reads the seeds of the samples, which single pictures are named by.
func (s *Samples) readSeeds() error {
	seeds, err := heavytail.ParseSeeds(s.Recipe.Seeds)
	if err != nil {
		return fmt.Errorf("the manifests: %w", err)
	}
	if len(seeds) != s.N {
		return fmt.Errorf("%d seeds of %d samples in the manifests", len(seeds), s.N)
	}
	s.seed = func(i int) uint64 { return seeds[i] }
	return nil
}
