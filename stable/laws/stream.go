package laws

import (
	"context"

	"heavytail/internal/par"
	"heavytail/tensor"
)

// Values are the variates of a seed, or its rows of Rows values where there are such.
type Values struct {
	Maker
	Rows    int // values of a row, as Options.Rows
	Seed    uint64
	Threads int // goroutines at most; 0: all processors
}

// part is the number of values that a thread makes at a time, devicePart what a GPU does.
const (
	part       = 1 << 16
	devicePart = 1 << 23
)

// Stream makes the values, or rows, lo, …, hi−1 and passes them to emit in order, a few
// parts at a time, so that any number takes the same memory; x is reused afterwards. It
// stops with ctx's error between two of them.
func (v Values) Stream(ctx context.Context, lo, hi int, emit func(first int, x []float32) error) error {
	return stream(ctx, v, v.Fill, lo, hi, emit)
}

// Stream64 is Stream of float64 values, which are others. It panics if the law is made
// in float32 only.
func (v Values) Stream64(ctx context.Context, lo, hi int, emit func(first int, x []float64) error) error {
	if v.Fill64 == nil {
		panic("laws: Stream64 of a law that is made in float32 only")
	}
	return stream(ctx, v, v.Fill64, lo, hi, emit)
}

// round is one round of parts, a par.Task.
type round[T any] struct {
	seed  uint64
	fill  func(dst []T, seed, first uint64)
	buf   []T
	first int // of this round
	rows  int // values, or rows, of a part
	width int
}

func (r *round[T]) Do(i int) {
	lo, hi := i*r.rows*r.width, min((i+1)*r.rows*r.width, len(r.buf))
	r.fill(r.buf[lo:hi], r.seed, uint64(r.first+i*r.rows))
}

func stream[T float32 | float64](ctx context.Context, v Values, fill func([]T, uint64, uint64), lo, hi int, emit func(int, []T) error) (err error) {
	if ctx == nil {
		panic("laws: Stream with a nil context: use context.Background()")
	}
	defer tensor.Catch(&err) // the failure of a GPU
	threads, most := par.Threads(v.Threads), part
	if v.onDevice {
		threads, most = 1, devicePart
	}
	r := &round[T]{seed: v.Seed, fill: fill, first: lo, width: max(v.Rows, 1)}
	r.rows = max(min(max(most/r.width, 1), hi-lo), 1)
	buf := make([]T, threads*r.rows*r.width)
	for r.first < hi {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(threads*r.rows, hi-r.first)
		r.buf = buf[:n*r.width]
		par.Run(threads, (n+r.rows-1)/r.rows, r)
		if err := emit(r.first, r.buf); err != nil {
			return err
		}
		r.first += n
	}
	return nil
}
