package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
)

// Run times the cases of a kind one after the other and gives each result to emit. Where
// the processor computes, they are set beside the peak of multiply-adds of as many
// threads, which it measures first. The error of a case that was not timed is a
// *StoppedError; others are as of Cases, and emit's.
func Run(ctx context.Context, kind string, o Options, emit func(Result) error) error {
	if ctx == nil {
		panic("bench: Run with a nil context: use context.Background()")
	}
	all, err := Cases(kind, o)
	if err != nil {
		return err
	}
	peak := 0.0
	if !o.gpu() {
		peak = PeakFlops(o.Threads)
	}
	for i, c := range all {
		r, err := c.Time(ctx, o, peak)
		if err != nil {
			return &StoppedError{i, len(all), err}
		}
		all[i] = Case{} // and its operands
		if !IsNetwork(kind) {
			r.Config = ""
		}
		if err := emit(r); err != nil {
			return err
		}
	}
	return nil
}

// A StoppedError is that of a run of which some cases were timed.
type StoppedError struct {
	Done, Of int // cases
	Err      error
}

// Error says what stopped the run.
func (e *StoppedError) Error() string { return e.Err.Error() }

// Unwrap returns what stopped the run.
func (e *StoppedError) Unwrap() error { return e.Err }

// A Printer writes results to W, a line for each, as heavytail bench does.
type Printer struct {
	W      io.Writer
	JSON   bool     // as ReadEarlier reads them, else for people
	Before *Earlier // results to set beside these; nil: none

	matched int
}

// Print writes r, with the time of the earlier run if there is one.
func (p *Printer) Print(r Result) error {
	if p.Before != nil && p.Before.Compare(&r) {
		p.matched++
	}
	if p.JSON {
		return json.NewEncoder(p.W).Encode(r)
	}
	_, err := fmt.Fprintln(p.W, r)
	return err
}

// Matched reports whether any result that was printed has an earlier one beside it.
func (p *Printer) Matched() bool { return p.matched > 0 }
