package main

import (
	"context"
	"encoding/json"
	"flag"

	"heavytail"
	"heavytail/diffusion/rare"
	"heavytail/internal/cli"
)

var rareCommand = command{
	Name: "rare", Summary: "tells how rare an event is under a model: probability and return period",
	Help: `  heavytail rare -model runs/tedm/model.safetensors -event "norm > 50"
  heavytail rare -model runs/tedm/model.safetensors -event "2*x0 - x1 > 20" -n 20000 -json

An event is a linear form of columns, or norm, the length of a sample, above (>) or
below (<) a number, in the units of the data: "loss > 1e6", "0.6*a + 0.4*b < -0.1". A
column goes by its name, in double quotes where that holds blanks or signs, or is x0,
x1, ...; where a column is called norm or x0, that is the column.

Three estimates, each from -n samples of a sampler without noise in its steps, whose
samples the probability is of, not those of chains such as -method dlpm:
  sampling  counts events; the interval is Clopper and Pearson's
  guided    draws noise that leads to the event and weighs it by the ratio of the noise's
            two densities, which is that of the samples' under model and guidance; for
            up to 64 values. The noise is found by pilots, three twentieths to six tenths of -n
  tail      fits a power tail to the largest values of sampling, about their median, and
            extrapolates: for tails that are powers, which those of Gaussian noise are not
All intervals are of 95 % and asymptotic but for sampling's, and know nothing of how far
the model is from the data. Each says its effective sample size, (sum w)^2 / sum w^2 of
the weights in the event: below 50 the interval is not to be relied on, and the line
says so. The variance reduction is that against sampling with as many samples.
`,
	Flags: rareFlags,
}

// A rareRequest is what the flags of rare ask for.
type rareRequest struct {
	model, weights, class, event string
	given                        string
	n, threads                   int
	per                          float64
	json                         bool
	seed                         uint64
	o                            heavytail.Options
}

func rareFlags(fs *flag.FlagSet) func(context.Context, env, []string) error {
	var r rareRequest
	fs.StringVar(&r.model, "model", "", modelHelp)
	fs.StringVar(&r.weights, "weights", "", weightsHelp)
	fs.StringVar(&r.class, "class", "", oneClassHelp)
	fs.StringVar(&r.given, "given", "", givenHelp)
	fs.StringVar(&r.event, "event", "", "`event`, such as \"norm > 50\" or \"2*x0 - x1 > 20\" (required)")
	fs.IntVar(&r.n, "n", 10000, "samples of each estimate")
	fs.Uint64Var(&r.seed, "seed", 0, "seed of the noise")
	fs.Float64Var(&r.per, "per", 1, "samples in a unit of time, such as 252 days of a year: return periods are in that unit")
	fs.StringVar(&r.o.Method, "method", "", "`sampler` without noise in its steps: dlim2 or dlim, lim-ode, edm, dpm or flow (empty: dlim2, lim-ode, edm, flow)")
	fs.IntVar(&r.o.Steps, "steps", 0, "sampling steps (0: dlim2 50, dlim 200, lim-ode 200, edm 64, dpm 64, flow 64)")
	fs.IntVar(&r.threads, "threads", 0, "threads (0: all processors)")
	fs.BoolVar(&r.json, "json", false, "print one JSON object")
	return func(ctx context.Context, e env, args []string) error {
		if err := cli.NoArguments(args); err != nil {
			return err
		}
		return r.run(ctx, e)
	}
}

func (r *rareRequest) run(ctx context.Context, e env) error {
	switch {
	case r.event == "":
		return cli.Usage("-event is required, such as \"norm > 50\"")
	case r.n < 100 || r.n > 1<<30:
		return cli.Usage("-n %d: want 100 to %d", r.n, 1<<30)
	case !(r.per > 0 && r.per <= 1e12):
		return cli.Usage("-per %v: want a positive number", r.per)
	case r.o.Steps < 0:
		return cli.Usage("-steps %d: want 1 or more, or 0 for the default", r.o.Steps)
	}
	m, err := loadModel(ctx, r.model, r.weights, r.threads)
	if err != nil {
		return err
	}
	if r.class != "" {
		class, err := oneClass(m, r.class)
		if err != nil {
			return err
		}
		r.o.Classes = []int{class}
	}
	if r.o.Given, err = givenOf(m, r.given); err != nil {
		return err
	}
	way, err := m.Way(r.o)
	if err != nil {
		return err
	}
	defer way.Close()
	event, err := rare.ParseEvent(r.event, m.Recipe().Data.Columns, way.Dim)
	if err != nil {
		return cli.Usage("-event %q: %w", r.event, err)
	}
	found, err := rare.Estimates(ctx, way.Model, event, r.n, r.seed)
	if err != nil {
		return err
	}
	out := rare.Report{Program: "heavytail " + heavytail.Version, Event: r.event, Method: way.Method, Steps: way.Steps, Seed: r.seed, Per: r.per}
	for _, f := range found {
		l := f.Line(r.per)
		if f.Err != nil {
			l.Error = cli.PlainWords(f.Err)
		}
		out.Estimates = append(out.Estimates, l)
	}
	if r.json {
		enc := json.NewEncoder(e.Stdout)
		enc.SetEscapeHTML(false) // the > of events
		return enc.Encode(out)
	}
	_, err = out.WriteTo(e.Stdout)
	return err
}
