package stable

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"heavytail/simd"
)

// A scanFamily is a float32 family with parameters. Its variates are monotone
// functions of each of their words, on each half of the words.
type scanFamily struct {
	name  string
	op    simd.NoiseOp
	q     simd.NoiseParams
	words int // of a variate
	tol   float32
}

// scanFamilies are all kernels. The tolerance is the fall, relative to
// max(1, |x|), that rounding explains.
func scanFamilies(t *testing.T) []scanFamily {
	out := []scanFamily{
		{"uniform", simd.NoiseUniform, simd.NoiseParams{}, 1, 0},
		{"exponential", simd.NoiseExponential, simd.NoiseParams{}, 1, 1e-5},
		{"normal", simd.NoiseNormal, simd.NoiseParams{Scale: 1}, 2, 1e-6},
	}
	for _, alpha := range []float64{0.5, 1.7} {
		op, q := symmetricParams(alpha)
		out = append(out, scanFamily{fmt.Sprint("symmetric ", alpha), op, q, 2, 1e-5})
	}
	for _, l := range []Law{{Alpha: 0.5, Beta: 0.5, Param: S1}, {Alpha: 0.99, Beta: 0.5, Param: S1}, {Alpha: 1.2, Beta: -0.75, Param: S1}} {
		q := skewedParams(l.Alpha, l.Beta, l.Param)
		out = append(out, scanFamily{fmt.Sprint("skewed ", l.Alpha, l.Beta), simd.NoiseSkewed, q, 2, 1e-5})
	}
	for form := Value; form <= Log; form++ {
		for _, a := range []float64{0.35, 0.85} {
			op, q := positiveParams(a, form)
			out = append(out, scanFamily{fmt.Sprint("positive ", a, form), op, q, 2, 1e-5})
		}
	}
	for _, l := range []Law{{Alpha: 1.7, Scale: 1}, {Alpha: 0.6, Beta: 0.9, Scale: 1}} {
		out = append(out, scanFamily{fmt.Sprint("table ", l.Alpha, l.Beta), simd.NoiseTable, sampler(t, l).params, 1, 1e-5})
	}
	return out
}

// A scan runs one word of a family through half of the words, the other one
// fixed.
type scan struct {
	scanFamily
	second bool // the word that runs is the second
	sine   bool // look at the second variate of a pair of normals
	fixed  uint32
	from   uint32 // 0 or 2^31
}

// scans are the runs of a family: several second words, and one first word.
func (f scanFamily) scans() (out []scan) {
	for _, from := range []uint32{0, 1 << 31} {
		if f.words == 1 {
			out = append(out, scan{scanFamily: f, from: from})
			continue
		}
		switch f.op {
		case simd.NoiseNormal, simd.NoiseSymmetricLow, simd.NoiseSymmetricHigh: // bit 31 is the sign
			if from != 0 {
				continue
			}
		}
		for _, fixed := range []uint32{0, 0x5a5a5a5a, 0xffffffff} {
			out = append(out, scan{scanFamily: f, fixed: fixed, from: from})
			if f.op == simd.NoiseNormal {
				out = append(out, scan{scanFamily: f, fixed: fixed, from: from, sine: true})
			}
		}
		out = append(out, scan{scanFamily: f, second: true, fixed: 0x2468ace1 | from, from: from})
	}
	return out
}

const scanChunk = 1 << 12 // variates, or pairs of normals

// A scanner holds the buffers of one goroutine.
type scanner struct {
	words [2 * scanChunk]uint32
	x, y  [2 * scanChunk]float32
}

// variates makes the variates of the words w, w+step, …; those that count are
// x[at], x[at+gap], ….
func (b *scanner) variates(s *scan, w, step uint32) (x []float32, gap int) {
	words, run, other := b.words[:s.words*scanChunk], 0, 1
	if s.second {
		run, other = 1, 0
	}
	if s.words == 1 {
		for i := range words {
			words[i] = w + uint32(i)*step
		}
	} else {
		for i := 0; i < len(words); i += 2 {
			words[i+run], words[i+other] = w, s.fixed
			w += step
		}
	}
	if s.op != simd.NoiseNormal {
		simd.NoiseOf(b.x[:scanChunk], s.op, words, &s.q)
		return b.x[:scanChunk], 1
	}
	simd.NoiseOf(b.x[:], s.op, words, &s.q)
	if s.sine {
		return b.x[1:], 2
	}
	return b.x[:], 2
}

// run looks at chunks of variates: all must be finite, and monotone but for
// rounding. alter stands for a broken kernel.
func (b *scanner) run(s *scan, first, step uint32, chunks int, alter func([]float32)) error {
	dir := float32(1)
	lo, _ := b.variates(s, s.from+1<<28, 2)
	start := lo[0]
	if hi, _ := b.variates(s, s.from+7<<28, 2); hi[0] < start {
		dir = -1
	}
	ext := float32(-math.MaxFloat32)
	for c := range chunks {
		w := s.from + first + uint32(c)*scanChunk*step
		x, gap := b.variates(s, w, step)
		if alter != nil {
			alter(x)
		}
		if gap == 1 && b.flat(s, x, dir, &ext) {
			continue
		}
		for i := 0; i < len(x); i += gap {
			v := x[i] * dir
			if v >= ext && v <= math.MaxFloat32 {
				ext = v
			} else if !(v <= math.MaxFloat32 && ext-v <= s.tol*max(1, ext, -ext)) {
				return fmt.Errorf("%s: words %x and %x (second: %v) give %v, after %v",
					s.name, w+uint32(i/gap)*step, s.fixed, s.second, x[i], ext*dir)
			}
		}
	}
	return nil
}

// flat is the quick way through a chunk: it returns whether all of it is finite
// and so nearly equal that no order in it matters, and moves the extreme.
func (b *scanner) flat(s *scan, x []float32, dir float32, ext *float32) bool {
	most := simd.Max(x)
	simd.Scale(b.y[:len(x)], x, -1)
	least := -simd.Max(b.y[:len(x)])
	if sum := simd.Sum(x); sum-sum != 0 { // also where it overflows
		return false
	}
	if dir < 0 {
		most, least = -least, -most
	}
	room := s.tol * max(1, most, -most)
	if !(most-least <= room && *ext-least <= room) {
		return false
	}
	*ext = max(*ext, most)
	return true
}

// step is 2 where bit 0 of the running word is a sign.
func (s *scan) step() uint32 {
	if s.op == simd.NoiseNormal && s.second {
		return 2
	}
	return 1
}

// sample looks at a grid over all words of the half and at those next to its ends.
func (b *scanner) sample(s *scan, alter func([]float32)) error {
	const wide = (1<<31 - 1<<16) / scanChunk / 2 * 2
	if err := b.run(s, 0, wide, 1, alter); err != nil {
		return err
	}
	step := s.step()
	for _, first := range []uint32{0, 1 << 30, 1<<31 - scanChunk*step} {
		if err := b.run(s, first, step, 1, alter); err != nil {
			return err
		}
	}
	return nil
}

// TestScan looks at a sample of every family's words, at all 2^31 of each half
// with HEAVYTAIL_EXHAUSTIVE set.
func TestScan(t *testing.T) {
	all := os.Getenv("HEAVYTAIL_EXHAUSTIVE") != ""
	var jobs []scan
	for _, f := range scanFamilies(t) {
		for i, s := range f.scans() {
			if !testing.Short() || i%3 == 0 {
				jobs = append(jobs, s)
			}
		}
	}
	begin, n := time.Now(), 0.0
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			b := new(scanner)
			for {
				mu.Lock()
				if len(jobs) == 0 {
					mu.Unlock()
					return
				}
				s := jobs[0]
				jobs = jobs[1:]
				mu.Unlock()
				var err error
				if all {
					err = b.run(&s, 0, s.step(), int(1<<31/scanChunk/s.step()), nil)
				} else {
					err = b.sample(&s, nil)
				}
				mu.Lock()
				n += float64(1<<31) / float64(s.step())
				if all {
					fmt.Printf("%s: %x %x second %v sine %v: %v (%.0f s, %.3g words)\n",
						s.name, s.from, s.fixed, s.second, s.sine, err, time.Since(begin).Seconds(), n)
				}
				mu.Unlock()
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// TestScanCanFail: single wrong values show.
func TestScanCanFail(t *testing.T) {
	b := new(scanner)
	for _, f := range scanFamilies(t) {
		for i, s := range f.scans() {
			if testing.Short() && i > 0 {
				break
			}
			for name, v := range map[string]float32{"nan": float32(math.NaN()), "inf": float32(math.Inf(1)), "less": -math.MaxFloat32, "more": math.MaxFloat32} {
				err := b.sample(&s, func(x []float32) { x[2000] = v })
				require.Error(t, err, "%s, %s", f.name, name)
			}
		}
	}
}
