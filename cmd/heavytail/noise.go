package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"heavytail/internal/atomicfile"
	"heavytail/internal/cli"
	"heavytail/internal/npy"
	"heavytail/internal/par"
	"heavytail/stable/laws"
	"heavytail/tensor"
)

var noiseCommand = command{
	Name: "noise", Args: "", Summary: "writes random variates of a heavy-tailed law to a .npy file",
	Help: `  heavytail noise -law stable:1.7,0 -n 1e6 -seed 1 -o x.npy
  heavytail noise -law stable:0.9,0.5,2,1 -param s0 -n 1e6 -o x.npy     scale 2, location 1
  heavytail noise -law student:3 -n 1e5 -type f64 -o -                  to the standard output
  heavytail noise -law isotropic:1.7 -d 3072 -n 1000 -o noise.npy       rows of 3072
  heavytail noise -law normal -n 1e6 -shard 0/4 -o noise-parts          a quarter, for heavytail merge

Laws:
` + noiseHelp() + `
A skewed stable law needs -param s0 or s1, Nolan's parametrisations. Value i (row i
where there are rows) is a function of the seed, the law and i alone: the same on
every processor and for any -n and -threads; with -type f64 it is another value.
One beyond the largest number of the type is that number, never infinite, and one
below the smallest is that: no value is 0.
`,
	Flags: noiseFlags,
}

// noiseOptions are the flags of noise.
type noiseOptions struct {
	law, param, method, kind, out string
	n                             float64
	d, threads                    int
	seed                          uint64
	device                        deviceFlag
	place                         noisePlace
	shard                         string
}

func noiseFlags(fs *flag.FlagSet) func(context.Context, env, []string) error {
	var o noiseOptions
	fs.StringVar(&o.law, "law", "stable:1.7,0", "`NAME:PARAMETERS` of the law")
	fs.StringVar(&o.param, "param", "", "parametrisation of a skewed stable law: s0 or s1 (empty: it must be named)")
	fs.StringVar(&o.method, "method", "map", "stable laws: map, the exact map of two uniforms, or table, the distribution inverted by a table, one word each, in float32")
	fs.StringVar(&o.kind, "type", "f32", "numbers of the file: f32 or f64")
	fs.Float64Var(&o.n, "n", 1e6, "`number` of values, or of rows with -d; 1e6 is fine")
	fs.IntVar(&o.d, "d", 0, "values of a row, for isotropic laws")
	fs.Uint64Var(&o.seed, "seed", 0, "seed")
	fs.IntVar(&o.threads, "threads", 0, "most threads to use (0: all)")
	fs.Var(&o.device, "device", "`where` the variates are made: cpu, cuda or cuda:1 (heavytail info lists them), all with the same bytes (empty: cpu)")
	fs.StringVar(&o.shard, "shard", "", shardHelp)
	fs.StringVar(&o.out, "o", "", "`file` to write: NAME.npy, or - for the standard output; with -shard the folder of the parts (required)")
	return func(ctx context.Context, e env, args []string) error {
		if err := cli.NoArguments(args); err != nil {
			return err
		}
		return o.run(ctx, e)
	}
}

func (o noiseOptions) run(ctx context.Context, e env) error {
	if !(o.n >= 1 && o.n <= 1e12) || o.n != math.Trunc(o.n) {
		return cli.Usage("-n %s: want a whole number from 1 to 1000000000000", strings.ReplaceAll(strconv.FormatFloat(o.n, 'g', -1, 64), "e+", "e"))
	}
	if o.threads < 0 || o.threads > 1024 {
		return cli.Usage("-threads %d: want 0 to 1024", o.threads)
	}
	src, err := o.source()
	if err != nil {
		return err
	}
	done, err := o.place.openNoise(&o.device)
	if err != nil {
		return err
	}
	defer done()
	src.gpu = o.place.on != nil
	switch {
	case o.out == "":
		return cli.Usage("-o is missing: name the .npy file to write, or - for the standard output")
	case o.shard != "":
		return o.writeShare(ctx, e, src)
	case o.out == "-":
		if e.Stdout == nil {
			return cli.Usage("-o -: there is no standard output")
		}
		return cli.Left(src.write(ctx, cli.Unescaped(e.Stdout)), "%s", unwritten(o.out))
	case strings.ToLower(filepath.Ext(o.out)) != ".npy":
		return cli.Usage("-o %q: want a name that ends in .npy, or - for the standard output", o.out)
	}
	if err := folderOf("-o", o.out); err != nil {
		return err
	}
	err = atomicfile.WriteSized(o.out, src.bytes(), func(w io.Writer) error { return src.write(ctx, w) })
	return cli.Left(err, "%s", unwritten(o.out))
}

func noiseHelp() string {
	var b strings.Builder
	for _, l := range laws.All() {
		sep := ""
		if l.Args != "" {
			sep = ":"
		}
		fmt.Fprintf(&b, "  %-38s %s\n", l.Name+sep+l.Args, l.About)
	}
	return b.String()
}

// source checks the flags and returns what makes the file.
func (o *noiseOptions) source() (*noiseSource, error) {
	l, _, err := laws.Find(o.law)
	if err != nil {
		return nil, cli.Usage("-law %s: %w; heavytail noise -h lists the laws and their parameters", o.law, err)
	}
	switch {
	case l.Rows != (o.d != 0) || o.d < 0 || o.d > 1e7:
		return nil, cli.Usage("-d %d: rows of 1 to 10000000 values belong to the laws isotropic and isotropic-student, and only to them", o.d)
	case o.param != "" && l.Name != "stable":
		return nil, cli.Usage("-param belongs to -law stable")
	case o.param != "" && o.param != "s0" && o.param != "s1":
		return nil, cli.Usage("-param %q: want s0 or s1", o.param)
	case o.method != "map" && (o.method != "table" || l.Name != "stable"):
		return nil, cli.Usage("-method %s: want map, or table with -law stable", o.method)
	case o.kind != "f32" && o.kind != "f64":
		return nil, cli.Usage("-type %s: want f32 or f64", o.kind)
	}
	if err := o.most(); err != nil {
		return nil, err
	}
	m, err := laws.New(o.law, laws.Options{Rows: o.d, Param: o.param, Table: o.method == "table", On: &o.place})
	if errors.Is(err, laws.ErrSkewed) {
		return nil, cli.Usage("-law %s: %w: -param s0 or -param s1", o.law, err)
	}
	if err != nil {
		return nil, cli.Usage("-law %s: %w", o.law, err)
	}
	s := &noiseSource{n: int(o.n), d: o.d, threads: o.threads, seed: o.seed, law: m, double: o.kind == "f64"}
	if s.double && m.Fill64 == nil {
		return nil, cli.Usage("-type f64: -law %s -method %s is made in float32 only", l.Name, o.method)
	}
	return s, nil
}

// most returns an error for more values than a file has: their bytes are told in
// float64, and on 32-bit processors values are counted in 31 bits.
func (o *noiseOptions) most() error {
	values, bytes := o.n*float64(max(o.d, 1)), 4.0
	if o.kind == "f64" {
		bytes = 8
	}
	if values*bytes > 1<<53 || values > math.MaxInt {
		return cli.Usage("-n %.6g with rows of %d: a file of %.3g GB; want at most %.3g values in all", o.n, max(o.d, 1), values*bytes/1e9, min((1<<53)/bytes, math.MaxInt))
	}
	return nil
}

// A noiseSource makes a file of n rows of d values (d = 0: n values), those of the law
// from number first on.
type noiseSource struct {
	first, n, d, threads int
	seed                 uint64
	law                  laws.Maker
	double, gpu          bool
}

// bytes returns the size of the file less its header.
func (s *noiseSource) bytes() int64 {
	n := int64(s.n) * int64(max(s.d, 1)) * 4
	if s.double {
		n *= 2
	}
	return n
}

// noisePart is the number of values that a thread makes at a time, gpuPart what a GPU
// does.
const (
	noisePart = 1 << 16
	gpuPart   = 1 << 23
)

// write makes the file, a few parts at a time: any n needs the same memory.
func (s *noiseSource) write(ctx context.Context, w io.Writer) error {
	shape := []int{s.n}
	if s.d > 0 {
		shape = append(shape, s.d)
	}
	if s.double {
		if err := npy.WriteHeader64(w, shape...); err != nil {
			return err
		}
	} else if err := npy.WriteHeader(w, shape...); err != nil {
		return err
	}
	return s.values(ctx, w)
}

// values writes the values of the file, without its header.
func (s *noiseSource) values(ctx context.Context, w io.Writer) (err error) {
	defer tensor.Catch(&err) // the failure of a GPU
	if s.n == 0 {
		return nil
	}
	if s.double {
		return writeNoise(ctx, w, s, s.law.Fill64)
	}
	return writeNoise(ctx, w, s, s.law.Fill)
}

// noiseParts is one round of parts, a par.Task.
type noiseParts[T any] struct {
	src   *noiseSource
	fill  func(dst []T, seed, first uint64)
	buf   []T
	first int // of this round
	rows  int // values, or rows, of a part
	width int
}

func (p *noiseParts[T]) Do(i int) {
	lo, hi := i*p.rows*p.width, min((i+1)*p.rows*p.width, len(p.buf))
	p.fill(p.buf[lo:hi], p.src.seed, uint64(p.first+i*p.rows))
}

func writeNoise[T float32 | float64](ctx context.Context, w io.Writer, s *noiseSource, fill func([]T, uint64, uint64)) error {
	threads, part := par.Threads(s.threads), noisePart
	if s.gpu {
		threads, part = 1, gpuPart
	}
	p, end := &noiseParts[T]{src: s, fill: fill, first: s.first, width: max(s.d, 1)}, s.first+s.n
	p.rows = min(max(part/p.width, 1), s.n)
	buf := make([]T, threads*p.rows*p.width)
	for p.first < end {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(threads*p.rows, end-p.first)
		p.buf = buf[:n*p.width]
		par.Run(threads, (n+p.rows-1)/p.rows, p)
		if err := npy.WriteValues(w, p.buf); err != nil {
			return err
		}
		p.first += n
	}
	return nil
}
