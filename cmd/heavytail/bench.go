package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"heavytail/bench"
	"heavytail/internal/atomicfile"
	"heavytail/internal/cli"
	"heavytail/internal/device"
	"heavytail/kernels"
	"heavytail/nn"
)

var benchCommand = command{
	Name: "bench", Args: strings.Join(bench.Kinds(), "|"),
	Summary: "times kernels and networks against the processor's peak of multiply-adds",
	Help: `  heavytail bench gemm -threads 2
  heavytail bench unet -config cifar10_lt -batch 4 -threads 2 -json
  heavytail bench unet -config mnist -batch 16 -layers -roofline mnist.svg
  heavytail bench train -config mnist -batch 16 -threads 2
  heavytail bench gemm -compare before.json   what bench gemm -json printed

  heavytail bench unet -config cifar10_lt -batch 64 -device cuda
  heavytail bench cuda -config cifar10_lt -batch 64 -count 20   what PyTorch is compared with

The peak is measured in the same run, on as many threads; that of a GPU is not.
-layers times every operation within whole passes: the rows add up to the pass. Rates
of convolutions count the direct form, so Winograd's may exceed the peak. The limit of
a row is the time of its products and transforms at the peak, or of weights that the
caches do not keep at the rate of memory, whichever is more; norms and exponentials
add nothing to it.
`,
	Flags: benchFlags,
}

// benchOptions are the flags of bench.
type benchOptions struct {
	bench.Options
	device   deviceFlag
	print    bench.Printer // beside the results of compare
	layers   bool
	roofline string
	compare  string
	given    map[string]bool // flags on the command line
}

func benchFlags(fs *flag.FlagSet) func(context.Context, env, []string) error {
	var o benchOptions
	fs.StringVar(&o.Config, "config", "mnist", "`network`: "+strings.Join(nn.Presets(), ", ")+" (unet, train)")
	fs.IntVar(&o.Batch, "batch", 1, "samples per run")
	fs.IntVar(&o.Threads, "threads", 1, "most threads to use")
	o.device.define(fs)
	fs.IntVar(&o.Count, "count", 5, "timed runs; the median is reported")
	fs.BoolVar(&o.print.JSON, "json", false, "print one JSON object per line")
	fs.BoolVar(&o.layers, "layers", false, "unet: time every operation of the network")
	fs.StringVar(&o.roofline, "roofline", "", "with -layers: draw their rates below the processor's and the memory's peak to this SVG `file` (empty: none)")
	fs.StringVar(&o.compare, "compare", "", "print beside each time that in `file`, which an earlier bench -json printed (empty: none)")
	return func(ctx context.Context, e env, args []string) error {
		o.given = cli.Given(fs)
		o.print.W = e.Stdout
		return o.run(ctx, args)
	}
}

func (o *benchOptions) run(ctx context.Context, args []string) error {
	kind, all := "", bench.Kinds()
	if len(args) > 0 {
		kind = args[0]
	}
	want := strings.Join(all[:len(all)-1], ", ") + " or " + all[len(all)-1]
	switch {
	case kind == "":
		return cli.Usage("want %s", want)
	case !slices.Contains(all, kind):
		return cli.Usage("%q: want %s", kind, want)
	case len(args) > 1:
		return cli.Usage("unexpected %q after %s: time one kind at a run", args[1], kind)
	case o.Batch < 1 || o.Batch > 4096 || o.Threads < 1 || o.Threads > 1024 || o.Count < 1 || o.Count > 1e6:
		return cli.Usage("-batch must be 1 to 4096, -threads 1 to 1024 and -count 1 to 1000000")
	}
	if err := o.check(kind); err != nil {
		return err
	}
	if err := o.open(kind); err != nil {
		return err
	}
	defer device.Close(o.Device)
	var err error
	if o.layers {
		err = o.timeLayers(ctx)
	} else {
		err = o.timeCases(ctx, kind)
	}
	if err != nil || o.print.Before == nil || o.print.Matched() {
		return err
	}
	return fmt.Errorf("-compare %s: nothing in it has the name, network, batch and threads of what was timed: give the flags of that run", o.compare)
}

// check returns an error for flags that do not fit, and reads the file of -compare.
func (o *benchOptions) check(kind string) (err error) {
	gpu := o.device.given && o.device.spec.GPU
	switch {
	case o.layers && kind != "unet":
		return cli.Usage("-layers with %s: it times the operations of unet; leave it out", kind)
	case o.layers && gpu:
		return cli.Usage("-layers times the processor: leave out -device %v", &o.device)
	case o.roofline != "" && !o.layers:
		return cli.Usage("-roofline without -layers: it draws the operations of a network; add bench unet -layers")
	case o.roofline != "" && strings.ToLower(filepath.Ext(o.roofline)) != ".svg":
		return cli.Usage("-roofline %s: it draws an SVG; want a name that ends in .svg", o.roofline)
	case o.given["config"] && !bench.IsNetwork(kind):
		return cli.Usage("-config %s: %s times no network; leave it out", o.Config, kind)
	case o.given["batch"] && slices.Contains([]string{"gemm", "noise", "law"}, kind):
		return cli.Usage("-batch %d: %s times no samples; leave it out", o.Batch, kind)
	case o.Threads != 1 && (kind == "law" || kind == "noise" && !gpu):
		return cli.Usage("-threads %d: noise and law are timed on one thread", o.Threads)
	case kind == "law" && gpu:
		return cli.Usage("-device %v: bench law times the processor; leave it out", &o.device)
	}
	if bench.IsNetwork(kind) {
		if _, err := nn.Preset(o.Config); err != nil {
			return cli.Usage("-config: %w", err)
		}
	}
	if o.roofline != "" {
		err = folderOf("-roofline", o.roofline)
	}
	if o.compare != "" && err == nil {
		o.print.Before, err = earlier(o.compare)
	}
	return err
}

// earlier reads what bench -json printed into a file.
func earlier(path string) (*bench.Earlier, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	e, err := bench.ReadEarlier(f)
	if err != nil {
		return nil, fmt.Errorf("-compare %s: %w", path, err)
	}
	return e, nil
}

// open opens the device of this kind of benchmark. Laws are computed by the processor
// alone, and noise by no other unless -device says so.
func (o *benchOptions) open(kind string) (err error) {
	if kind == "cuda" && !o.device.given {
		o.device = deviceFlag{device.Spec{GPU: true}, true}
	}
	if kind == "law" || kind == "noise" && !(o.device.given && o.device.spec.GPU) {
		o.Device = kernels.New(o.Threads)
		return nil
	}
	o.Mode = string(o.device.spec.Mode)
	o.Device, err = o.device.open(o.Threads)
	return err
}

// timeCases times the cases of a kind.
func (o *benchOptions) timeCases(ctx context.Context, kind string) error {
	err := bench.Run(ctx, kind, o.Options, o.print.Print)
	if some := (*bench.StoppedError)(nil); errors.As(err, &some) {
		err = cli.Left(err, "%d of %s were timed", some.Done, cli.Counted(some.Of, "case"))
	}
	return err
}

// timeLayers times the operations of a network.
func (o *benchOptions) timeLayers(ctx context.Context) error {
	p, err := bench.Layers(ctx, o.Options, bench.PeakFlops(o.Threads), bench.PeakBandwidth(o.Threads))
	if err != nil {
		return cli.Left(err, "no operation was timed")
	}
	for _, r := range p.Rows {
		if err := o.print.Print(r); err != nil {
			return err
		}
	}
	if o.roofline == "" {
		return nil
	}
	return atomicfile.Write(o.roofline, func(w io.Writer) error {
		_, err := io.WriteString(w, p.Roofline())
		return err
	})
}
