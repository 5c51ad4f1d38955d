package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"heavytail/internal/isa"
	"heavytail/simd"
)

// benchHelp is the text of heavytail bench -h.
const benchHelp = `usage: heavytail bench gemm|conv|attention|norm|noise|unet|train [flags]

Times kernels and whole networks and states the fraction of the processor's
peak of multiply-adds, measured in the same run.

  heavytail bench gemm -threads 2
  heavytail bench unet -config cifar10_lt -batch 4 -threads 2 -json
  heavytail bench train -config mnist -batch 16 -threads 2

flags:
`

// benchOptions are the flags of bench.
type benchOptions struct {
	config         string
	batch, threads int
	count          int
	json           bool
}

// A benchCase is one operation to time. flops and items are per run.
type benchCase struct {
	name  string
	flops float64 // 0: not counted
	items float64 // for rates other than FLOP/s
	unit  string  // of items
	run   func()
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
}

// benches are the kinds of benchmark; each returns its cases.
var benches = map[string]func(benchOptions) ([]benchCase, error){
	"gemm": gemmCases, "conv": convCases, "attention": attentionCases, "norm": normCases,
	"noise": noiseCases, "unet": unetCases, "train": trainCases,
}

// runBench is the subcommand bench: args follow its name.
func runBench(args []string, stdout, stderr io.Writer) error {
	var o benchOptions
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		fmt.Fprint(stderr, benchHelp)
		fs.PrintDefaults()
	}
	fs.StringVar(&o.config, "config", "mnist", "network: mnist, cifar10_lt, cifar10, fashion, tiny (unet, train)")
	fs.IntVar(&o.batch, "batch", 1, "samples per run")
	fs.IntVar(&o.threads, "threads", 1, "most threads to use")
	fs.IntVar(&o.count, "count", 5, "timed runs; the median is reported")
	fs.BoolVar(&o.json, "json", false, "print one JSON object per line")
	kind := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		kind, args = args[0], args[1:]
	}
	if err := fs.Parse(args); err != nil {
		return err
	}
	make := benches[kind]
	switch {
	case make == nil:
		return usagef("bench %q: choose gemm, conv, attention, norm, noise, unet or train", kind)
	case fs.NArg() > 0:
		return usagef("bench %s: unexpected %q", kind, fs.Arg(0))
	case o.batch < 1 || o.batch > 4096 || o.threads < 1 || o.threads > 1024 || o.count < 1 || o.count > 1e6:
		return usagef("bench: -batch must be 1 to 4096, -threads 1 to 1024 and -count at least 1")
	}
	cases, err := make(o)
	if err != nil {
		return err
	}
	peak := peakFlops(o.threads)
	for _, c := range cases {
		r := timeCase(c, o, peak)
		if kind != "unet" && kind != "train" {
			r.Config = ""
		}
		if err := r.print(stdout, o.json); err != nil {
			return err
		}
	}
	return nil
}

// peakFlops measures the peak of multiply-adds of threads goroutines at once:
// the best of several short loops.
func peakFlops(threads int) float64 {
	const iters = 1 << 18
	best := 0.0
	for range 8 {
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

// timeCase runs c once to warm up and then o.count times.
func timeCase(c benchCase, o benchOptions, peak float64) benchResult {
	c.run()
	ms := make([]float64, o.count)
	for i := range ms {
		start := time.Now()
		c.run()
		ms[i] = time.Since(start).Seconds() * 1e3
	}
	slices.Sort(ms)
	median := (ms[(len(ms)-1)/2] + ms[len(ms)/2]) / 2
	r := benchResult{Name: c.name, MedianMS: median, MinMS: ms[0], Peak: peak / 1e9,
		ISA: isa.Cur().String(), Threads: o.threads, Batch: o.batch, Config: o.config}
	if c.flops > 0 {
		r.GFlops = c.flops / median / 1e6
		r.Fraction = r.GFlops / r.Peak
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
	if r.GFlops > 0 {
		line += fmt.Sprintf("  %7.1f GFLOP/s, %4.1f %% of %.1f", r.GFlops, 100*r.Fraction, r.Peak)
	}
	if r.Rate > 0 {
		line += fmt.Sprintf("  %.4g %s/s", r.Rate, r.Unit)
	}
	_, err := fmt.Fprintf(w, "%s  [%s, %d threads]\n", line, r.ISA, r.Threads)
	return err
}
