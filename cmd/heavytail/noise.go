package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"heavytail/internal/cli"
	"heavytail/internal/device"
	"heavytail/output"
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
	parts                         partsFlag
}

func noiseFlags(fs *flag.FlagSet) func(context.Context, env, []string) error {
	var o noiseOptions
	fs.StringVar(&o.law, "law", "stable:1.7,0", "`NAME:PARAMETERS` of the law")
	fs.StringVar(&o.param, "param", "", "parametrisation of a skewed stable law: s0 or s1 (empty: it must be named)")
	fs.StringVar(&o.method, "method", "map", "stable laws: map, the exact map of two uniforms, or table, the distribution inverted by a table, one word each, in float32")
	fs.StringVar(&o.kind, "type", "f32", "numbers of the file: f32 or f64 (positive and isotropic laws and -method table: f32 alone)")
	fs.Float64Var(&o.n, "n", 1e6, "`number` of values, or of rows with -d; 1e6 is fine")
	fs.IntVar(&o.d, "d", 0, "values of a row, for isotropic laws")
	fs.Uint64Var(&o.seed, "seed", 0, "seed")
	fs.IntVar(&o.threads, "threads", 0, "most threads to use (0: all)")
	fs.Var(&o.device, "device", "`where` the variates are made: cpu, cuda or cuda:1 (heavytail info lists them), all with the same bytes (empty: cpu)")
	fs.StringVar(&o.parts.text, "shard", "", shardHelp)
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
	on, err := o.open()
	if err != nil {
		return err
	}
	defer device.Close(on)
	s, err := o.samples(on)
	if err != nil {
		return err
	}
	switch {
	case o.out == "":
		return cli.Usage("-o is missing: name the .npy file to write, or - for the standard output")
	case o.parts.text != "":
		if err := o.parts.check(o.out, o.out != "-"); err != nil {
			return err
		}
		return o.parts.put(ctx, e, o.out, s, false)
	case o.out == "-":
		if e.Stdout == nil {
			return cli.Usage("-o -: there is no standard output")
		}
		return cli.Left(s.WriteArray(ctx, cli.Unescaped(e.Stdout)), "%s", unwritten(o.out))
	case strings.ToLower(filepath.Ext(o.out)) != ".npy":
		return cli.Usage("-o %q: want a name that ends in .npy, or - for the standard output", o.out)
	}
	f, err := output.To(o.out)
	if err != nil {
		return cli.Usage("-o %w", err)
	}
	return write(ctx, f, s)
}

// open opens the GPU if -device names one, nil: none. The environment's does not count:
// the processor makes the same file, and no slower than a disk takes it.
func (o *noiseOptions) open() (tensor.Device, error) {
	if !o.device.given || !o.device.spec.GPU {
		return nil, o.check()
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	if fast := o.device.spec.Fast(); fast != "" {
		return nil, cli.Usage("-device %v: noise has the same bytes everywhere, and no mode %s: leave that out", &o.device, fast)
	}
	return o.device.open(0)
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

// check looks for mistakes in the flags.
func (o *noiseOptions) check() error {
	l, _, err := laws.Find(o.law)
	if err != nil {
		return cli.Usage("-law %s: %w; heavytail noise -h lists the laws and their parameters", o.law, err)
	}
	switch {
	case l.Rows != (o.d != 0) || o.d < 0 || o.d > 1e7:
		return cli.Usage("-d %d: rows of 1 to 10000000 values belong to the laws isotropic and isotropic-student, and only to them", o.d)
	case o.param != "" && l.Name != "stable":
		return cli.Usage("-param belongs to -law stable")
	case o.param != "" && o.param != "s0" && o.param != "s1":
		return cli.Usage("-param %q: want s0 or s1", o.param)
	case o.method != "map" && (o.method != "table" || l.Name != "stable"):
		return cli.Usage("-method %s: want map, or table with -law stable", o.method)
	case o.kind != "f32" && o.kind != "f64":
		return cli.Usage("-type %s: want f32 or f64", o.kind)
	}
	return o.most()
}

// samples are the variates, made on a device if there is one.
func (o *noiseOptions) samples(dev tensor.Device) (*output.Samples, error) {
	var on laws.Variates
	if dev != nil {
		if on = laws.OnDevice(dev); on == nil {
			return nil, fmt.Errorf("-device %v: %s makes no noise; leave it out", &o.device, dev.Name())
		}
	}
	m, err := laws.New(o.law, laws.Options{Rows: o.d, Param: o.param, Table: o.method == "table", On: on})
	if errors.Is(err, laws.ErrSkewed) {
		return nil, cli.Usage("-law %s: %w: -param s0 or -param s1", o.law, err)
	}
	if err != nil {
		return nil, cli.Usage("-law %s: %w", o.law, err)
	}
	if o.kind == "f64" && m.Fill64 == nil {
		name, _, _ := strings.Cut(o.law, ":")
		return nil, cli.Usage("-type f64: -law %s -method %s is made in float32 only", name, o.method)
	}
	return output.OfNoise(laws.Values{Maker: m, Rows: o.d, Seed: o.seed, Threads: o.threads}, output.Noise{Law: o.law, Param: o.param, Method: o.method, Seed: o.seed}, int(o.n), o.kind == "f64"), nil
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
