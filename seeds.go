package heavytail

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// maxSeeds bounds a list of seeds.
const maxSeeds = 1 << 24

// ParseSeeds reads a list of seeds such as 0-63,100, for Options.Seeds: at most 2^24.
func ParseSeeds(text string) ([]uint64, error) {
	var out []uint64
	for part := range strings.SplitSeq(text, ",") {
		lo, hi, span := strings.Cut(strings.TrimSpace(part), "-")
		a, err := strconv.ParseUint(lo, 10, 64)
		b := a
		if err == nil && span {
			b, err = strconv.ParseUint(hi, 10, 64)
		}
		if err != nil || b < a {
			return nil, fmt.Errorf("seeds %q: want numbers and ranges such as 0-63,100", part)
		}
		if b-a >= maxSeeds || uint64(len(out))+b-a >= maxSeeds {
			return nil, fmt.Errorf("seeds %q: want at most %d seeds", text, maxSeeds)
		}
		for s := a; ; s++ {
			if out = append(out, s); s == b {
				break
			}
		}
	}
	return out, nil
}

// FormatSeeds is the inverse of ParseSeeds, in its shortest form.
func FormatSeeds(seeds []uint64) string {
	var parts []string
	for i := 0; i < len(seeds); {
		j := i
		for j+1 < len(seeds) && seeds[j] != math.MaxUint64 && seeds[j+1] == seeds[j]+1 {
			j++
		}
		if j > i {
			parts = append(parts, fmt.Sprintf("%d-%d", seeds[i], seeds[j]))
		} else {
			parts = append(parts, strconv.FormatUint(seeds[i], 10))
		}
		i = j + 1
	}
	return strings.Join(parts, ",")
}

// SeedList returns the seeds of the samples of o as ParseSeeds reads them, of as many
// as there may be.
func (o Options) SeedList() string {
	n := max(o.N, 1)
	last := o.SeedOf(n - 1)
	switch {
	case o.Seeds != nil:
		return FormatSeeds(o.Seeds)
	case n == 1:
		return FormatSeeds([]uint64{last})
	case last < o.Seed: // past the largest seed comes 0
		return Options{Seed: o.Seed, N: int(-o.Seed)}.SeedList() + "," + Options{N: int(last) + 1}.SeedList()
	}
	return fmt.Sprintf("%d-%d", o.Seed, last)
}
