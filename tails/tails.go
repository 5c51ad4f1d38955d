// Package tails says how heavy the tails of data are, and which noise they ask for:
// what the command heavytail tail prints. Package stable has the estimators themselves.
package tails

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"heavytail/data"
	"heavytail/internal/source"
)

// Width returns the number of columns of points, or of channels of images.
func Width(set *data.Set) int {
	if set.Images() {
		return set.Shape[2]
	}
	return set.Per()
}

// Most is how many columns are looked at where nobody names them.
const Most = 32

// Columns returns the numbers of columns of a set by a list of numbers from 0 and, where
// they have names, names, with commas; of an empty list the first Most.
func Columns(set *data.Set, list string) (out []int, err error) {
	w := Width(set)
	if list == "" {
		for c := range min(w, Most) {
			out = append(out, c)
		}
		return out, nil
	}
	for word := range strings.SplitSeq(list, ",") {
		word = strings.TrimSpace(word)
		c := slices.Index(set.Columns, word)
		if n, err := strconv.Atoi(word); c < 0 && err == nil {
			c = n
		} else if c < 0 {
			return nil, fmt.Errorf("setting columns %q: want numbers such as 0,3%s", list, source.OrNames(set.Columns))
		}
		if c < 0 || c >= w {
			return nil, fmt.Errorf("setting columns: there is no column %d; the data have columns 0 to %d", c, w-1)
		}
		out = append(out, c)
	}
	return out, nil
}

// Look estimates the tails of columns of a set, by number from 0, channels of images
// (nil: all), from at most n values of each, evenly spaced over the set (0: all values),
// and suggests the noise. It returns an error if ctx ends, between two columns, if there
// are fewer than LeastValues values, or if nothing could be estimated of data that have
// no bounds. It panics without a context or a set, and for a column that is not there.
func Look(ctx context.Context, set *data.Set, columns []int, n int) (*Report, error) {
	if ctx == nil || set == nil || n < 0 {
		panic(fmt.Sprintf("tails: Look of at most %d values, with a context: %v, and a set: %v", n, ctx != nil, set != nil))
	}
	w := Width(set)
	if columns == nil {
		for c := range w {
			columns = append(columns, c)
		}
	}
	total := set.Len() * (set.Per() / w)
	if total < LeastValues {
		return nil, fmt.Errorf("%s: %s in each column: too few to tell of tails, give at least %d", set.Name, values(total), LeastValues)
	}
	if n == 0 {
		n = total
	}
	r := &Report{Data: set.Name, Samples: set.Len(), Images: set.Images(), Bounded: set.Images()}
	for _, c := range columns {
		if c < 0 || c >= w {
			panic(fmt.Sprintf("tails: Look at column %d of %d, numbered from 0", c, w))
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		x := column(set, c, n)
		r.Bounded = r.Bounded && slices.Max(x) <= 1 && slices.Min(x) >= -1
		r.Columns = append(r.Columns, newColumn(c, x))
		if set.Columns != nil {
			r.Columns[len(r.Columns)-1].Name = set.Columns[c]
		}
	}
	return r, r.suggest(set.Labels, w)
}

func values(n int) string {
	if n == 1 {
		return "1 value"
	}
	return fmt.Sprintf("%d values", n)
}

// column returns at most n values of column c, evenly spaced over the set.
func column(set *data.Set, c, n int) []float64 {
	per, w := set.Per(), Width(set)
	each := per / w // values of the column in a sample
	total := set.Len() * each
	m := min(n, total)
	out := make([]float64, m)
	sample, last := make([]float64, per), -1
	for i := range out {
		at := int(float64(i) * (float64(total) / float64(m)))
		if s := at / each; s != last {
			set.Float64(sample, s)
			last = s
		}
		out[i] = sample[at%each*w+c]
	}
	return out
}
