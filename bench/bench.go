// Package bench times kernels, networks, training steps, variates and laws of this
// module. Cases makes what is timed, Case.Time times it, Layers times every
// operation of a network within whole passes, and ReadEarlier reads what an earlier
// run wrote, to compare. PeakFlops and PeakBandwidth measure what the processor and
// its memory allow.
//
//	dev := kernels.New(2)
//	o := bench.Options{Config: "mnist", Batch: 16, Threads: 2, Count: 5, Device: dev}
//	cases, err := bench.Cases("unet", o)
//	…
//	r, err := cases[0].Time(ctx, o, bench.PeakFlops(2))
//	fmt.Println(r)
package bench

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"heavytail/internal/isa"
	"heavytail/kernels"
	"heavytail/tensor"
)

// Options say what is timed, and where.
type Options struct {
	// Config is the network of unet, train and cuda, a name of nn.Presets.
	Config string
	// Batch is how many samples a run computes, at least 1.
	Batch int
	// Threads is how many threads Device computes with at most; noise and law
	// are timed on one.
	Threads int
	// Count is how often a case is timed, at least 1.
	Count int
	// Device is where operations run: kernels.New(Threads), or a GPU. Laws, and
	// noise where it is the processor, do not use it.
	Device tensor.Device
	// Mode is how a GPU computes, "exact", "tf32" or "bf16"; it is only written
	// into the results of cuda. Empty means exact.
	Mode string
}

// A Case is one operation to time.
type Case struct {
	name  string
	flops float64 // of a run; 0: not counted
	items float64 // of a run, for rates other than FLOP/s
	unit  string  // of items
	run   func()

	op    string // in cuda, with its sizes
	shape Shape
}

// A Result says how long a case took. Its JSON is one line of heavytail bench -json.
type Result struct {
	Name     string  `json:"name"`      // what was timed, with its sizes
	MedianMS float64 `json:"median_ms"` // of the timed runs, milliseconds
	MinMS    float64 `json:"min_ms"`    // the shortest of them

	// GFlops is the rate of products in GFLOP/s, that of the direct form where a
	// convolution takes another; Fraction is its part of the peak. Where other
	// things are counted, Rate is how many of Unit in a second.
	GFlops   float64 `json:"gflops,omitempty"`
	Fraction float64 `json:"fraction_of_peak,omitempty"`
	Rate     float64 `json:"rate,omitempty"`
	Unit     string  `json:"unit,omitempty"`

	// Peak is the peak of multiply-adds that Time was given, in GFLOP/s.
	Peak    float64 `json:"peak_gflops"`
	ISA     string  `json:"isa"` // the level of the kernels on the processor
	Threads int     `json:"threads"`
	Batch   int     `json:"batch,omitempty"`
	Config  string  `json:"config,omitempty"`
	Device  string  `json:"device"`

	// Of the operations of a network: how many are one row, and their share of a pass.
	Calls int     `json:"calls,omitempty"`
	Share float64 `json:"share,omitempty"`
	// LeastMS is the time below which no program can be that takes the same forms: of the
	// products and of Winograd's transforms at the peak of multiply-adds, or of the weights
	// at memory's bandwidth in networks that have more of them than caches keep, whichever
	// is more. Norms, activations and exponentials add nothing to it.
	LeastMS float64 `json:"least_ms,omitempty"`

	// The median of an earlier run in milliseconds, and on what.
	BeforeMS float64 `json:"before_ms,omitempty"`
	BeforeOn string  `json:"before_on,omitempty"`

	// Of a GPU: runs behind each other in one timed one, kernels started in a run,
	// and in cuda what cuda/bench/torch_ref.py does with PyTorch.
	Runs     int    `json:"runs,omitempty"`
	Launches int    `json:"launches,omitempty"`
	Op       string `json:"op,omitempty"`
	Shape    Shape  `json:"shape,omitempty"`
	Mode     string `json:"mode,omitempty"`
}

// kinds are the kinds of benchmark; each returns its cases.
var kinds = []struct {
	name    string
	cases   func(Options) ([]Case, error)
	network bool // times that of Options.Config
}{
	{"gemm", gemmCases, false},
	{"conv", convCases, false},
	{"attention", attentionCases, false},
	{"norm", normCases, false},
	{"noise", noiseCases, false},
	{"law", lawCases, false},
	{"unet", unetCases, true},
	{"train", trainCases, true},
	{"cuda", gpuCases, true},
}

// Kinds returns the kinds of benchmark: gemm, conv, attention and norm are kernels;
// noise and law are those of package stable; unet and train are a forward pass and a
// training step of a network; cuda is what cuda/bench/run.sh compares with PyTorch.
func Kinds() []string {
	var all []string
	for _, k := range kinds {
		all = append(all, k.name)
	}
	return all
}

// IsNetwork reports whether a kind of benchmark times the network of Options.Config.
func IsNetwork(kind string) bool {
	for _, k := range kinds {
		if k.name == kind {
			return k.network
		}
	}
	return false
}

// Cases returns what is timed in a kind of benchmark, with its operands on
// o.Device. It returns an error for an unknown kind, network or number of threads.
func Cases(kind string, o Options) ([]Case, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	for _, k := range kinds {
		if k.name == kind {
			return k.cases(o)
		}
	}
	return nil, fmt.Errorf("bench: %q is no kind of benchmark: want one of %s", kind, strings.Join(Kinds(), ", "))
}

func (o Options) check() error {
	if o.Batch < 1 || o.Threads < 1 || o.Count < 1 || o.Device == nil {
		return fmt.Errorf("bench: Batch %d, Threads %d, Count %d: want at least 1 each, and a Device", o.Batch, o.Threads, o.Count)
	}
	return nil
}

// gpu reports whether the benchmark runs on another device than the processor.
func (o Options) gpu() bool {
	_, cpu := o.Device.(*kernels.CPU)
	return !cpu
}

// seconds returns the time that f takes on the device, whose methods may return
// before their work is done.
func (o Options) seconds(f func()) (float64, error) {
	if t, ok := o.Device.(interface{ Time(func()) (float64, error) }); ok {
		return t.Time(f)
	}
	start := time.Now()
	f()
	return time.Since(start).Seconds(), nil
}

// launches returns how many kernels the device started so far.
func (o Options) launches() int {
	if d, ok := o.Device.(interface{ Launches() int }); ok {
		return d.Launches()
	}
	return 0
}

// Time runs c once to warm up and then o.Count times, and returns the median. What a
// GPU does in less than 2 ms is run several times behind each other, so that the
// time between two calls of this program does not count. peak is the peak of
// multiply-adds in FLOP/s that the result is set beside (PeakFlops), 0 for none. It
// returns an error where the context ends or the device fails.
func (c Case) Time(ctx context.Context, o Options, peak float64) (Result, error) {
	if ctx == nil {
		panic("bench: Case.Time with a nil context: use context.Background()")
	}
	const runsMS, mostRuns = 2, 100
	if err := o.check(); err != nil {
		return Result{}, err
	}
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
		return Result{}, err
	}
	if o.gpu() {
		before := o.launches()
		ms, err := measure()
		if err != nil {
			return Result{}, err
		}
		launches = o.launches() - before
		runs = max(1, min(mostRuns, int(runsMS/ms)))
	}
	ms := make([]float64, o.Count)
	for i := range ms {
		var err error
		if ms[i], err = measure(); err != nil {
			return Result{}, err
		}
	}
	r := c.result(o, ms, peak)
	if o.gpu() {
		r.Runs, r.Launches = runs, launches
	}
	return r, nil
}

// result is the line of a case that took so many milliseconds.
func (c Case) result(o Options, ms []float64, peak float64) Result {
	slices.Sort(ms)
	median := (ms[(len(ms)-1)/2] + ms[len(ms)/2]) / 2
	r := Result{Name: c.name, MedianMS: median, MinMS: ms[0], Peak: peak / 1e9,
		ISA: isa.Cur().String(), Threads: o.Threads, Batch: o.Batch, Config: o.Config, Device: o.Device.Name(), Op: c.op, Shape: c.shape}
	if c.op != "" {
		r.Mode = cmp.Or(o.Mode, "exact")
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

// String is the result in one line.
func (r Result) String() string {
	line := fmt.Sprintf("%-34s %9.3f ms (least %.3f)", r.Name, r.MedianMS, r.MinMS)
	if r.Calls > 0 { // a row of Layers
		line = fmt.Sprintf("%-48s %3d× %9.3f ms %5.1f %%", r.Name, r.Calls, r.MedianMS, 100*r.Share)
	}
	if r.GFlops > 0 {
		line += fmt.Sprintf("  %7.1f GFLOP/s", r.GFlops)
	}
	if r.Peak > 0 && r.GFlops > 0 {
		line += fmt.Sprintf(", %4.1f %% of %.1f", 100*r.Fraction, r.Peak)
	}
	if r.LeastMS > 0 {
		line += fmt.Sprintf(", limit %.3f ms", r.LeastMS)
	}
	if r.Rate >= 1000 {
		line += fmt.Sprintf("  %.0f %s/s", r.Rate, r.Unit)
	} else if r.Rate > 0 {
		line += fmt.Sprintf("  %.4g %s/s", r.Rate, r.Unit)
	}
	if r.BeforeMS > 0 {
		line += fmt.Sprintf("  %.2f× of %.3f ms before", r.MedianMS/r.BeforeMS, r.BeforeMS)
		if r.BeforeOn != r.Device {
			line += " on " + r.BeforeOn
		}
	}
	return line + fmt.Sprintf("  [%s]", r.Device)
}
