package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// key is what two runs of a case have in common.
type key struct {
	name, config   string
	threads, batch int
}

func (r Result) key() key { return key{r.Name, r.Config, r.Threads, r.Batch} }

// Earlier are the results of an earlier run, to compare with.
type Earlier struct{ results map[key]Result }

// mostEarlier bounds what ReadEarlier reads.
const mostEarlier = 16 << 20

// ReadEarlier reads results written as JSON behind each other, as heavytail bench
// -json prints them, at most 16 MiB; of a case that is there twice the last counts.
// It returns an error for anything else, and where there is none.
func ReadEarlier(r io.Reader) (*Earlier, error) {
	e := &Earlier{map[key]Result{}}
	d := json.NewDecoder(io.LimitReader(r, mostEarlier))
	for {
		var r Result
		switch err := d.Decode(&r); {
		case errors.Is(err, io.EOF) && len(e.results) > 0:
			return e, nil
		case err != nil:
			return nil, fmt.Errorf("result %d: %w; want what bench -json printed", len(e.results)+1, err)
		case r.Name == "" || !(r.MedianMS > 0):
			return nil, fmt.Errorf("result %d has no name or no time; want what bench -json printed", len(e.results)+1)
		}
		e.results[r.key()] = r
	}
}

// Compare writes the time of the same case, network, batch and threads in the
// earlier run into r, and reports whether there is one.
func (e *Earlier) Compare(r *Result) bool {
	before, ok := e.results[r.key()]
	if !ok || !(r.MedianMS > 0) {
		return false
	}
	r.BeforeMS, r.BeforeOn = before.MedianMS, before.Device
	return true
}
