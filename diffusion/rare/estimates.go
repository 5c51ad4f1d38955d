package rare

import (
	"context"
	"errors"
	"math"
)

// A Finding is what one way tells of an event: an estimate, or why it has none.
type Finding struct {
	By string // sampling, guided or tail
	Estimate
	Err error
}

// Estimates tells how rare an event is by three ways, as the command heavytail rare
// does: Count of n samples, Guided with n samples, and Tail fitted to the former. That
// one of them has no estimate is its Err; the error is that of samples that could not be
// drawn, or ctx's. It panics as Values does.
func Estimates(ctx context.Context, m Model, e Event, n int, seed uint64) ([]Finding, error) {
	values, err := Values(ctx, m, e, n, seed)
	if err != nil {
		return nil, err
	}
	out := []Finding{{By: "sampling", Estimate: Count(values, e.Threshold)}, {By: "guided"}, {By: "tail"}}
	guided, tail := &out[1], &out[2]
	guided.Estimate, guided.Err = Guided(ctx, m, e, n, seed)
	if err := ctx.Err(); err != nil {
		if guided.Err != nil { // which says where it was stopped
			err = guided.Err
		}
		return nil, err
	}
	if tail.Estimate, tail.Err = Tail(values, e.Threshold); e.Short {
		tail.Err = errors.New("lengths end at 0, so that short ones have no tail to fit: count the samples instead")
	}
	return out, nil
}

// A Line is a Finding for a person or in JSON, where what is not finite is null.
type Line struct {
	By       string `json:"by"` // as Finding.By
	*Numbers        // nil: there is no estimate
	Error    string `json:"error,omitempty"` // why
}

// Numbers are those of an estimate; return periods are in the unit of time that
// Finding.Line was told.
type Numbers struct {
	P                 float64     `json:"probability"`            // of the event
	Interval          [2]float64  `json:"interval"`               // of P at Level
	ReturnPeriod      *float64    `json:"return_period"`          // nil: the event was not seen
	PeriodInterval    [2]*float64 `json:"return_period_interval"` // nil: unbounded
	Effective         float64     `json:"effective_samples"`      // as Estimate.Effective
	Hits              int         `json:"hits"`                   // samples in the event
	Samples           int         `json:"samples"`                // drawn in all
	VarianceReduction *float64    `json:"variance_reduction"`     // as Estimate.VarianceReduction
	Reliable          bool        `json:"reliable"`               // as Estimate.Reliable
}

// Line returns the numbers of f; per is how many samples a unit of time has: with 250,
// for daily values, return periods are in years of trading days.
func (f Finding) Line(per float64) Line {
	if f.Err != nil {
		return Line{By: f.By, Error: f.Err.Error()}
	}
	period, lo, hi := f.ReturnPeriod()
	return Line{By: f.By, Numbers: &Numbers{P: f.P, Interval: [2]float64{f.Lo, f.Hi}, ReturnPeriod: orNil(period / per), PeriodInterval: [2]*float64{orNil(lo / per), orNil(hi / per)},
		Effective: f.Effective, Hits: f.Hits, Samples: f.Samples, VarianceReduction: orNil(f.VarianceReduction), Reliable: f.Reliable()}}
}

// orNil returns nil for what JSON has no number for.
func orNil(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
