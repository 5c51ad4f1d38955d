package rare

import (
	"bytes"
	"fmt"
	"io"

	"heavytail/internal/words"
)

// A Report is what the estimates of an event are told as: its JSON is that of rare -json.
type Report struct {
	Program   string  `json:"program"`                  // with its version
	Event     string  `json:"event"`                    // as ParseEvent reads it
	Method    string  `json:"method"`                   // sampler without noise in its steps
	Steps     int     `json:"steps"`                    // that it made
	Seed      uint64  `json:"seed"`                     // of Estimates
	Per       float64 `json:"samples_per_unit_of_time"` // in which return periods are, as Finding.Line takes it
	Estimates []Line  `json:"estimates"`
}

// WriteTo writes the report for people, a line for each estimate. It implements
// io.WriterTo.
func (r *Report) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s, by %s with %s\n", r.Event, r.Method, words.Counted(r.Steps, "step"))
	for _, l := range r.Estimates {
		if l.Numbers == nil {
			fmt.Fprintf(&b, "%-9s none: %s\n", l.By, l.Error)
			continue
		}
		fmt.Fprintf(&b, "%-9s probability %.3g (%.3g to %.3g), return period %s (%s to %s); effective samples %.0f of %d",
			l.By, l.P, l.Interval[0], l.Interval[1], digits(l.ReturnPeriod), digits(l.PeriodInterval[0]), digits(l.PeriodInterval[1]), l.Effective, l.Samples)
		if l.By != "sampling" && l.VarianceReduction != nil {
			fmt.Fprintf(&b, "; variance %s times smaller", digits(l.VarianceReduction))
		}
		if !l.Reliable {
			fmt.Fprintf(&b, "; too few effective samples to rely on")
		}
		fmt.Fprintln(&b)
	}
	return b.WriteTo(w)
}

// digits writes v to three digits, nil as unbounded.
func digits(v *float64) string {
	if v == nil {
		return "unbounded"
	}
	return fmt.Sprintf("%.3g", *v)
}
