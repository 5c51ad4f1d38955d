package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"heavytail/internal/cli"
	"heavytail/internal/device"
	"heavytail/internal/isa"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/simd"
	"heavytail/tensor"
)

var benchCommand = command{
	Name: "bench", Args: "gemm|conv|attention|norm|noise|law|unet|train|cuda",
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
of convolutions count the direct form, so Winograd's may exceed the peak.
`,
	Flags: benchFlags,
}

// benchOptions are the flags of bench.
type benchOptions struct {
	config         string
	batch, threads int
	device         deviceFlag
	dev            tensor.Device
	count          int
	json           bool
	layers         bool
	roofline       string
	compare        string
	before         map[benchKey]benchResult // of compare
	matched        *int                     // results that are in it too

	configGiven, batchGiven bool
}

// A benchCase is one operation to time. flops and items are per run.
type benchCase struct {
	name  string
	flops float64 // 0: not counted
	items float64 // for rates other than FLOP/s
	unit  string  // of items
	run   func()

	op    string // in bench cuda, with its sizes
	shape shape
}

// A benchResult is one line of the report.
type benchResult struct {
	Name     string  `json:"name"`
	MedianMS float64 `json:"median_ms"`
	MinMS    float64 `json:"min_ms"`
	GFlops   float64 `json:"gflops,omitempty"`
	Fraction float64 `json:"fraction_of_peak,omitempty"`
	Rate     float64 `json:"rate,omitempty"`
	Unit     string  `json:"unit,omitempty"`
	Peak     float64 `json:"peak_gflops"`
	ISA      string  `json:"isa"`
	Threads  int     `json:"threads"`
	Batch    int     `json:"batch,omitempty"`
	Config   string  `json:"config,omitempty"`
	Device   string  `json:"device"`

	// Of the operations of a network: how many are one row, and their share of a pass.
	Calls int     `json:"calls,omitempty"`
	Share float64 `json:"share,omitempty"`

	// The median of an earlier run, and on what.
	BeforeMS float64 `json:"before_ms,omitempty"`
	BeforeOn string  `json:"before_on,omitempty"`

	// Of a GPU: runs behind each other in one timed one, kernels started in a run,
	// and in bench cuda what torch_ref.py does with PyTorch.
	Runs     int    `json:"runs,omitempty"`
	Launches int    `json:"launches,omitempty"`
	Op       string `json:"op,omitempty"`
	Shape    shape  `json:"shape,omitempty"`
	Mode     string `json:"mode,omitempty"`
}

// benches are the kinds of benchmark; each returns its cases.
var benches = map[string]func(benchOptions) ([]benchCase, error){
	"gemm": gemmCases, "conv": convCases, "attention": attentionCases, "norm": normCases,
	"noise": noiseCases, "law": lawCases, "unet": unetCases, "train": trainCases, "cuda": cudaCases,
}

func benchFlags(fs *flag.FlagSet) func(context.Context, env, []string) error {
	o := benchOptions{matched: new(int)}
	fs.StringVar(&o.config, "config", "mnist", "`network`: "+strings.Join(nn.Presets(), ", ")+" (unet, train)")
	fs.IntVar(&o.batch, "batch", 1, "samples per run")
	fs.IntVar(&o.threads, "threads", 1, "most threads to use")
	o.device.define(fs)
	fs.IntVar(&o.count, "count", 5, "timed runs; the median is reported")
	fs.BoolVar(&o.json, "json", false, "print one JSON object per line")
	fs.BoolVar(&o.layers, "layers", false, "unet: time every operation of the network")
	fs.StringVar(&o.roofline, "roofline", "", "with -layers: draw their rates below the processor's and the memory's peak to this SVG `file` (empty: none)")
	fs.StringVar(&o.compare, "compare", "", "print beside each time that in `file`, which an earlier bench -json printed (empty: none)")
	return func(ctx context.Context, e env, args []string) error {
		fs.Visit(func(f *flag.Flag) {
			o.configGiven = o.configGiven || f.Name == "config"
			o.batchGiven = o.batchGiven || f.Name == "batch"
		})
		return o.run(ctx, e.Stdout, args)
	}
}

func (o benchOptions) run(ctx context.Context, stdout io.Writer, args []string) error {
	kind := ""
	if len(args) > 0 {
		kind = args[0]
	}
	cases := benches[kind]
	switch {
	case kind == "":
		return cli.Usage("want gemm, conv, attention, norm, noise, law, unet, train or cuda")
	case cases == nil:
		return cli.Usage("%q: want gemm, conv, attention, norm, noise, law, unet, train or cuda", kind)
	case len(args) > 1:
		return cli.Usage("unexpected %q after %s: time one kind at a run", args[1], kind)
	case o.batch < 1 || o.batch > 4096 || o.threads < 1 || o.threads > 1024 || o.count < 1 || o.count > 1e6:
		return cli.Usage("-batch must be 1 to 4096, -threads 1 to 1024 and -count 1 to 1000000")
	}
	if err := o.check(kind); err != nil {
		return err
	}
	if err := o.open(kind); err != nil {
		return err
	}
	defer device.Close(o.dev)
	if o.layers {
		return errors.Join(o.benchLayers(ctx, stdout, peakFlops(o.threads)), o.unmatched())
	}
	all, err := cases(o)
	if err != nil {
		return err
	}
	peak := 0.0
	if !o.gpu() {
		peak = peakFlops(o.threads)
	}
	for i, c := range all {
		r, err := timeCase(ctx, c, o, peak)
		if err != nil {
			return cli.Left(err, "%d of %s were timed", i, cli.Counted(len(all), "case"))
		}
		all[i] = benchCase{} // and its operands
		if !isNetwork(kind) {
			r.Config = ""
		}
		if err := o.report(stdout, r); err != nil {
			return err
		}
	}
	return o.unmatched()
}

// isNetwork reports whether a kind of benchmark times networks.
func isNetwork(kind string) bool { return kind == "unet" || kind == "train" || kind == "cuda" }

// check returns an error for flags that do not fit, and reads the file of -compare.
func (o *benchOptions) check(kind string) (err error) {
	switch {
	case o.layers && kind != "unet":
		return cli.Usage("-layers with %s: it times the operations of unet; leave it out", kind)
	case o.layers && o.device.given && o.device.spec.GPU:
		return cli.Usage("-layers times the processor: leave out -device %v", &o.device)
	case o.roofline != "" && !o.layers:
		return cli.Usage("-roofline without -layers: it draws the operations of a network; add bench unet -layers")
	case o.roofline != "" && strings.ToLower(filepath.Ext(o.roofline)) != ".svg":
		return cli.Usage("-roofline %s: it draws an SVG; want a name that ends in .svg", o.roofline)
	case o.configGiven && !isNetwork(kind):
		return cli.Usage("-config %s: %s times no network; leave it out", o.config, kind)
	case o.batchGiven && slices.Contains([]string{"gemm", "noise", "law"}, kind):
		return cli.Usage("-batch %d: %s times no samples; leave it out", o.batch, kind)
	}
	if o.roofline != "" {
		err = folderOf("-roofline", o.roofline)
	}
	if o.compare != "" && err == nil {
		o.before, err = earlier(o.compare)
	}
	return err
}

// peakFlops measures the peak of multiply-adds of threads goroutines at once:
// the best of several loops, each long beside the time that the scheduler
// takes to wake a second processor.
func peakFlops(threads int) float64 {
	const iters = 1 << 22
	best := 0.0
	for range 4 {
		done := make(chan float64, threads)
		start := time.Now()
		for range threads {
			go func() { done <- simd.PeakFlops(iters) }()
		}
		flops := 0.0
		for range threads {
			flops += <-done
		}
		best = max(best, flops/time.Since(start).Seconds())
	}
	return best
}

// open opens the device of this kind of benchmark. Laws are computed by the processor
// alone, and noise by no other unless -device says so.
func (o *benchOptions) open(kind string) (err error) {
	if kind == "cuda" && !o.device.given {
		o.device = deviceFlag{device.Spec{GPU: true}, true}
	}
	gpu := o.device.given && o.device.spec.GPU
	switch {
	case kind == "law" && gpu:
		return cli.Usage("-device %v: bench law times the processor; leave it out", &o.device)
	case kind != "law" && kind != "noise" || gpu:
		o.dev, err = o.device.open(o.threads)
		return err
	}
	o.dev = kernels.New(o.threads)
	return nil
}

// gpu reports whether the benchmark runs on another device than the processor.
func (o benchOptions) gpu() bool {
	_, cpu := o.dev.(*kernels.CPU)
	return !cpu
}

// seconds returns the time that f takes on the device, whose methods may return
// before their work is done.
func (o benchOptions) seconds(f func()) (float64, error) {
	if t, ok := o.dev.(interface{ Time(func()) (float64, error) }); ok {
		return t.Time(f)
	}
	start := time.Now()
	f()
	return time.Since(start).Seconds(), nil
}

// timeCase runs c once to warm up and then o.count times. What a GPU does in less
// than runsMS is run several times behind each other, so that the time between two
// calls of this program does not count.
func timeCase(ctx context.Context, c benchCase, o benchOptions, peak float64) (benchResult, error) {
	const runsMS, mostRuns = 2, 100
	runs, launches := 1, 0
	measure := func() (float64, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		s, err := o.seconds(func() {
			for range runs {
				c.run()
			}
		})
		if err != nil {
			return 0, fmt.Errorf("%s: %w", c.name, err)
		}
		return s * 1e3 / float64(runs), nil
	}
	if _, err := measure(); err != nil {
		return benchResult{}, err
	}
	if o.gpu() {
		before := o.launches()
		ms, err := measure()
		if err != nil {
			return benchResult{}, err
		}
		launches = o.launches() - before
		runs = max(1, min(mostRuns, int(runsMS/ms)))
	}
	ms := make([]float64, o.count)
	for i := range ms {
		var err error
		if ms[i], err = measure(); err != nil {
			return benchResult{}, err
		}
	}
	r := c.result(o, ms, peak)
	if o.gpu() {
		r.Runs, r.Launches = runs, launches
	}
	return r, nil
}

// launches returns how many kernels the device started so far.
func (o benchOptions) launches() int {
	if d, ok := o.dev.(interface{ Launches() int }); ok {
		return d.Launches()
	}
	return 0
}

// result is the line of a case that took so many milliseconds.
func (c benchCase) result(o benchOptions, ms []float64, peak float64) benchResult {
	slices.Sort(ms)
	median := (ms[(len(ms)-1)/2] + ms[len(ms)/2]) / 2
	r := benchResult{Name: c.name, MedianMS: median, MinMS: ms[0], Peak: peak / 1e9,
		ISA: isa.Cur().String(), Threads: o.threads, Batch: o.batch, Config: o.config, Device: o.dev.Name(), Op: c.op, Shape: c.shape}
	if c.op != "" {
		r.Mode = string(cmp.Or(o.device.spec.Mode, device.Exact))
	}
	if c.flops > 0 && median > 0 {
		r.GFlops = c.flops / median / 1e6
		if peak > 0 {
			r.Fraction = r.GFlops / r.Peak
		}
	}
	if c.items > 0 {
		r.Rate, r.Unit = c.items/median*1e3, c.unit
	}
	return r
}

// print writes r as one line.
func (r benchResult) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	line := fmt.Sprintf("%-34s %9.3f ms (least %.3f)", r.Name, r.MedianMS, r.MinMS)
	if r.Calls > 0 { // a row of -layers
		line = fmt.Sprintf("%-48s %3d× %9.3f ms %5.1f %%", r.Name, r.Calls, r.MedianMS, 100*r.Share)
	}
	if r.GFlops > 0 {
		line += fmt.Sprintf("  %7.1f GFLOP/s", r.GFlops)
	}
	if r.Peak > 0 && r.GFlops > 0 {
		line += fmt.Sprintf(", %4.1f %% of %.1f", 100*r.Fraction, r.Peak)
	}
	if r.Rate > 0 {
		line += fmt.Sprintf("  %s %s/s", rate(r.Rate), r.Unit)
	}
	if r.BeforeMS > 0 {
		line += fmt.Sprintf("  %.2f× of %.3f ms before", r.MedianMS/r.BeforeMS, r.BeforeMS)
		if r.BeforeOn != r.Device {
			line += " on " + r.BeforeOn
		}
	}
	_, err := fmt.Fprintf(w, "%s  [%s]\n", line, r.Device)
	return err
}
