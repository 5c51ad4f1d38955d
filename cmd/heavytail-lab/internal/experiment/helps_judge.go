package experiment

import (
	"math"
	"slices"

	"heavytail/internal/dmath"
	"heavytail/stable"
)

// helpsColumns are measured of samples. error, by which methods are compared and tuned,
// is the mean of tail, |ln r999| and sum; fail is 1 for a run that failed.
var helpsColumns = []string{"fail", "error", "tail", "sum", "body", "w1", "ks", "cvar", "r99", "r999", "r9999", "upper", "lower"}

// helpsLevels are the probabilities beyond which tail and sum look: 20 from 10 % to
// 0.5 % and from 10 % to 1 %.
var helpsLevels, helpsSumLevels = levelsBetween(0.1, 0.005), levelsBetween(0.1, 0.01)

func levelsBetween(from, to float64) (p []float64) {
	for i := range 20 {
		p = append(p, from*dmath.Pow(to/from, float64(i)/19))
	}
	return p
}

// Bounds of an error in logarithms, and of a run that did not fail: shares beyond the
// 90 to 99.5 % quantiles that are off by a factor of three on average, or a 99.9 %
// quantile that is off by one of ten.
const (
	helpsWorst   = 100
	failedTail   = 3
	failedFactor = 10
)

// helpsDirections is how many linear forms are looked at.
const helpsDirections = 8

// directions are unit vectors: the mean of all elements, and others at random.
func directions(d int) [][]float64 {
	z := make([]float64, helpsDirections*d)
	stable.Key{Seed: Seed(0, "directions", d)}.Normal64(z, 0)
	var out [][]float64
	for k := range helpsDirections {
		w, sum := z[k*d:(k+1)*d], 0.0
		for i := range w {
			if k == 0 {
				w[i] = 1
			}
			sum += float64(w[i] * w[i])
		}
		for i := range w {
			w[i] /= math.Sqrt(sum)
		}
		out = append(out, w)
	}
	return out
}

// A yardstick is what samples are compared with: quantiles of |x_i| of all elements
// together, and of |w·x|.
type yardstick struct {
	d            int
	levels       []float64 // at helpsLevels
	q999         float64
	sums         [][]float64 // by direction, at helpsSumLevels
	upper, lower float64     // jointTails
}

// above is the value with the share p of ascending x above it.
func above(x []float64, p float64) float64 {
	at := max(float64(float64(len(x))*(1-p))-0.5, 0)
	k := min(int(at), len(x)-2)
	return x[k] + float64((at-float64(k))*(x[k+1]-x[k]))
}

func aboveAll(x []float64, p []float64) (q []float64) {
	for _, v := range p {
		q = append(q, above(x, v))
	}
	return q
}

// sizes are |x_i| in ascending order; what is no number is +Inf.
func sizes(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		if out[i] = math.Abs(v); v != v {
			out[i] = math.Inf(1)
		}
	}
	slices.Sort(out)
	return out
}

// sumSizes are sizes of w·x by direction.
func sumSizes(x []float64, d int) (out [][]float64) {
	for _, w := range directions(d) {
		s := make([]float64, len(x)/d)
		for i, v := range x {
			s[i/d] += float64(w[i%d] * v)
		}
		out = append(out, sizes(s))
	}
	return out
}

// jointTails are P(x_i > q, x_j > q)/0.05 and P(x_i < −q, x_j < −q)/0.05 for the pairs
// of neighbours (1, 2), (3, 4) …, q being the law's 95 % quantile: 1 of elements that
// are the same, 0.05 of independent ones.
func jointTails(x []float64, d int, q float64) (upper, lower float64) {
	n := 0
	for row := 0; row < len(x); row += d {
		for i := row; i+1 < row+d; i += 2 {
			n++
			if x[i] > q && x[i+1] > q {
				upper++
			}
			if x[i] < -q && x[i+1] < -q {
				lower++
			}
		}
	}
	return upper / (0.05 * float64(n)), lower / (0.05 * float64(n))
}

// measured makes a yardstick of points: of a validation part.
func measuredYardstick(x []float64, d int) *yardstick {
	abs := sizes(x)
	y := &yardstick{d: d, levels: aboveAll(abs, helpsLevels), q999: above(abs, 0.001)}
	for _, s := range sumSizes(x, d) {
		y.sums = append(y.sums, aboveAll(s, helpsSumLevels))
	}
	return y
}

// yardstick is that of the cell: elements by their law, sums and pairs by n draws.
func (c *helpsCell) yardstick(n int) *yardstick {
	x := c.draw(n, Seed(0, "helps reference", c.copula.name, c.d, c.index))
	y := measuredYardstick(x, c.d)
	law := sideOf(c.index)
	for i, p := range helpsLevels {
		y.levels[i] = law.SurvivalQuantile(p / 2)
	}
	y.q999 = law.SurvivalQuantile(0.0005)
	y.upper, y.lower = jointTails(x, c.d, law.SurvivalQuantile(0.05))
	return y
}

// logRatio is |ln(a/b)|, at most ln helpsWorst.
func logRatio(a, b float64) float64 {
	v := math.Abs(dmath.Log(a / b))
	if !(v < dmath.Log(helpsWorst)) {
		return dmath.Log(helpsWorst)
	}
	return v
}

// errors returns error, tail and sum, and |x_i| in ascending order.
func (y *yardstick) errors(x []float64) (err, tail, sum float64, abs []float64) {
	abs = sizes(x)
	for i, q := range y.levels {
		k, _ := slices.BinarySearch(abs, q)
		tail += logRatio(float64(len(abs)-k)/float64(len(abs)), helpsLevels[i]) / float64(len(y.levels))
	}
	for k, s := range sumSizes(x, y.d) {
		for i, p := range helpsSumLevels {
			sum += logRatio(above(s, p), y.sums[k][i]) / float64(helpsDirections*len(helpsSumLevels))
		}
	}
	return (tail + logRatio(above(abs, 0.001), y.q999) + sum) / 3, tail, sum, abs
}

// row measures samples of the cell: helpsColumns.
func (c *helpsCell) row(y *yardstick, x []float64) []float64 {
	err, tail, sum, abs := y.errors(x)
	law := sideOf(c.index)
	r := map[float64]float64{}
	for _, p := range []float64{0.01, 0.001, 0.0001} {
		r[p] = above(abs, p) / law.SurvivalQuantile(p/2)
	}
	fail := 0.0
	if abs[len(abs)-1]-abs[len(abs)-1] != 0 || tail > dmath.Log(failedTail) || logRatio(r[0.001], 1) > dmath.Log(failedFactor) {
		fail = 1
	}
	w1, body := c.distances(x)
	upper, lower := jointTails(x, c.d, law.SurvivalQuantile(0.05))
	return []float64{fail, err, tail, sum, body, w1, c.tailKS(abs), meanAbove(abs, 0.01) / upperMean(c.index, law.SurvivalQuantile(0.005)),
		r[0.01], r[0.001], r[0.0001], upper - y.upper, lower - y.lower}
}

// distances are the mean of |Q_gen(p) − Q(p)| over all p, Wasserstein's distance to the
// law of an element, and over p from 5 to 95 %, in units of the law's upper quartile.
func (c *helpsCell) distances(x []float64) (w1, body float64) {
	signed := slices.Clone(x)
	for i, v := range signed {
		if v != v {
			signed[i] = math.Inf(1)
		}
	}
	slices.Sort(signed)
	to, n, inner := newMarginalMap(logisticSide, 42, sideOf(c.index)), float64(len(signed)), 0
	for i, v := range signed {
		p := (float64(i) + 0.5) / n
		gap := math.Abs(v - to.at(dmath.Log(p/(1-p))))
		w1 += gap
		if p > 0.05 && p < 0.95 {
			body += gap
			inner++
		}
	}
	unit := sideOf(c.index).SurvivalQuantile(0.25)
	return w1 / n / unit, body / float64(inner) / unit
}

// tailKS is sup |P_gen(|X| > v) − P(|X| > v)|/0.05 over the v beyond the law's 95 %
// quantile.
func (c *helpsCell) tailKS(abs []float64) (ks float64) {
	law, n := sideOf(c.index), float64(len(abs))
	q := law.SurvivalQuantile(0.025)
	first, _ := slices.BinarySearch(abs, q)
	ks = math.Abs(float64(len(abs)-first)/n - 0.05)
	for i := first; i < len(abs); i++ {
		p := 2 * law.Survival(abs[i])
		ks = max(ks, math.Abs(float64(len(abs)-i)/n-p), math.Abs(float64(len(abs)-i-1)/n-p))
	}
	return ks / 0.05
}

// meanAbove is the mean of the largest share p of ascending x.
func meanAbove(x []float64, p float64) float64 {
	n, sum := max(int(p*float64(len(x))), 1), 0.0
	for _, v := range x[len(x)-n:] {
		sum += v
	}
	return sum / float64(n)
}
