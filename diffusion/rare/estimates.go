package rare

import (
	"context"
	"errors"
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
	if ctx.Err() != nil {
		return nil, guided.Err
	}
	if tail.Estimate, tail.Err = Tail(values, e.Threshold); e.Short {
		tail.Err = errors.New("lengths end at 0, so that short ones have no tail to fit: count the samples instead")
	}
	return out, nil
}
