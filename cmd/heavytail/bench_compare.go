package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// benchKey is what two runs of a case have in common.
type benchKey struct {
	name, config   string
	threads, batch int
}

func (r benchResult) key() benchKey { return benchKey{r.Name, r.Config, r.Threads, r.Batch} }

// mostEarlier bounds the file of an earlier run.
const mostEarlier = 16 << 20

// earlier reads the lines that bench -json printed; of a case that is there twice the
// last counts.
func earlier(path string) (map[benchKey]benchResult, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out := map[benchKey]benchResult{}
	d := json.NewDecoder(io.LimitReader(f, mostEarlier))
	for {
		var r benchResult
		switch err := d.Decode(&r); {
		case errors.Is(err, io.EOF) && len(out) > 0:
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("-compare %s: result %d: %w; want what bench -json printed", path, len(out)+1, err)
		case r.Name == "" || !(r.MedianMS > 0):
			return nil, fmt.Errorf("-compare %s: result %d has no name or no time; want what bench -json printed", path, len(out)+1)
		}
		out[r.key()] = r
	}
}

// report prints r, beside that of the earlier run if there is one.
func (o benchOptions) report(w io.Writer, r benchResult) error {
	if before, ok := o.before[r.key()]; ok && r.MedianMS > 0 {
		r.BeforeMS, r.BeforeOn = before.MedianMS, before.Device
		*o.matched++
	}
	return r.print(w, o.json)
}

// unmatched returns an error if -compare had nothing to compare with.
func (o benchOptions) unmatched() error {
	if o.compare == "" || *o.matched > 0 {
		return nil
	}
	return fmt.Errorf("-compare %s: nothing in it has the name, network, batch and threads of what was timed: give the flags of that run", o.compare)
}
